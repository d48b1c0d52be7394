"""The hostile ONNX files by name, each with the code that its refusal must carry."""

from collections.abc import Callable

import numpy as np
import onnx
from onnx import TensorProto, helper

from tests.workers.programs.onnx_files import model_of, node

Make = Callable[[], bytes]


def honest() -> onnx.ModelProto:
    """A convolution, an activation, a mean: a classifier of four classes."""
    weights = {"kernel": np.ones((4, 3, 3, 3), np.float32), "bias": np.ones(4, np.float32)}
    nodes = [
        node("Conv", "x", "kernel", "bias", outputs=["a"], name="/stem/Conv"),
        node("Relu", "a", outputs=["b"], name="/act/Relu"),
        node("ReduceMean", "b", outputs=["y"], axes=[2, 3], keepdims=0, name="/pool/Mean"),
    ]
    return model_of(nodes, weights)


def edited(change: Callable[[onnx.ModelProto], object]) -> Make:
    """The honest file after a change."""

    def make() -> bytes:
        model = honest()
        change(model)
        return bytes(model.SerializeToString())

    return make


def added(*nodes: onnx.NodeProto, **weights: np.ndarray) -> Make:
    """The honest file whose output goes through further nodes that end in ``z``."""

    def change(model: onnx.ModelProto) -> None:
        model.graph.node.extend(nodes)
        model.graph.output[0].name = "z"
        model.graph.initializer.extend(
            onnx.numpy_helper.from_array(np.asarray(array), name)
            for name, array in weights.items()
        )

    return edited(change)


def first_node(**fields: str) -> Make:
    """The honest file whose first node has other fields."""

    def change(model: onnx.ModelProto) -> None:
        for name, value in fields.items():
            setattr(model.graph.node[0], name, value)

    return edited(change)


def kernel(**fields: object) -> Make:
    """The honest file whose first initializer has other fields."""

    def change(model: onnx.ModelProto) -> None:
        tensor = model.graph.initializer[0]
        for name, value in fields.items():
            if isinstance(value, list):
                tensor.ClearField(name)
                getattr(tensor, name).extend(value)
            else:
                setattr(tensor, name, value)

    return edited(change)


def attribute(name: str, value: object) -> Make:
    """The honest file whose last node has another attribute."""
    return edited(lambda m: m.graph.node[0].attribute.append(helper.make_attribute(name, value)))


