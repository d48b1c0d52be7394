"""The graph of an ONNX file as plain, checked records: nodes, initializers, inputs, outputs."""

import mmap
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workers.programs import limits
from workers.programs.onnx.attributes import Attributes, control_flow, read_attributes
from workers.programs.onnx.scopes import Scopes, scopes_of
from workers.programs.onnx.tensors import OnnxTensor, quantized, read_tensor
from workers.programs.onnx.wire import FieldBudget, Message, broken
from workers.programs.refusal import ProgramRefusedError

OLDEST_OPSET, NEWEST_OPSET = 11, 22

_MODEL_GRAPH, _MODEL_OPSETS, _MODEL_FUNCTIONS = 7, 8, 25
_DOMAIN, _VERSION = 1, 2
_NODES, _INITIALIZERS, _INPUTS, _OUTPUTS, _SPARSE = 1, 5, 11, 12, 15
_NODE_INPUTS, _NODE_OUTPUTS, _NODE_NAME, _NODE_OPERATOR, _NODE_ATTRIBUTES = 1, 2, 3, 4, 5
_NODE_DOMAIN, _NODE_METADATA = 7, 9
_STANDARD = {"", "ai.onnx"}
_SIZES = {"Shape", "Size"}
_SUBGRAPHS = {"If", "Loop", "Scan", "SequenceMap"}
_QUANTIZED = {"QuantizeLinear", "DequantizeLinear", "DynamicQuantizeLinear", "QLinearConv",
              "QLinearMatMul", "ConvInteger", "MatMulInteger"}  # fmt: skip


