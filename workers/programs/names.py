"""Preserves a program's layer names when a network that contains it is exported."""

from typing import Any

import torch
from torch.fx import traceback

from workers.programs.execution import OperatorCall, execute
from workers.programs.nonlinearities import ProgramSlope

_LAYERS = "zoo.layers"


def execute_named(call: OperatorCall, memory: dict[int, Any], slope: ProgramSlope) -> None:
    """Runs one call like ``execute`` and annotates its exported nodes with the layer names."""
    with traceback.annotate({_LAYERS: call.layers}):
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
