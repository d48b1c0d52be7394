"""A checkpoint's weights into a module: strictly, after what is only a matter of naming."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from zooscope.packing.checkpoints import read_state_dicts
from zooscope.packing.refusal import PackingError
from zooscope.packing.user_code import running

# Left behind by profilers and by releases of torch before 0.4.1; they carry no weights.
_IGNORED_ENDINGS = ("total_ops", "total_params", "num_batches_tracked")
_SHOWN = 4
_LOADABLE = "make network.load_state_dict(weights) work on its own first"


@dataclass(frozen=True)
class _Mismatch:
    """What keeps a state dict from fitting a module."""

    missing: tuple[str, ...]
    surplus: tuple[str, ...]
    odd: tuple[str, ...]

    @property
    def size(self) -> int:
        return len(self.missing) + len(self.surplus) + len(self.odd)


def load_weights(network: nn.Module, path: Path) -> None:
    """Fill ``network`` from a checkpoint file; afterwards every weight came from the file.

    Understands state dicts under a key or in a list, ``module.``-like prefixes, tensors saved on
    a GPU, legacy files, and half-precision storage (converted to the module's own type).

    Raises:
        PackingError: ``weights_do_not_fit`` names missing and surplus keys and wrong shapes;
            ``non_finite_weights``; or the file is no checkpoint.
    """
    expected = network.state_dict()
    candidates = [
        renamed for weights in read_state_dicts(path) for renamed in _renamings(weights, expected)
    ]
    best = min(candidates, key=lambda weights: _mismatch(weights, expected).size)
    mismatch = _mismatch(best, expected)
    if mismatch.size:
        raise PackingError("weights_do_not_fit", _detail(mismatch, path), _remedy(mismatch))
    _refuse_non_finite(best)
    with running(
        "weights_do_not_fit", f"the module refuses the weights of {path.name}", _LOADABLE
    ):
        network.load_state_dict({name: best.get(name, value) for name, value in expected.items()})


def _renamings(
    weights: dict[str, Tensor], expected: Mapping[str, Tensor]
) -> Iterator[dict[str, Tensor]]:
    """The state dict as it is, and without or with prefixes that wrappers add."""
    yield weights
    for prefix in _leading_words(weights):
        yield {name.removeprefix(prefix): tensor for name, tensor in weights.items()}
        yield {n.removeprefix(prefix): t for n, t in weights.items() if n.startswith(prefix)}
    for prefix in _leading_words(expected):
        yield {prefix + name: tensor for name, tensor in weights.items()}


def _leading_words(names: Mapping[str, Tensor]) -> list[str]:
    """Prefixes such as ``module.`` or ``module.net.`` that many names share."""
    words: dict[str, int] = {}
    for name in names:
        parts = name.split(".")
        for depth in range(1, min(len(parts), 4)):
            prefix = ".".join(parts[:depth]) + "."
            words[prefix] = words.get(prefix, 0) + 1
    return [prefix for prefix, count in words.items() if count * 2 >= len(names)]


def _mismatch(weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> _Mismatch:
    missing = [n for n in expected if n not in weights and not n.endswith(_IGNORED_ENDINGS)]
    surplus = [n for n in weights if n not in expected and not n.endswith(_IGNORED_ENDINGS)]
    odd = [
        f"{name}: {list(weights[name].shape)} in the file, {list(value.shape)} in the module"
        for name, value in expected.items()
        if name in weights and weights[name].shape != value.shape
    ]
    return _Mismatch(tuple(missing), tuple(surplus), tuple(odd))


def _detail(mismatch: _Mismatch, path: Path) -> str:
    parts = [f"the weights in {path.name} do not fit the module"]
    for title, names in (
        ("missing", mismatch.missing),
        ("not in the module", mismatch.surplus),
        ("other shape", mismatch.odd),
    ):
        if names:
            more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
            parts.append(f"{title}: {', '.join(names[:_SHOWN])}{more}")
    return "; ".join(parts)


def _remedy(mismatch: _Mismatch) -> str:
    if mismatch.odd and not (mismatch.missing or mismatch.surplus):
        return "build the module with the sizes of the checkpoint, such as its number of classes"
    return "build the very module that was trained, with the same names of its parts"


def _refuse_non_finite(weights: Mapping[str, Tensor]) -> None:
    for name, tensor in weights.items():
        if tensor.is_floating_point() and not tensor.isfinite().all():
            raise PackingError(
                "non_finite_weights",
                f"{name} holds NaN or infinity",
                "use a checkpoint from before the training broke down",
            )
