"""One call at a time: slots filled in, the result stored, failures told with the node's name."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from workers.machine_faults import raise_machine_fault
from workers.programs.arguments import OwnDevice
from workers.programs.instructions import Instruction, Slot
from workers.programs.nonlinearities import Slope, with_secant_slope
from workers.programs.refusal import ProgramFailedError

_FAILURES = (
    RuntimeError,
    TypeError,
    ValueError,
    IndexError,
    ArithmeticError,
    NotImplementedError,
)


@dataclass(frozen=True)
class Call:
    """An instruction with device and element type filled in, ready for quick execution."""

    name: str
    run: Any
    positional: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...]
    holes: tuple[tuple[int, Any], ...]
    named_holes: tuple[tuple[str, Any], ...]
    outputs: tuple[int, ...]
    many: bool
    nonlinear: bool
    writes_back: bool
    layers: tuple[tuple[str, str], ...]


def bind(
    instruction: Instruction, device: torch.device, types: tuple[torch.dtype, torch.dtype]
) -> Call:
    """The call of an instruction on a device, in an element type."""
    native, dtype = types

    def settled(value: Any) -> Any:
        if isinstance(value, OwnDevice):
            return device
        if isinstance(value, torch.dtype):
            return dtype if value in {native, torch.float32} else value
        return value

    positional = tuple(settled(value) for value in instruction.positional)
    named = tuple((name, settled(value)) for name, value in instruction.named)
    return Call(
        name=instruction.name,
        run=instruction.operator.run,
        positional=positional,
        named=tuple(pair for pair in named if not has_slot(pair[1])),
        holes=tuple((place, value) for place, value in enumerate(positional) if has_slot(value)),
        named_holes=tuple(pair for pair in named if has_slot(pair[1])),
        outputs=instruction.outputs,
        many=instruction.many,
        nonlinear=instruction.operator.nonlinear,
        writes_back=instruction.writes_back,
        layers=instruction.layers,
    )


def has_slot(value: Any) -> bool:
    """Whether an argument depends on an earlier call."""
    if isinstance(value, list):
        return any(has_slot(item) for item in value)
    return isinstance(value, Slot)


def _filled(value: Any, memory: dict[int, Any]) -> Any:
    """``value`` with slots replaced by what they hold."""
    if type(value) is Slot:
        return memory[value.number]
    return [_filled(item, memory) for item in value] if isinstance(value, list) else value


def arguments_of(call: Call, memory: dict[int, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments with slots replaced by what they hold."""
    positional = list(call.positional)
    for place, value in call.holes:
        positional[place] = _filled(value, memory)
    named = dict(call.named)
    for name, value in call.named_holes:
        named[name] = _filled(value, memory)
    return positional, named


def execute(call: Call, memory: dict[int, Any], slope: Slope) -> None:
    """Run one call and store its results.

    Raises:
        ProgramFailedError: The call failed; running out of memory passes through as it is.
    """
    arguments, named = arguments_of(call, memory)
    try:
        result = _result(call, arguments, named, slope)
    except _FAILURES as error:
        raise_machine_fault(error)
        raise ProgramFailedError(f"{call.name[:80]} failed: {str(error)[:300]}") from error
    if not call.many:
        result = (result,)
    if len(result) < len(call.outputs):
        raise ProgramFailedError(f"{call.name[:80]} gave {len(result)} results")
    memory.update(zip(call.outputs, result, strict=False))


def _result(call: Call, arguments: list[Any], named: dict[str, Any], slope: Slope) -> Any:
    """What the call computes, with the slope asked for, written back where it must be."""
    target = arguments[0] if arguments else None
    if call.writes_back and isinstance(target, Tensor):
        # Gradients need the old value, so the pure call works on a copy.
        arguments = [target.clone(), *arguments[1:]]
    if call.nonlinear and slope is Slope.EPSILON_LRP:
        rest = partial(_apply, call.run, tuple(arguments[1:]), named)
        result = with_secant_slope(rest, arguments[0])
    else:
        result = call.run(*arguments, **named)
    return target.copy_(result) if call.writes_back and isinstance(target, Tensor) else result


def _apply(run: Any, rest: tuple[Any, ...], named: dict[str, Any], z: Tensor) -> Tensor:
    value: Tensor = run(z, *rest, **named)
    return value