@dataclass(frozen=True)
class OnnxNode:
    """One call of the operator ``kind``; an input or output that is left out has an empty name.

    ``scopes`` are the modules of the exported network around the call: (path, kind), outermost first.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Attributes
    scopes: Scopes


@dataclass(frozen=True)
class OnnxInput:
    """An input of the graph; a free axis has the size None."""

    name: str
    element_type: int
    axes: tuple[int | None, ...]


@dataclass(frozen=True)
class OnnxGraph:
    """A whole network; only nodes on which an output depends are listed.

    ``of_image`` names the values that depend on the image's content.
    """

    opset: int
    nodes: tuple[OnnxNode, ...]
    initializers: dict[str, OnnxTensor]
    image: OnnxInput
    outputs: tuple[str, ...]
    of_image: frozenset[str]


def read_onnx(path: Path) -> OnnxGraph:
    """The graph in an ONNX file. Weights are views of the mapped file, which must not change.

    Raises:
        ProgramRefusedError: The file is no valid ONNX, exceeds a limit, or holds what is not read.
    """
    with path.open("rb") as file:
        if path.stat().st_size == 0:
            raise broken("the file is empty")
        # A private, writable map: torch needs writable memory, and the file must not change.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    model = Message(data, FieldBudget())
    opset = _opset(model)
    if model.has(_MODEL_FUNCTIONS):
        raise ProgramRefusedError(
            "model_functions",
            "the file defines functions of its own",
            "inline them: onnx.inliner.inline_local_functions(model)",
        )
    graph = model.message(_MODEL_GRAPH)
    if graph is None:
        raise broken("the file has no graph")
    if graph.has(_SPARSE):
        raise ProgramRefusedError(
            "dtype_not_allowed", "the file holds sparse weights", "export dense weights"
        )
    return _graph(graph, opset)


def _opset(model: Message) -> int:
    """The version of the standard operators."""
    versions: dict[str, int] = {}
    for entry in model.messages(_MODEL_OPSETS, at_most=limits.ONNX_ATTRIBUTES):
        versions[entry.text(_DOMAIN)] = entry.number(_VERSION)
    opset = next((versions[domain] for domain in _STANDARD if domain in versions), 0)
    if not OLDEST_OPSET <= opset <= NEWEST_OPSET:
        raise ProgramRefusedError(
            "opset_not_supported",
            f"the file uses opset {opset}",
            f"export with an opset from {OLDEST_OPSET} to {NEWEST_OPSET}, such as opset_version=18",
        )
    return opset


def _graph(graph: Message, opset: int) -> OnnxGraph:
    initializers: dict[str, OnnxTensor] = {}
    for message in graph.messages(_INITIALIZERS, at_most=limits.TENSORS):
        tensor = read_tensor(message)
        if not tensor.name or tensor.name in initializers:
            raise broken(f"the initializer {tensor.name[:80]!r} has no name, or occurs twice")
        initializers[tensor.name] = tensor
    if sum(tensor.elements for tensor in initializers.values()) > limits.PARAMETERS:
        raise ProgramRefusedError(
            "too_many_parameters",
            "the network has more than 2·10⁹ parameters",
            "upload a smaller one",
        )
    image = _image(_inputs(graph), initializers)
    nodes = tuple(_nodes(graph))
    outputs = tuple(
        message.text(1) for message in graph.messages(_OUTPUTS, at_most=limits.LIST_ITEMS)
    )
    _check_outputs(outputs, _defined(nodes, {image.name, *initializers}))
    ancestors = needed(nodes, outputs)
    of_image = frozenset(_values_of_image(ancestors, image.name))
    return OnnxGraph(opset, ancestors, initializers, image, outputs, of_image)


def _inputs(graph: Message) -> Iterator[OnnxInput]:
    for message in graph.messages(_INPUTS, at_most=limits.TENSORS):
        name, kind = message.text(1), message.message(2)
        tensor = None if kind is None else kind.message(1)
        if tensor is None:
            raise ProgramRefusedError(
                "input_not_an_image",
                f"the input {name[:80]!r} is no tensor",
                "export forward(images) with one batch of images",
            )
        yield OnnxInput(name, tensor.number(1), tuple(_axes(tensor)))


def _axes(tensor: Message) -> Iterator[int | None]:
    """Sizes of the axes; None for those that are named or unknown, which exporters also write as 0 or -1."""
    shape = tensor.message(2)
    if shape is None:
        return
    for axis in shape.messages(1, at_most=limits.LIST_ITEMS):
        size = axis.number(1)
        if size > limits.DIMENSION:
            raise ProgramRefusedError(
                "size_out_of_range", f"an input has an axis of {size}", "export the network again"
            )
        yield size if size > 0 else None


def _image(inputs: Iterable[OnnxInput], initializers: dict[str, OnnxTensor]) -> OnnxInput:
    """The only input that is no initializer, which files of old releases list as inputs."""
    images = [entry for entry in inputs if entry.name not in initializers]
    if len(images) != 1:
        raise ProgramRefusedError(
            "not_one_image_input",
            f"the network takes {len(images)} inputs",
            "export the network so that forward(images) takes one batch of images",
        )
    return images[0]


def _nodes(graph: Message) -> Iterator[OnnxNode]:
    for index, message in enumerate(graph.messages(_NODES, at_most=limits.ONNX_NODES)):
        kind, domain = message.text(_NODE_OPERATOR), message.text(_NODE_DOMAIN)
        name = message.text(_NODE_NAME) or f"{kind}_{index}"
        owner = f"the node {name[:100]!r} ({kind[:40]})"
        if kind in _SUBGRAPHS and domain in _STANDARD:
            raise control_flow(owner)
        if kind in _QUANTIZED or kind.startswith("QLinear"):
            raise quantized(f"{owner} computes with quantized numbers")
        if domain not in _STANDARD:
            raise ProgramRefusedError(
                "custom_domain",
                f"{owner} is of the domain {domain[:80]!r}",
                "export with standard operators only, before any optimization for a runtime",
            )
        yield OnnxNode(
            name=name,
            kind=kind,
            inputs=tuple(message.texts(_NODE_INPUTS, at_most=limits.LIST_ITEMS)),
            outputs=tuple(message.texts(_NODE_OUTPUTS, at_most=limits.LIST_ITEMS)),
            attributes=read_attributes(message, _NODE_ATTRIBUTES, owner),
            scopes=scopes_of(name, kind, message.messages(_NODE_METADATA, at_most=limits.ONNX_ATTRIBUTES)),
        )  # fmt: skip


def _defined(nodes: Iterable[OnnxNode], before: set[str]) -> set[str]:
    """The names of all values, each of which is defined once, before it is read."""
    defined = set(before)
    for node in nodes:
        for name in node.inputs:
            if name and name not in defined:
                raise _broken_graph(f"{name[:80]!r} is read before it is defined")
        for name in filter(None, node.outputs):
            if name in defined:
                raise _broken_graph(f"two values are called {name[:80]!r}")
            defined.add(name)
    return defined


def _check_outputs(outputs: tuple[str, ...], defined: set[str]) -> None:
    if not outputs:
        raise ProgramRefusedError("no_tensor_output", "the network returns no tensor")
    for name in outputs:
        if name not in defined:
            raise _broken_graph(f"the output {name[:80]!r} is never computed")


def _values_of_image(nodes: Iterable[OnnxNode], image: str) -> set[str]:
    """The values that depend on the image's content.

    Raises:
        ProgramRefusedError: ``graph_too_large``.
    """
    values, calls = {image}, 0
    for node in nodes:
        if node.kind not in _SIZES and not values.isdisjoint(node.inputs):
            values.update(filter(None, node.outputs))
            calls += 1
    if calls > limits.GRAPH_NODES:
        raise ProgramRefusedError(
            "graph_too_large",
            f"the graph has {calls} calls, more than {limits.GRAPH_NODES}",
            "upload a smaller network",
        )
    return values


def _broken_graph(detail: str) -> ProgramRefusedError:
    return ProgramRefusedError("broken_graph", detail, "export the network again")


def needed(nodes: tuple[OnnxNode, ...], outputs: Iterable[str]) -> tuple[OnnxNode, ...]:
    """The nodes on which an output depends, in order."""
    wanted = set(outputs)
    ancestors: list[OnnxNode] = []
    for node in reversed(nodes):
        if wanted.intersection(filter(None, node.outputs)):
            wanted.update(node.inputs)
            ancestors.append(node)
    return tuple(reversed(ancestors))