def external(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../../../etc/passwd")


def branch(depth: int) -> onnx.NodeProto:
    """A branch within a branch within a branch."""
    inner = [node("Identity", "a", outputs=["i"])] if depth == 0 else [branch(depth - 1)]
    graph = helper.make_graph(inner, "g", [], [helper.make_empty_tensor_value_info("i")])
    return node("If", "a", outputs=["z"], then_branch=graph, else_branch=graph)


def squaring(count: int) -> list[onnx.NodeProto]:
    """Sizes that are the squares of the sizes before them."""
    steps = [node("Mul", f"s{at}", f"s{at}", outputs=[f"s{at + 1}"]) for at in range(count)]
    return [*steps, node("Expand", "y", f"s{count}", outputs=["z"])]


def sizes_of_image() -> list[onnx.NodeProto]:
    """The sizes of the image, of which the first is that of a free batch."""
    return [node("Shape", "x", outputs=["s0"])]


def function(model: onnx.ModelProto) -> None:
    """A function that calls itself."""
    opset = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    body = [helper.make_node("f", ["p"], ["q"], domain="own")]
    model.functions.append(helper.make_function("own", "f", ["p"], ["q"], body, opset))


def field(number: int, data: bytes) -> bytes:
    """A block of bytes as a field of a protocol buffer."""
    return bytes([number << 3 | 2]) + varint(len(data)) + data


def varint(number: int) -> bytes:
    parts = b""
    while number > 0x7F:
        parts += bytes([number & 0x7F | 0x80])
        number >>= 7
    return parts + bytes([number])


START = b"\x08\x08" + field(2, b"pytorch") + field(8, b"\x10\x11")


def graph_of(data: bytes) -> Make:
    """A file with these bytes as its graph."""
    return lambda: START + field(7, data)


def with_tail(data: bytes) -> Make:
    return lambda: bytes(honest().SerializeToString()) + data


CASES: dict[str, tuple[Make, str]] = {
    "half a file": (lambda: honest().SerializeToString()[:200], "broken_onnx"),
    "a lost end": (lambda: honest().SerializeToString()[:-3], "broken_onnx"),
    "no graph": (lambda: START, "broken_onnx"),
    "two graphs": (with_tail(field(7, b"")), "broken_onnx"),
    "an empty graph": (graph_of(b""), "not_one_image_input"),
    "a number without an end": (with_tail(b"\x28" + b"\xff" * 20), "broken_onnx"),
    "a length beyond the file": (graph_of(b"\x0a" + varint(2**62)), "broken_onnx"),
    "a length of 2**64 - 1": (lambda: START + b"\x3a" + b"\xff" * 9 + b"\x01", "broken_onnx"),
    "a field number of 0": (with_tail(b"\x02\x00"), "broken_onnx"),
    "a group": (with_tail(b"\x0b\x0c"), "broken_onnx"),
    "groups in groups": (with_tail(b"\x0b" * 100_000), "broken_onnx"),
    "a wire type of 7": (with_tail(b"\x0f"), "broken_onnx"),
    "a graph that is a number": (lambda: START + b"\x38\x01", "broken_onnx"),
    "a node that is a number": (graph_of(b"\x08\x01"), "not_one_image_input"),
    "millions of empty fields": (with_tail(b"\x32\x00" * 3_000_000), "graph_too_large"),
    "millions of nodes": (graph_of(field(1, b"") * 1_000_000), "graph_too_large"),
    "millions of initializers": (graph_of(field(5, b"") * 1_000_000), "graph_too_large"),
    "too many nodes": (edited(lambda m: m.graph.node.extend([m.graph.node[1]] * 30_000)), "graph_too_large"),
    "a name that is not UTF-8": (graph_of(field(11, field(1, b"\xff\xfe"))), "broken_onnx"),
    "an endless name": (first_node(name="n" * 100_000), "broken_onnx"),
    "no opset": (edited(lambda m: m.ClearField("opset_import")), "opset_not_supported"),
    "an opset of 7": (edited(lambda m: setattr(m.opset_import[0], "version", 7)), "opset_not_supported"),
    "an opset of 2**40": (edited(lambda m: setattr(m.opset_import[0], "version", 2**40)), "opset_not_supported"),
    "weights in another file": (edited(external), "external_data"),
    "a custom domain": (first_node(domain="com.microsoft"), "custom_domain"),
    "an unknown operator": (first_node(op_type="Print"), "operator_not_allowed"),
    "a dunder": (first_node(op_type="__class__"), "operator_not_allowed"),
    "suppression of boxes": (first_node(op_type="NonMaxSuppression"), "operator_not_allowed"),
    "random numbers": (first_node(op_type="RandomNormalLike"), "operator_not_allowed"),
    "a branch": (added(branch(0)), "control_flow"),
    "branches in branches": (added(branch(12)), "control_flow"),
    "a loop": (first_node(op_type="Loop"), "control_flow"),
    "a graph in an attribute": (attribute("g", helper.make_graph([], "g", [], [])), "control_flow"),
    "a function that calls itself": (edited(function), "model_functions"),
    "quantized steps": (added(node("QuantizeLinear", "y", "s", outputs=["z"]), s=np.float32(1)), "quantized_network"),
    "a quantized convolution": (first_node(op_type="QLinearConv"), "quantized_network"),
    "a weight of 4 bits": (kernel(data_type=22), "quantized_network"),
    "text as a weight": (kernel(data_type=8), "dtype_not_allowed"),
    "a complex weight": (kernel(data_type=14), "dtype_not_allowed"),
    "an unknown element type": (kernel(data_type=999), "dtype_not_allowed"),
    "a negative element type": (kernel(data_type=-1), "dtype_not_allowed"),
    "a negative size": (kernel(dims=[-4, 3, 3, 3]), "size_out_of_range"),
    "a size of 2**62": (kernel(dims=[2**62, 1, 1, 1]), "size_out_of_range"),
    "nine axes": (kernel(dims=[1] * 9), "size_out_of_range"),
    "a million axes": (kernel(dims=[1] * 1_000_000), "graph_too_large"),
    "a huge shape": (kernel(dims=[2**31, 2**31, 3, 3]), "too_many_parameters"),
    "an initializer larger than the file": (kernel(dims=[60_000, 3, 3, 3]), "weight_out_of_bounds"),
    "an initializer smaller than its bytes": (kernel(dims=[1, 3, 3, 3]), "weight_out_of_bounds"),
    "an initializer without bytes": (edited(lambda m: m.graph.initializer[0].ClearField("raw_data")), "weight_out_of_bounds"),
    "values twice": (edited(lambda m: m.graph.initializer[0].float_data.extend([1.0] * 108)), "broken_onnx"),
    "values of another type": (edited(lambda m: (m.graph.initializer[0].ClearField("raw_data"), m.graph.initializer[0].int64_data.extend([1] * 108))), "broken_onnx"),
    "a part of a weight": (edited(lambda m: setattr(m.graph.initializer[0].segment, "begin", 0)), "dtype_not_allowed"),
    "an initializer twice": (edited(lambda m: m.graph.initializer.append(m.graph.initializer[0])), "broken_onnx"),
    "an initializer without a name": (kernel(name=""), "broken_onnx"),
    "a value twice": (edited(lambda m: m.graph.node.append(m.graph.node[1])), "broken_graph"),
    "a node that overwrites a weight": (added(node("Relu", "y", outputs=["kernel"])), "broken_graph"),
    "a node that overwrites the image": (added(node("Relu", "y", outputs=["x"])), "broken_graph"),
    "a cycle": (edited(lambda m: m.graph.node[0].input.__setitem__(0, "b")), "broken_graph"),
    "a node that reads itself": (edited(lambda m: m.graph.node[0].input.__setitem__(0, "a")), "broken_graph"),
    "nodes in the wrong order": (edited(lambda m: m.graph.node.insert(0, m.graph.node.pop())), "broken_graph"),
    "a missing value": (edited(lambda m: m.graph.node[0].input.__setitem__(0, "ghost")), "broken_graph"),
    "an output that is never computed": (edited(lambda m: setattr(m.graph.output[0], "name", "ghost")), "broken_graph"),
    "no output": (edited(lambda m: m.graph.ClearField("output")), "no_tensor_output"),
    "a weight as the output": (edited(lambda m: setattr(m.graph.output[0], "name", "kernel")), "output_without_batch"),
    "no input": (edited(lambda m: m.graph.ClearField("input")), "not_one_image_input"),
    "two inputs": (edited(lambda m: m.graph.input.append(helper.make_tensor_value_info("w", 1, [1]))), "not_one_image_input"),
    "a sequence as the input": (edited(lambda m: m.graph.input[0].CopyFrom(helper.make_tensor_sequence_value_info("x", 1, [1]))), "input_not_an_image"),
    "whole numbers as images": (edited(lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 7)), "input_not_an_image"),
    "five axes of images": (edited(lambda m: m.graph.input[0].type.tensor_type.shape.dim.add(dim_value=12)), "input_not_an_image"),
    "seven channels": (edited(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[1], "dim_value", 7)), "input_not_an_image"),
    "an endless image": (edited(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 2**31)), "image_too_large"),
    "an image of 2**40": (edited(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[2], "dim_value", 2**40)), "size_out_of_range"),
    "an endless batch": (edited(lambda m: setattr(m.graph.input[0].type.tensor_type.shape.dim[0], "dim_value", 2**20)), "size_out_of_range"),
    "an attribute that is not a number": (added(node("LeakyRelu", "y", outputs=["z"], alpha=float("nan"))), "argument_not_allowed"),
    "an endless attribute": (added(node("LeakyRelu", "y", outputs=["z"], alpha=float("inf"))), "argument_not_allowed"),
    "an attribute twice": (edited(lambda m: m.graph.node[2].attribute.append(m.graph.node[2].attribute[0])), "broken_onnx"),
    "an attribute of another type": (attribute("group", "one"), "argument_not_allowed"),
    "an attribute of no type": (edited(lambda m: setattr(m.graph.node[2].attribute[0], "type", 0)), "argument_not_allowed"),
    "a huge list as an attribute": (attribute("strides", [1] * 1_000_000), "graph_too_large"),
    "a huge list of decimals": (attribute("scales", [1.0] * 1_000_000), "graph_too_large"),
    "too many attributes": (edited(lambda m: m.graph.node[0].attribute.extend([helper.make_attribute(f"a{n}", n) for n in range(1000)])), "graph_too_large"),
    "a negative stride": (attribute("strides", [-1, 1]), "argument_not_allowed"),
    "a stride of 0": (attribute("strides", [0, 1]), "argument_not_allowed"),
    "a negative group": (attribute("group", -1), "does_not_run"),
    "endless padding": (attribute("pads", [2**40] * 4), "value_too_large"),
    "a missing argument": (added(node("Conv", "b", outputs=["z"])), "argument_not_allowed"),
    "text as a constant": (added(node("Constant", outputs=["t"], value_string="x"), node("Add", "y", "t", outputs=["z"])), "argument_not_allowed"),
    "memory without end": (added(node("ConstantOfShape", "s", outputs=["t"]), node("Add", "b", "t", outputs=["z"]), s=np.array([2**31, 2**31])), "does_not_run"),
    "a terabyte": (added(node("ConstantOfShape", "s", outputs=["t"]), node("Add", "y", "t", outputs=["z"]), s=np.array([2**20, 2**20])), "value_too_large"),
    "an expansion": (added(node("Expand", "y", "s", outputs=["z"]), s=np.array([2**20, 2**20, 1, 4])), "value_too_large"),
    "a repetition": (added(node("Tile", "b", "s", outputs=["z"]), s=np.array([1, 2**20, 2**10, 1])), "value_too_large"),
    "an endless range": (added(node("Range", "o", "s", "i", outputs=["t"]), node("Cast", "t", outputs=["f"], to=1), node("Add", "y", "f", outputs=["z"]), o=np.array(0), s=np.array(2**60), i=np.array(1)), "does_not_run"),
    "sizes that square themselves": (added(*squaring(40), s0=np.array([2**20])), "does_not_run"),
    "sizes of the batch that square themselves": (added(*sizes_of_image(), *squaring(80)), "does_not_run"),
    "a power of the batch": (added(*sizes_of_image(), node("Pow", "s0", "p", outputs=["s1"]), node("Expand", "y", "s1", outputs=["z"]), p=np.array([2**40])), "does_not_run"),
    "numbers that double": (added(*[node("Concat", f"s{n}", f"s{n}", outputs=[f"s{n + 1}"], axis=0) for n in range(60)], node("Reshape", "y", "s60", outputs=["z"]), s0=np.arange(64)), "value_too_large"),
    "a sum over three long axes": (added(node("Where", "a0", "b0", "c", outputs=["s"]), node("Cast", "s", outputs=["f"], to=1), node("Add", "y", "f", outputs=["z"]), a0=np.ones((4096, 1, 1), bool), b0=np.ones((1, 4096, 1), np.int64), c=np.ones((1, 1, 4096), np.int64)), "value_too_large"),
    "a look-up in a look-up": (added(node("Gather", "t", "i", outputs=["u"]), node("Gather", "u", "i", outputs=["v"]), node("Cast", "v", outputs=["f"], to=1), node("Add", "y", "f", outputs=["z"]), t=np.ones((1, 4096), np.int64), i=np.zeros(4096, np.int64)), "does_not_run"),
    "a million coordinates": (added(node("Expand", "i", "s", outputs=["j"]), node("GatherND", "b", "j", outputs=["z"]), i=np.array([0]), s=np.array([1, 2**20])), "argument_not_allowed"),
    "a billion steps backwards": (added(node("Expand", "y", "s", outputs=["e"]), node("Slice", "e", "from", "to", "axis", "step", outputs=["z"]), **{"s": np.array([2**24, 1, 4]), "from": np.array([-1]), "to": np.array([-(2**40)]), "axis": np.array([0]), "step": np.array([-2])}), "does_not_run"),
    "thousands of activations": (added(node("Relu", "y", outputs=["r0"]), *[node("Relu", f"r{n}", outputs=[f"r{n + 1}"]) for n in range(6000)], node("Relu", "r6000", outputs=["z"])), "graph_too_large"),
    "two unknown sizes": (added(node("Reshape", "y", "s", outputs=["z"]), s=np.array([-1, -1])), "does_not_run"),
    "an enlargement": (added(node("Resize", "b", "", "s", outputs=["z"]), s=np.array([1, 1, 1e9, 1e9], np.float32)), "argument_not_allowed"),
    "a size from the image's content": (added(node("ArgMax", "y", outputs=["i"], axis=1), node("Reshape", "y", "i", outputs=["z"])), "size_expression_not_allowed"),
    "training mode": (added(node("BatchNormalization", "b", "bias", "bias", "bias", "bias", outputs=["z"], training_mode=1)), "training_mode"),
}  # fmt: skip
