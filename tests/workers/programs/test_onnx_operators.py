"""Every operator computes what the reference runtime computes, in each form that exporters write."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._pytree import tree_leaves

from tests.workers.programs.onnx_files import (
    Array,
    model_of,
    network_of,
    node,
    runtime_outputs,
    written,
)
from workers.programs.onnx.operators import OPERATORS

torch.set_num_threads(1)
RANDOM = np.random.default_rng(3)


@dataclass(frozen=True)
class OperatorCase:
    """One node on images (2, 4, 6, 8), with constants as further inputs."""

    kind: str
    attributes: dict[str, Any] = field(default_factory=dict)
    constants: tuple[Array | None, ...] = ()
    outputs: int = 1
    opset: int = 17


def floats(*shape: int) -> Array:
    return RANDOM.standard_normal(shape).astype(np.float32)


def positive(*shape: int) -> Array:
    return RANDOM.uniform(0.5, 2, shape).astype(np.float32)


def whole(*numbers: int) -> Array:
    return np.array(numbers, dtype=np.int64)


def number(value: float) -> Array:
    return np.array(value, dtype=np.float32)


def case(kind: str, *constants: Array | None, outputs: int = 1, opset: int = 17, **attributes: Any) -> OperatorCase:  # fmt: skip
    return OperatorCase(kind, attributes, constants, outputs, opset)


def resize(mode: str, positions: str, scales: tuple[float, ...] | None, sizes: tuple[int, ...] = (), **attributes: Any) -> OperatorCase:  # fmt: skip
    by_scale = None if scales is None else np.array(scales, dtype=np.float32)
    by_size = () if scales is not None else (whole(*sizes),)
    return case("Resize", None, by_scale, *by_size, mode=mode,
                coordinate_transformation_mode=positions, **attributes)  # fmt: skip


PLAIN = ("Abs", "Neg", "Floor", "Ceil", "Round", "Sign", "Erf", "Exp", "Sin", "Cos", "Tan", "Atan",
         "Relu", "Sigmoid", "Tanh", "Softplus", "Softsign", "HardSwish", "LeakyRelu", "Elu", "Celu",
         "Selu", "HardSigmoid", "ThresholdedRelu", "Softmax", "LogSoftmax", "GlobalAveragePool",
         "GlobalMaxPool", "Flatten", "Identity", "Shape", "Size", "IsNaN", "IsInf", "Transpose",
         "LpNormalization", "MeanVarianceNormalization", "Dropout")  # fmt: skip
CASES: list[OperatorCase] = [
    *(case(kind) for kind in PLAIN),
    case("Gelu", opset=20), case("Gelu", approximate="tanh", opset=20), case("Mish", opset=18),
    case("HardSigmoid", alpha=1 / 6), case("Softmax", axis=1, opset=11), case("Softmax", axis=1),
    case("Softmax", axis=3, opset=11), case("Shrink", lambd=0.3, bias=0.1),
    case("PRelu", floats(4, 1, 1)), case("PRelu", floats(6, 8)), case("PRelu", floats(1)),
    case("Add", floats(4, 1, 1)), case("Sub", number(0.5)), case("Mul", floats(8)),
    case("Div", positive(1, 4, 1, 1)), case("Pow", number(2)), case("Mod", positive(8), fmod=1),
    case("Max", floats(8), number(0.1)), case("Min", floats(8)), case("Sum", floats(8), floats(8)),
    case("Mean", floats(8), floats(8)), case("Equal", number(0.5)), case("Greater", floats(8)),
    case("GreaterOrEqual", number(0)), case("Less", floats(8)), case("LessOrEqual", number(0)),
    case("Clip", number(-0.5), number(0.5)), case("Clip", None, number(0.5)), case("Clip"),
    case("Cast", to=6), case("Cast", to=10), case("Cast", to=7), case("Cast", to=9),
    case("CastLike", whole(1)),
    case("ReduceMean", axes=[2, 3]), case("ReduceMean", axes=[-1], keepdims=0), case("ReduceMean"),
    case("ReduceMean", whole(1, 2), opset=18), case("ReduceSum", whole(2)),
    case("ReduceSum", noop_with_empty_axes=1), case("ReduceMax", axes=[1]),
    case("ReduceMin", axes=[1]), case("ReduceProd", axes=[1, 3]), case("ReduceL1", axes=[1]),
    case("ReduceL2", axes=[1]), case("ReduceSumSquare", axes=[1]), case("ReduceLogSumExp", axes=[2]),
    case("ArgMax", axis=1), case("ArgMin", axis=-1, keepdims=0), case("TopK", whole(3), outputs=2),
    case("TopK", whole(2), axis=1, largest=0, outputs=2), case("CumSum", np.array(1)),
    case("CumSum", np.array(2), reverse=1), case("CumSum", np.array(3), exclusive=1),
    case("Reshape", whole(0, -1)), case("Reshape", whole(-1, 4, 48)), case("Flatten", axis=2),
    case("Flatten", axis=0), case("Flatten", axis=4), case("Transpose", perm=[0, 2, 3, 1]),
    case("Unsqueeze", whole(1, -1)), case("Unsqueeze", axes=[0], opset=11),
    case("Concat", floats(2, 3, 6, 8), axis=1), case("Split", outputs=2, axis=1),
    case("Split", whole(1, 3), outputs=2, axis=1), case("Split", outputs=2, axis=2, split=[2, 4], opset=11),
    case("Split", outputs=3, axis=3, num_outputs=3, opset=18),
    case("Slice", whole(1), whole(3), whole(2)), case("Slice", whole(-3, 0), whole(2**62, -1), whole(3, 2)),
    case("Slice", whole(-1), whole(-(2**62)), whole(3), whole(-1)),
    case("Slice", whole(0, 1), whole(8, 6), whole(3, 2), whole(2, 3)),
    case("Slice", whole(6), whole(1), whole(3), whole(-2)),
    case("Gather", np.array(2), axis=1), case("Gather", whole(3, 0, -1), axis=1),
    case("Gather", whole(1, 2), axis=2), case("Gather", whole(0, 1, 2, 3).reshape(2, 2), axis=3),
    case("GatherElements", RANDOM.integers(-4, 4, (2, 2, 6, 8)), axis=1),
    case("GatherND", whole(0, 1, 1, 3).reshape(2, 2)),
    case("ScatterElements", RANDOM.permuted(np.tile(np.arange(8), (2, 4, 6, 1)), axis=3), floats(2, 4, 6, 8), axis=3),
    case("ScatterND", whole(0, 1, 1, 3).reshape(2, 2), floats(2, 6, 8)),
    case("Expand", whole(3, 1, 1, 1, 1)), case("Expand", whole(1, 8)), case("Tile", whole(1, 2, 1, 3)),
    case("Pad", whole(0, 0, 1, 2, 0, 0, 3, 0), number(2)), case("Pad", whole(0, 0, -1, 2, 0, 0, 3, -2)),
    case("Pad", whole(0, 0, 1, 2, 0, 0, 2, 1), mode="reflect"), case("Pad", whole(0, 0, 1, 2, 0, 0, 2, 1), mode="edge"),
    case("Pad", whole(1, 2), None, whole(-1), opset=18), case("Trilu"), case("Trilu", np.array(-1), upper=0),
    case("DepthToSpace", blocksize=2), case("DepthToSpace", blocksize=2, mode="CRD"),
    case("SpaceToDepth", blocksize=2),
    case("MatMul", floats(8, 5)), case("MatMul", floats(2, 4, 8, 3)), case("Einsum", floats(8, 3), equation="nchw,wk->nchk"),
    case("Conv", floats(6, 4, 3, 3)), case("Conv", floats(6, 2, 3, 3), floats(6), group=2, pads=[1, 1, 1, 1], strides=[2, 1]),
    case("Conv", floats(6, 4, 3, 3), pads=[0, 1, 2, 0]), case("Conv", floats(6, 4, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    case("Conv", floats(6, 4, 2, 2), auto_pad="SAME_LOWER"), case("Conv", floats(6, 4, 2, 2), auto_pad="VALID"),
    case("Conv", floats(6, 4, 2, 2), dilations=[2, 3]),
    case("ConvTranspose", floats(4, 3, 2, 2), strides=[2, 2]), case("ConvTranspose", floats(4, 3, 3, 3), pads=[1, 1, 1, 1], strides=[2, 2], output_padding=[1, 1]),
    case("ConvTranspose", floats(4, 3, 3, 3), pads=[0, 1, 1, 0], strides=[2, 2]),
    case("ConvTranspose", floats(4, 3, 3, 3), auto_pad="SAME_UPPER", strides=[2, 2]),
    case("MaxPool", kernel_shape=[2, 3], strides=[2, 2]), case("MaxPool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
    case("MaxPool", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2]), case("MaxPool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    case("MaxPool", kernel_shape=[2, 2], dilations=[2, 2]), case("MaxPool", kernel_shape=[3, 3], pads=[0, 0, 2, 2]),
    case("AveragePool", kernel_shape=[2, 3]), case("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 2]),
    case("AveragePool", kernel_shape=[3, 3], pads=[1, 1, 1, 1], count_include_pad=1), case("AveragePool", kernel_shape=[3, 3], pads=[0, 1, 1, 0]),
    case("AveragePool", kernel_shape=[3, 3], pads=[0, 1, 1, 0], count_include_pad=1),
    case("AveragePool", kernel_shape=[3, 3], auto_pad="SAME_UPPER", strides=[2, 2]), case("AveragePool", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1),
    case("BatchNormalization", positive(4), floats(4), floats(4), positive(4), epsilon=1e-3),
    case("InstanceNormalization", positive(4), floats(4)), case("LayerNormalization", positive(8), floats(8)),
    case("LayerNormalization", positive(4, 6, 8), axis=1), case("LRN", size=3, alpha=0.01),
    case("LayerNormalization", positive(1), floats(8)),
    case("GroupNormalization", positive(4), floats(4), num_groups=2, opset=21),
    resize("nearest", "asymmetric", (1, 1, 2, 2), nearest_mode="floor"), resize("nearest", "half_pixel", (1, 1, 2, 3)),
    resize("nearest", "half_pixel", (1, 1, 0.5, 0.5)), resize("nearest", "asymmetric", (1, 1, 1.5, 0.7), nearest_mode="ceil"),
    resize("nearest", "align_corners", None, (2, 4, 9, 5), nearest_mode="round_prefer_ceil"),
    resize("linear", "half_pixel", (1, 1, 2, 2)), resize("linear", "align_corners", None, (2, 4, 9, 5)),
    resize("linear", "asymmetric", (1, 1, 2, 1.5)), resize("linear", "pytorch_half_pixel", None, (2, 4, 3, 1)),
    resize("linear", "half_pixel", (1, 1, 1.3, 0.9)), resize("cubic", "half_pixel", None, (2, 4, 9, 5), cubic_coeff_a=-0.75),
    resize("cubic", "align_corners", None, (2, 4, 9, 5)),
    case("GridSample", RANDOM.uniform(-1, 1, (2, 3, 5, 2)).astype(np.float32)), case("GridSample", RANDOM.uniform(-1.2, 1.2, (2, 3, 5, 2)).astype(np.float32), align_corners=1, padding_mode="border"),
]  # fmt: skip
BY_PROGRAMS = {"Constant", "ConstantOfShape", "Range", "EyeLike", "OneHot", "Where", "Gemm", "Squeeze",
               "And", "Or", "Xor", "Not", "Log", "Sqrt", "Reciprocal", "ReduceLogSum"}  # fmt: skip


def title(entry: OperatorCase) -> str:
    words = [f"{name}={value}" for name, value in entry.attributes.items()]
    shapes = ["x".join(map(str, array.shape)) for array in entry.constants if array is not None]
    return " ".join([entry.kind, *words, *shapes, str(entry.opset)])


@pytest.mark.parametrize("entry", CASES, ids=title)
def test_an_operator_computes_what_the_reference_computes(entry: OperatorCase, tmp_path: Path):
    names = [f"c{at}" if array is not None else "" for at, array in enumerate(entry.constants)]
    weights = {f"c{at}": array for at, array in enumerate(entry.constants) if array is not None}
    outputs = [f"y{at}" for at in range(entry.outputs)]
    single = node(entry.kind, "x", *names, outputs=outputs, **entry.attributes)
    # A size of one axis is free, as in files with a free batch.
    model = model_of([single], weights, shape=(None, 3, 6, 8), outputs=outputs, opset=entry.opset)
    model.graph.input[0].type.tensor_type.shape.dim[1].dim_value = 4
    path = written(model, tmp_path / "net.onnx")
    batch = torch.from_numpy(floats(2, 4, 6, 8)).requires_grad_()

    computed = tree_leaves(unchecked_network(path)(batch))

    for own, expected in zip(computed, runtime_outputs(path, batch.detach()), strict=True):
        torch.testing.assert_close(
            own.detach().to(expected.dtype), expected, rtol=1e-4, atol=1e-5, check_dtype=False
        )


def unchecked_network(path: Path) -> Any:
    """The network of images with four channels, which the reader refuses for uploads."""
    from workers.programs.onnx import read_onnx
    from workers.programs.onnx.network import OnnxNetwork

    return OnnxNetwork(read_onnx(path), channels_last=False)


PROGRAMS: dict[str, tuple[list[Any], dict[str, Array]]] = {
    "sizes": ([
        node("Shape", "x", outputs=["s"]), node("Gather", "s", "zero", outputs=["n"]),
        node("Unsqueeze", "n", "axis", outputs=["n1"]), node("Concat", "n1", "rest", outputs=["t"], axis=0),
        node("Reshape", "x", "t"),
    ], {"zero": np.array(0), "axis": whole(0), "rest": whole(-1)}),
    "a filled tensor": ([
        node("Shape", "x", outputs=["s"], end=1), node("Concat", "s", "one", outputs=["t"], axis=0),
        node("ConstantOfShape", "t", outputs=["z"]), node("ReduceMean", "x", outputs=["m"], axes=[1, 2, 3], keepdims=0),
        node("Unsqueeze", "m", "one", outputs=["u"]), node("Add", "u", "z"),
    ], {"one": whole(1)}),
    "a range": ([
        node("Range", "a", "b", "c", outputs=["r"]), node("Cast", "r", outputs=["f"], to=1), node("Mul", "x", "f"),
    ], {"a": np.array(0), "b": np.array(12), "c": np.array(1)}),
    "masks": ([
        node("Greater", "x", "zero", outputs=["g"]), node("Less", "x", "one", outputs=["l"]),
        node("And", "g", "l", outputs=["a"]), node("Or", "g", "l", outputs=["o"]), node("Xor", "a", "o", outputs=["e"]),
        node("Not", "e", outputs=["n"]), node("Where", "n", "x", "zero"),
    ], {"zero": number(0), "one": number(1)}),
    "roots": ([
        node("Abs", "x", outputs=["a"]), node("Add", "a", "one", outputs=["b"]), node("Sqrt", "b", outputs=["c"]),
        node("Log", "c", outputs=["d"]), node("Add", "d", "one", outputs=["e"]), node("Reciprocal", "e", outputs=["f"]),
        node("ReduceLogSum", "f", axes=[1]),
    ], {"one": number(1)}),
    "gemm": ([
        node("Flatten", "x", outputs=["f"]), node("Gemm", "f", "w", "b", outputs=["g"], transB=1),
        node("Gemm", "g", "v", "b", alpha=0.5, beta=2.0),
    ], {"w": floats(5, 432), "v": floats(5, 5), "b": floats(5)}),
    "squeezed": ([
        node("ReduceMean", "x", outputs=["m"], axes=[2, 3]), node("Squeeze", "m", "axes"),
    ], {"axes": whole(2, -1)}),
    "one hot": ([
        node("ArgMax", "x", outputs=["a"], axis=1, keepdims=0), node("OneHot", "a", "depth", "values", outputs=["h"], axis=1),
        node("Mul", "x", "h"),
    ], {"depth": np.array(3), "values": np.array([0, 1], dtype=np.float32)}),
    "an identity": ([
        node("EyeLike", "w", outputs=["e"]), node("MatMul", "x", "e"),
    ], {"w": floats(12, 12)}),
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_sizes_and_constants_are_computed_as_in_the_reference(name: str, tmp_path: Path):
    nodes, weights = PROGRAMS[name]
    path = written(model_of(nodes, weights), tmp_path / "net.onnx")
    batch = torch.from_numpy(floats(2, 3, 12, 12))

    computed = network_of(path)(batch)

    torch.testing.assert_close(computed, runtime_outputs(path, batch)[0], rtol=1e-4, atol=1e-5)


def test_every_operator_has_a_case():
    tried = {entry.kind for entry in CASES} | BY_PROGRAMS

    assert set(OPERATORS) - tried == set()
