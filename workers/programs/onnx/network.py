"""A module that computes what an ONNX graph describes, so that torch can export it."""

import math
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from workers.programs import limits
from workers.programs.machine_faults import raise_machine_fault
from workers.programs.names import named_layers
from workers.programs.onnx.call import Call, FreedBatch, Value, as_tensor, check_numbers
from workers.programs.onnx.fusion import FUSED, fused
from workers.programs.onnx.graph import OnnxGraph, OnnxNode
from workers.programs.onnx.operators import OPERATORS
from workers.programs.onnx.tensors import Numbers, OnnxTensor
from workers.programs.refusal import ProgramRefusedError

_CONSTANT = "Constant"
_STATISTICS = slice(3, 5)
_FUNCTIONS = {**OPERATORS, **FUSED}
_FAILURES = (RuntimeError, ValueError, TypeError, IndexError, KeyError, OverflowError,
             ZeroDivisionError, AttributeError, NotImplementedError, AssertionError)  # fmt: skip
_NO_LETTERS = re.compile(r"\W")


def require_supported(graph: OnnxGraph) -> None:
    """Require that the graph calls listed operators only.

    Raises:
        ProgramRefusedError: ``operator_not_allowed``.
    """
    kinds = sorted({node.kind[:60] for node in graph.nodes} - {*OPERATORS, _CONSTANT})
    if kinds:
        raise ProgramRefusedError(
            "operator_not_allowed",
            f"the graph calls {', '.join(kinds[:8])}",
            "export the network without that part, such as decoding and non-maximum suppression of "
            "a detector, or replace it by ordinary operators",
        )


class OnnxNetwork(nn.Module):
    """The network of a graph; its initializers are parameters, masks and other constants are buffers.

    Args:
        graph: The checked graph.
        channels_last: Whether the graph takes images as (n, height, width, channels).

    Raises:
        ProgramRefusedError: ``operator_not_allowed``, or a constant that cannot be read.
    """

    def __init__(self, graph: OnnxGraph, *, channels_last: bool) -> None:
        super().__init__()
        require_supported(graph)
        self._graph, self._channels_last = graph, channels_last
        self._literals: dict[str, Numbers] = {}
        self._weights: dict[str, str] = {}
        self._add_weights()
        self._nodes = fused(graph.nodes, graph.outputs, self._literals)

    def forward(self, images: Tensor) -> Tensor | dict[str, Tensor]:
        """The output of the graph, or its outputs by name."""
        batch = self._fixed_batch(images)
        image = images.permute(0, 2, 3, 1) if self._channels_last else images
        values: dict[str, Value] = {self._graph.image.name: image, **self._constants()}
        tensors = 0
        for node in self._nodes:
            if node.kind == _CONSTANT:
                continue
            inputs = tuple(values[name] if name else None for name in node.inputs)
            of_image = not self._graph.of_image.isdisjoint(node.inputs[:1])
            call = Call(node, inputs, self._literals, self._graph.opset, batch, of_image)
            results = _results(call)
            values.update(results)
            tensors += sum(isinstance(value, Tensor) for value in results.values())
            if tensors > limits.GRAPH_NODES:
                raise ProgramRefusedError(
                    "graph_too_large",
                    f"the graph computes more than {limits.GRAPH_NODES} tensors",
                    "upload a smaller network",
                )
        outputs = {name: as_tensor(values[name]) for name in self._graph.outputs}
        return outputs if len(outputs) > 1 else next(iter(outputs.values()))

    def _fixed_batch(self, images: Tensor) -> FreedBatch | None:
        exported = self._graph.image.axes[0] if self._graph.image.axes else None
        return None if exported is None else FreedBatch(exported, images.shape[0])

    def _constants(self) -> dict[str, Value]:
        """The values of all constants by name."""
        weights: dict[str, Value] = {
            name: getattr(self, own) for name, own in self._weights.items()
        }
        return {**self._literals, **weights}

    def _add_weights(self) -> None:
        """Make initializers and constants part of the module."""
        read = {name for node in self._graph.nodes for name in node.inputs}
        read.update(self._graph.outputs)
        statistics = {
            name
            for node in self._graph.nodes
            if node.kind == "BatchNormalization"
            for name in node.inputs[_STATISTICS]
        }
        for name, tensor in self._graph.initializers.items():
            if name in read:
                self._add(name, tensor, is_trained=name not in statistics)
        for node in self._graph.nodes:
            if node.kind == _CONSTANT:
                self._add(node.outputs[0], _constant(node), is_trained=False)

    def _add(self, name: str, tensor: OnnxTensor, *, is_trained: bool) -> None:
        is_small = tensor.elements <= limits.LIST_ITEMS
        if is_small:
            self._literals[name] = tensor.array()
        if is_small and not tensor.dtype.is_floating_point:
            return
        values = tensor.tensor()
        own = f"{_NO_LETTERS.sub('_', name)[:200]}__{len(self._weights)}"
        self._weights[name] = own
        if is_trained and values.is_floating_point() and bool(values.isfinite().all()):
            self.register_parameter(own, nn.Parameter(values))
        else:
            self.register_buffer(own, values)


def _results(call: Call) -> Mapping[str, Value]:
    """The outputs of a node by name."""
    node = call.node
    try:
        with named_layers(node.scopes):
            result = _FUNCTIONS[node.kind](call)
    except _FAILURES as error:
        raise_machine_fault(error)
        raise ProgramRefusedError(
            "does_not_run",
            f"{node.attributes.owner} fails: {' '.join(str(error).split())[:300]}",
            "check that the file runs elsewhere, and that the manifest states the input's size",
        ) from error
    results = result if isinstance(result, tuple) else (result,)
    for value in results:
        if isinstance(value, Tensor):
            _refuse_large(node, value)
        else:
            check_numbers(value, node.attributes.owner)
    return {name: value for name, value in zip(node.outputs, results, strict=False) if name}


def _refuse_large(node: OnnxNode, value: Tensor) -> None:
    shape: tuple[Any, ...] = tuple(value.shape)
    count = math.prod(size for size in shape if type(size) is int)
    if count > limits.VALUE_ELEMENTS:
        raise ProgramRefusedError(
            "value_too_large",
            f"{node.attributes.owner} has a result of {count:,} elements for one image",
            "use smaller images",
        )


def _constant(node: OnnxNode) -> OnnxTensor:
    """The value of a node that holds it as an attribute."""
    attributes = node.attributes
    if len(node.outputs) != 1 or len(attributes.values) != 1:
        raise attributes.unfit("value")
    (name, value) = next(iter(attributes.values.items()))
    if name == "value":
        tensor = attributes.tensor("value")
        if tensor is not None:
            return replace(tensor, name=node.outputs[0])
    return _listed(node, name, value)


def _listed(node: OnnxNode, name: str, value: Any) -> OnnxTensor:
    """A constant that is written as a number or a list of numbers."""
    forms = {"value_int": torch.int64, "value_ints": torch.int64,
             "value_float": torch.float32, "value_floats": torch.float32}  # fmt: skip
    if name not in forms:
        raise node.attributes.unfit(name)
    tensor = torch.tensor(value, dtype=forms[name])
    data = memoryview(bytearray(tensor.numpy().tobytes()))
    return OnnxTensor(node.outputs[0], forms[name], tuple(tensor.shape), data)
