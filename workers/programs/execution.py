"""Execution of single calls: resolve slots, store results, report failures by node name."""

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor

from workers.programs.arguments import OwnDevice
from workers.programs.instructions import Instruction, Slot
from workers.programs.machine_faults import raise_machine_fault
from workers.programs.nonlinearities import ProgramSlope, with_secant_slope
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
class OperatorCall:
    """An instruction with device and element type resolved, ready for fast execution."""

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
) -> OperatorCall:
    """The call of an instruction on a device, in an element type."""
    native, dtype = types

    def resolved(value: Any) -> Any:
        if isinstance(value, OwnDevice):
            return device
        if isinstance(value, torch.dtype):
            return dtype if value in {native, torch.float32} else value
        return value

    positional = tuple(resolved(value) for value in instruction.positional)
    named = tuple((name, resolved(value)) for name, value in instruction.named)
    return OperatorCall(
        name=instruction.name,
        run=instruction.operator.run,
        positional=positional,
        named=tuple(pair for pair in named if not has_slot(pair[1])),
        holes=tuple(
            (position, value) for position, value in enumerate(positional) if has_slot(value)
        ),
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
    """``value`` with slots replaced by their contents."""
    if type(value) is Slot:
        return memory[value.number]
    return [_filled(item, memory) for item in value] if isinstance(value, list) else value


def arguments_of(call: OperatorCall, memory: dict[int, Any]) -> tuple[list[Any], dict[str, Any]]:
    """Positional and named arguments with slots replaced by their contents."""
    positional = list(call.positional)
    for position, value in call.holes:
        positional[position] = _filled(value, memory)
    named = dict(call.named)
    for name, value in call.named_holes:
        named[name] = _filled(value, memory)
    return positional, named


def execute(call: OperatorCall, memory: dict[int, Any], slope: ProgramSlope) -> None:
    """Runs one call and stores its results in ``memory``.

    Raises:
        ProgramFailedError: The call failed. OutOfMemoryError is not wrapped.
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


def _result(
    call: OperatorCall, arguments: list[Any], named: dict[str, Any], slope: ProgramSlope
) -> Any:
    """The result of the call under ``slope``, written back to its target if required."""
    target = arguments[0] if arguments else None
    if call.writes_back and isinstance(target, Tensor):
        # Gradients need the old value, so the pure call works on a copy.
        arguments = [target.clone(), *arguments[1:]]
    if call.nonlinear and slope is ProgramSlope.EPSILON_LRP:
        call_on = partial(_apply, call.run, tuple(arguments[1:]), named)
        result = with_secant_slope(call_on, arguments[0])
    else:
        result = call.run(*arguments, **named)
    return target.copy_(result) if call.writes_back and isinstance(target, Tensor) else result


def _apply(run: Any, rest: tuple[Any, ...], named: dict[str, Any], z: Tensor) -> Tensor:
    value: Tensor = run(z, *rest, **named)
    return value
