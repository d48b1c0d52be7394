"""Programs that fit the memory of the job that loads them, as their models describe them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from service.core.output_scales import OutputScale
from workers.isolation import memory
from workers.programs import PassKind, Program, read_program
from workers.programs.memory_needs import images_at_once
from workers.programs.outputs import measured_scale, with_logits, with_output

Facts = Mapping[str, Any]


def program_of(model: Facts, file: Path) -> Program:
    """The network in a file, with the output and the feature layer that its check chose.

    Raises:
        NotEnoughMemoryError: Not even one image fits what this process may still use.
    """
    program = with_output(read_program(file), model["output"])
    limit = memory.free_bytes()
    images_at_once(program, most=1, least=1, kind=PassKind.FORWARD, limit_bytes=limit)
    layer = model["feature_layer"]
    return program if layer is None else program.with_interface(feature_layer=layer)


def with_logits_of(model: Facts, program: Program) -> Program:
    """The network with logits as its output; a network without a stored scale is measured.

    Raises:
        NotEnoughMemoryError: Not even one image fits what this process may still use.
    """
    stored, task = model["output_scale"], model["task"]
    scale = (
        measured_scale(program, task=task, memory_bytes=memory.free_bytes())
        if stored is None
        else OutputScale(stored)
    )
    return with_logits(program, scale, task=task)
