"""A dry run without memory: shapes of all values, floating-point operations, and their limits.

It uses the meta device, so a graph that would exhaust memory is detected beforehand.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from workers.programs import limits
from workers.programs.execution import OperatorCall, arguments_of, bind, execute
from workers.programs.instructions import Listing
from workers.programs.liveness import MemoryTrace
from workers.programs.memory_tracer import MemoryTracer
from workers.programs.nonlinearities import ProgramSlope
from workers.programs.refusal import ProgramFailedError, ProgramRefusedError

_PIECES = {"unbind", "split", "split_with_sizes", "chunk", "tensor_split"}


@dataclass(frozen=True)
class Survey:
    """``shapes`` of the tensors that depend on the image, by slot; ``flops`` of one image.

    ``memory`` traces a pass in float32.
    """

    shapes: Mapping[int, tuple[int, ...]]
    flops: int
    memory: MemoryTrace


def survey(
    listing: Listing, weights: Mapping[int, Tensor], image: tuple[int, ...], dtype: torch.dtype
) -> Survey:
    """Shapes and cost of one pass over a batch of the shape ``image``.

    Raises:
        ProgramRefusedError: ``does_not_run``, ``value_too_large`` or ``too_many_operations``.
    """
    memory: dict[int, Any] = {slot: tensor.to("meta") for slot, tensor in weights.items()}
    memory[listing.image] = torch.empty(image, dtype=dtype, device="meta")
    shapes = {listing.image: image}
    flops = 0
    tracer = MemoryTracer.of(memory, dtype)
    for instruction in listing.instructions:
        call = bind(instruction, torch.device("meta"), (dtype, dtype))
        positional, _ = arguments_of(call, memory)
        _refuse_many_pieces(instruction.operator.name, positional)
        _dry(call, memory)
        results = [memory[slot] for slot in instruction.outputs]
        flops += flops_of(instruction.operator.name, positional, results)
        _refuse_excess(call, results, image[0], flops)
        depends = any(slot in shapes for slot in instruction.reads)
        tracer.add(instruction, memory, per_image=depends)
        if depends:
            named_results = zip(instruction.outputs, results, strict=True)
            shapes.update(
                (slot, tuple(result.shape))
                for slot, result in named_results
                if isinstance(result, Tensor)
            )
    trace = tracer.trace(memory, image=listing.image, outputs=listing.outputs)
    return Survey(shapes, flops // image[0], trace)


def _dry(call: OperatorCall, memory: dict[int, Any]) -> None:
    try:
        with torch.no_grad():
            execute(call, memory, ProgramSlope.EXACT)
    except ProgramFailedError as error:
        raise ProgramRefusedError(
            "does_not_run", error.detail, "check that the exported network runs on its own input"
        ) from error


def _refuse_many_pieces(name: str, arguments: list[Any]) -> None:
    """Rejects splits into too many pieces, which take memory even on the meta device."""
    if name not in _PIECES or not isinstance(arguments[0], Tensor):
        return
    piece_argument = arguments[1] if len(arguments) > 1 else 0
    axis = arguments[2] if len(arguments) > 2 else 0  # noqa: PLR2004 - (tensor, sizes, axis)
    if name == "unbind":
        axis, piece_argument = piece_argument, 1
    are_integers = isinstance(piece_argument, int) and isinstance(axis, int)
    if not are_integers or not -arguments[0].ndim <= axis < arguments[0].ndim:
        return
    length = arguments[0].shape[axis]
    pieces = (
        piece_argument if name in {"chunk", "tensor_split"} else length // max(piece_argument, 1)
    )
    if pieces > limits.LIST_ITEMS:
        raise ProgramRefusedError("value_too_large", f"{name} would give {pieces} pieces")


def _refuse_excess(call: OperatorCall, results: list[Any], batch: int, flops: int) -> None:
    for result in results:
        if isinstance(result, Tensor) and result.numel() > limits.VALUE_ELEMENTS * batch:
            raise ProgramRefusedError(
                "value_too_large", f"{call.name[:80]} would make {result.numel()} numbers"
            )
    if flops > limits.FLOPS * batch:
        raise ProgramRefusedError(
            "too_many_operations", "one image needs more than 10¹⁴ operations"
        )


def flops_of(name: str, arguments: list[Any], results: list[Any]) -> int:
    """Two operations per multiply-add of convolutions, matrix products and attention; else 0."""
    tensors = [argument for argument in arguments if isinstance(argument, Tensor)]
    if not results or not isinstance(results[0], Tensor) or name not in _COSTS:
        return _einsum_flops(arguments) if name == "einsum" else 0
    return 2 * _COSTS[name](tensors, results[0].numel())


def _matrix_product(tensors: list[Tensor], output_elements: int) -> int:
    return output_elements * int(tensors[0].shape[-1])


def _added_product(tensors: list[Tensor], output_elements: int) -> int:
    return output_elements * int(tensors[1].shape[-1])


def _convolution(tensors: list[Tensor], output_elements: int) -> int:
    return output_elements * math.prod(tensors[1].shape[1:])


def _transposed_convolution(tensors: list[Tensor], _: int) -> int:
    return tensors[0].numel() * math.prod(tensors[1].shape[1:])


def _attention(tensors: list[Tensor], output_elements: int) -> int:
    return int(tensors[1].shape[-2]) * (tensors[0].numel() + output_elements)


_COSTS: dict[str, Callable[[list[Tensor], int], int]] = {
    **dict.fromkeys(("linear", "matmul", "mm", "bmm"), _matrix_product),
    **dict.fromkeys(("addmm", "baddbmm"), _added_product),
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _convolution),
    **dict.fromkeys(
        ("conv_transpose1d", "conv_transpose2d", "conv_transpose3d"), _transposed_convolution
    ),
    "scaled_dot_product_attention": _attention,
}


def _einsum_flops(arguments: list[Any]) -> int:
    """Two per element of the product of all axes of an explicit einsum."""
    terms = str(arguments[0]).partition("->")[0].replace(" ", "").split(",")
    sizes: dict[str, int] = {}
    for term, operand in zip(terms, arguments[1], strict=False):
        sizes.update(zip(term, operand.shape, strict=False))
    return 2 * math.prod(sizes.values())
