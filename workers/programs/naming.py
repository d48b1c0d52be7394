"""A program inside a network keeps the names of its layers when that network is exported."""

from typing import Any

import torch
from torch.fx import traceback

from workers.programs.execution import Call, execute
from workers.programs.nonlinearities import Slope

_LAYERS = "zoo.layers"


def execute_named(call: Call, memory: dict[int, Any], slope: Slope) -> None:
    """Run one call as ``execute`` does; what the exporter records of it bears its layers' names."""
    with traceback.annotate({_LAYERS: call.layers}):
        execute(call, memory, slope)


def name_layers(exported: torch.export.ExportedProgram) -> None:
    """Lay a program's layers below the module that interprets it: ``body.encoder.0``."""
    for node in exported.graph.nodes:
        layers = node.meta.pop("custom", {}).get(_LAYERS, ())
        stack = dict(node.meta.get("nn_module_stack") or {})
        above = next(reversed(stack.values()))[0] if stack else ""
        for path, kind in layers:
            whole = f"{above}.{path}" if above else path
            stack[whole] = (whole, kind)
        if layers:
            node.meta["nn_module_stack"] = stack
