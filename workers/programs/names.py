"""Preserves a program's layer names when a network that contains it is exported."""

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch.fx import traceback

from workers.programs.execution import OperatorCall, execute
from workers.programs.nonlinearities import ProgramSlope

_LAYERS = "zoo.layers"


def named_layers(layers: Iterable[tuple[str, str]]) -> AbstractContextManager[None]:
    """Annotates the nodes that are exported within with their layers: (path, kind), outermost first."""
    return traceback.annotate({_LAYERS: tuple(layers)})


def execute_named(call: OperatorCall, memory: dict[int, Any], slope: ProgramSlope) -> None:
    """Runs one call like ``execute`` and annotates its exported nodes with the layer names."""
    with named_layers(call.layers):
        execute(call, memory, slope)


def name_layers(exported: torch.export.ExportedProgram) -> None:
    """Nests a program's layers under the module that interprets it, as ``body.encoder.0``."""
    for node in exported.graph.nodes:
        layers = node.meta.pop("custom", {}).get(_LAYERS, ())
        stack = dict(node.meta.get("nn_module_stack") or {})
        parent = next(reversed(stack.values()))[0] if stack else ""
        for path, kind in layers:
            full_path = f"{parent}.{path}" if parent else path
            stack[full_path] = (full_path, kind)
        if layers:
            node.meta["nn_module_stack"] = stack
