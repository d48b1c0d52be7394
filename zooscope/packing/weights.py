"""A checkpoint's weights into a module: strictly, after what is only a matter of naming."""

from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from workers.programs.expected_weights import ExpectedWeights, form_of
from workers.programs.weight_sets import (
    WeightSelection,
    WeightSet,
    WeightsMismatch,
    select_weights,
)
from zooscope.packing.checkpoints import StateDict, read_state_dicts
from zooscope.packing.refusal import PackingError
from zooscope.packing.user_code import running

_LOADABLE = "make network.load_state_dict(weights) work on its own first"


@dataclass(frozen=True)
class LoadedWeights:
    """Which weights of a checkpoint were taken; ``note`` says why, if it holds more."""

    key: str
    note: str


def load_weights(network: nn.Module, path: Path, *, key: str | None = None) -> LoadedWeights:
    """Fill ``network`` from a checkpoint file; afterwards every weight came from the file.

    Understands state dicts under a key or in a list, prefixes that wrappers add, shards, whole pickled
    modules, tensors saved on a GPU, legacy files, and half-precision storage (converted to the
    module's own type). ``workers.programs.weight_sets`` has the rule for what fits.

    Args:
        network: The module that was trained.
        path: The checkpoint, one of its shards, or their index.
        key: Takes only weights below this key or prefix, such as ``state_dict_ema``.

    Raises:
        PackingError: ``weights_do_not_fit`` names missing and surplus keys and wrong shapes;
            ``ambiguous_weights``, ``unknown_weights_key``, ``non_finite_weights``; or the file is no
            checkpoint.
    """
    with running("weights_do_not_fit", "the weights of the module cannot be listed", _LOADABLE):
        expected = ExpectedWeights.of(network)
    state_dicts = read_state_dicts(path)
    selection = select_weights(expected, [_set_of(weights) for weights in state_dicts], key=key)
    if isinstance(selection, WeightsMismatch):
        raise _refusal(selection, path)
    weights = _taken(selection, state_dicts, expected)
    _refuse_non_finite(weights)
    own = network.state_dict()
    with running(
        "weights_do_not_fit", f"the module refuses the weights of {path.name}", _LOADABLE
    ):
        network.load_state_dict(own | weights)
    return LoadedWeights(selection.key, selection.note)


def _set_of(weights: StateDict) -> WeightSet:
    forms = {name: form_of(tensor) for name, tensor in weights.tensors.items()}
    return WeightSet(weights.key, forms)


def _taken(
    selection: WeightSelection, state_dicts: tuple[StateDict, ...], expected: ExpectedWeights
) -> dict[str, Tensor]:
    """The selected tensors by the network's names; counters that the file lacks are left out."""
    tensors = state_dicts[selection.position].tensors
    sources = {name: selection.source_of(name, expected) for name in expected.forms}
    return {name: tensors[source] for name, source in sources.items() if source is not None}


def _refusal(mismatch: WeightsMismatch, path: Path) -> PackingError:
    if mismatch.code == "weights_do_not_fit":
        detail = f"the weights in {path.name} do not fit the module; {mismatch.detail}"
        return PackingError(mismatch.code, detail, _remedy(mismatch))
    listed = ", ".join(mismatch.keys[:8]) or "leave it out"
    return PackingError(
        mismatch.code, f"{path.name}: {mismatch.detail}", f"choose with --weights-key: {listed}"
    )


def _remedy(mismatch: WeightsMismatch) -> str:
    if mismatch.only_shapes:
        return "build the module with the sizes of the checkpoint, such as its number of classes"
    if mismatch.missing and not mismatch.surplus:
        return (
            "build the network without the parts that the file lacks, such as its head "
            "(--arguments '{\"num_classes\": 0}' in timm), or use a checkpoint that has them"
        )
    return "build the very module that was trained, with the same names of its parts"


def _refuse_non_finite(weights: dict[str, Tensor]) -> None:
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise PackingError(
                "non_finite_weights",
                f"{name} holds NaN or infinity",
                "use a checkpoint from before the training broke down",
            )
