"""Building a published architecture by name with the weights of a safetensors file.

Names come from the libraries' own registries and arguments from a strict schema. Nothing is
allocated before every weight that the network needs is there in its shape and kind of numbers.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from safetensors import safe_open
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from service.core.file_types import PACK
from service.core.manifest import Architecture
from workers.programs import limits
from workers.programs.expected_weights import ExpectedWeights, kind_of_numbers
from workers.programs.machine_faults import raise_machine_fault
from workers.programs.refusal import ProgramRefusedError
from workers.programs.safetensors_header import TensorEntry, read_header
from workers.programs.weight_sets import (
    WeightSelection,
    WeightSet,
    WeightsMismatch,
    select_weights,
)

_DTYPES = {
    "BOOL": torch.bool, "U8": torch.uint8, "I8": torch.int8, "I16": torch.int16, "I32": torch.int32,
    "I64": torch.int64, "F16": torch.float16, "BF16": torch.bfloat16, "F32": torch.float32,
    "F64": torch.float64,
}  # fmt: skip
_NOT_FOR_IMAGES = ("quantized_", "raft", "r3d", "mc3", "r2plus1d", "s3d", "mvit", "swin3d", "ssd",
                   "fasterrcnn", "maskrcnn", "keypointrcnn", "retinanet", "fcos")  # fmt: skip
_RANDOM = {
    torch.Tensor.normal_, torch.Tensor.uniform_, torch.nn.init.normal_, torch.nn.init.uniform_,
    torch.nn.init.kaiming_normal_, torch.nn.init.kaiming_uniform_, torch.nn.init.trunc_normal_,
    torch.nn.init.xavier_normal_, torch.nn.init.xavier_uniform_, torch.nn.init.orthogonal_,
}  # fmt: skip
Side = Annotated[int, Field(ge=4, le=4096)]


class _TimmArguments(BaseModel):
    """Arguments that a constructor of timm may receive."""

    model_config = ConfigDict(extra="forbid", strict=True)

    num_classes: Annotated[int, Field(ge=1, le=100_000)] | None = None
    in_chans: Literal[1, 3] | None = None
    img_size: Side | tuple[Side, Side] | None = None
    global_pool: Literal["avg", "max", "avgmax", "catavgmax", "token", "map", "fast"] | None = None
    output_stride: Literal[8, 16, 32] | None = None


class _TorchvisionArguments(BaseModel):
    """Arguments that a constructor of torchvision may receive."""

    model_config = ConfigDict(extra="forbid", strict=True)

    num_classes: Annotated[int, Field(ge=1, le=100_000)] | None = None
    aux_loss: bool | None = None
    width_mult: Annotated[float, Field(ge=0.1, le=4)] | None = None


class _SkippedInitialization(TorchFunctionMode):
    """Skips random initialization, since every value is about to be replaced."""

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs if kwargs is not None else {}
        if func in _RANDOM:
            return args[0] if args else next(iter(named.values()))
        return func(*args, **named)


def build_with_weights(architecture: Architecture, path: Path) -> nn.Module:
    """The named network in evaluation mode with the weights of a safetensors file.

    Raises:
        ProgramRefusedError: ``unknown_architecture``, ``invalid_architecture_arguments``,
            ``weights_do_not_fit``, ``non_finite_weights``, or a file that is not safetensors.
    """
    header = read_header(path)
    build = constructor_of(architecture)
    with torch.device("meta"):
        plan = _built(build, architecture)
    expected = ExpectedWeights.of(plan)
    selection = _selected(plan, expected, header)
    with _SkippedInitialization():
        network = _built(build, architecture)
    weights = _weights(path, network, expected=expected, selection=selection)
    network.load_state_dict(weights, strict=True, assign=True)
    return network.eval()


def constructor_of(architecture: Architecture) -> Callable[[], nn.Module]:
    """A constructor without arguments for a name from a library's registry.

    Raises:
        ProgramRefusedError: ``unknown_architecture`` or ``invalid_architecture_arguments``.
    """
    return _timm(architecture) if architecture.library == "timm" else _torchvision(architecture)


def _timm(architecture: Architecture) -> Callable[[], nn.Module]:
    import timm

    name = architecture.name.partition(".")[0]
    if name not in timm.list_models():
        raise _unknown(architecture)
    arguments = _checked(_TimmArguments, architecture)
    return lambda: timm.create_model(name, pretrained=False, **arguments)


def _torchvision(architecture: Architecture) -> Callable[[], nn.Module]:
    from torchvision import models

    name = architecture.name
    if name in models.list_models(module=models.detection):
        raise ProgramRefusedError(
            "detection_not_supported",
            f"{name} is a detection network: it returns boxes, a different number for each image",
            "upload its backbone with the task embedding, packed with `zooscope pack`",
        )
    if name not in models.list_models() or name.startswith(_NOT_FOR_IMAGES):
        raise _unknown(architecture)
    arguments: dict[str, Any] = {"weights": None, **_checked(_TorchvisionArguments, architecture)}
    if name in models.list_models(module=models.segmentation):
        arguments["weights_backbone"] = None
    if name in {"googlenet", "inception_v3"}:
        arguments["init_weights"] = False
    return lambda: models.get_model(name, **arguments)


def _unknown(architecture: Architecture) -> ProgramRefusedError:
    return ProgramRefusedError(
        "unknown_architecture",
        f"{architecture.library} has no image network called {architecture.name!r}",
        f"use a name from {architecture.library}'s list_models(), or for a network of your own "
        + PACK,
    )


def _checked(schema: type[BaseModel], architecture: Architecture) -> dict[str, Any]:
    """The arguments, validated by the schema."""
    try:
        checked = schema.model_validate(architecture.arguments)
    except ValidationError as error:
        first_error = error.errors()[0]
        location = ".".join(map(str, first_error["loc"]))
        raise ProgramRefusedError(
            "invalid_architecture_arguments",
            f"architecture.arguments.{location}: {first_error['msg']}",
            f"allowed are: {', '.join(schema.model_fields)}",
        ) from error
    return checked.model_dump(exclude_none=True)


def _built(build: Callable[[], nn.Module], architecture: Architecture) -> nn.Module:
    """The module. Raises ProgramRefusedError if the constructor rejects the arguments."""
    try:
        return build()
    except (
        TypeError,
        ValueError,
        RuntimeError,
        AssertionError,
        KeyError,
        NotImplementedError,
    ) as error:
        raise_machine_fault(error)
        raise ProgramRefusedError(
            "invalid_architecture_arguments",
            f"{architecture.name} cannot be built: {str(error)[:300]}",
            "check architecture.arguments against the library's constructor",
        ) from error


def _selected(
    plan: nn.Module, expected: ExpectedWeights, header: Mapping[str, TensorEntry]
) -> WeightSelection:
    """The weights of the file that fill the network.

    Raises:
        ProgramRefusedError: ``too_many_parameters``, ``weights_do_not_fit`` or ``ambiguous_weights``.
    """
    if sum(tensor.numel() for tensor in plan.state_dict().values()) > limits.PARAMETERS:
        raise ProgramRefusedError(
            "too_many_parameters",
            "the network has more than 2·10⁹ parameters",
            "upload a smaller one",
        )
    forms = {
        name: (entry.shape, kind_of_numbers(_DTYPES[entry.dtype]))
        for name, entry in header.items()
        if entry.dtype in _DTYPES
    }
    selection = select_weights(expected, [WeightSet("", forms)])
    if isinstance(selection, WeightsMismatch):
        raise ProgramRefusedError(selection.code, selection.detail, _remedy(selection))
    return selection


def _remedy(mismatch: WeightsMismatch) -> str:
    if mismatch.keys:
        return "upload a file with a single set of weights, or " + PACK
    return (
        "check the architecture's name and arguments (num_classes, in_chans, img_size), or " + PACK
    )


def _weights(
    path: Path, network: nn.Module, *, expected: ExpectedWeights, selection: WeightSelection
) -> dict[str, Tensor]:
    """A value for every name of the network, in the network's own type of numbers.

    Raises:
        ProgramRefusedError: ``non_finite_weights``.
    """
    weights = network.state_dict()
    with safe_open(path, framework="pt") as file:
        for name, own in weights.items():
            source = selection.source_of(name, expected)
            if source is not None:
                weights[name] = file.get_tensor(source).to(own.dtype)
                _refuse_non_finite(name, weights[name])
    return weights


def _refuse_non_finite(name: str, tensor: Tensor) -> None:
    if tensor.is_floating_point() and not tensor.isfinite().all():
        raise ProgramRefusedError(
            "non_finite_weights",
            f"{name[:80]} holds NaN or infinity",
            "upload a checkpoint from before the training broke down",
        )
