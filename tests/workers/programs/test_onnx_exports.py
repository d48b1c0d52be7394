"""What both exporters of PyTorch write computes what the network computed, with the same gradients and layers."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workers.programs.networks import Attention, Plain, Windows, images, made, write_archive
from tests.workers.programs.onnx_files import (
    model_of,
    node,
    program_of,
    quiet,
    runtime_outputs,
    write_dynamo,
    write_script,
    written,
)
from workers.programs import OUTPUT, Program, ProgramSlope, read_program

torch.set_num_threads(1)
EXPORTERS = {"script": write_script, "dynamo": write_dynamo}
NETWORKS = (Plain, Attention)


def gradient_of(run: Callable[[Tensor], Tensor], batch: Tensor) -> Tensor:
    leaf = batch.clone().requires_grad_()
    scores = run(leaf)
    weighting = torch.linspace(-1, 1, scores.numel()).reshape(scores.shape)
    return torch.autograd.grad((scores * weighting).sum(), leaf)[0]


def require_same(program: Program, network: nn.Module, batch: Tensor) -> None:
    torch.testing.assert_close(program(batch), network(batch), rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(
        gradient_of(program, batch), gradient_of(network, batch), rtol=1e-3, atol=1e-5
    )


@pytest.mark.parametrize("exporter", EXPORTERS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_an_exported_network_keeps_outputs_and_gradients(
    kind: type[nn.Module], exporter: str, tmp_path: Path
):
    network = made(kind)
    path = EXPORTERS[exporter](network, tmp_path / "net.onnx")

    program = program_of(path)

    require_same(program, network, images(3))
    torch.testing.assert_close(
        program(images(3)), runtime_outputs(path, images(3))[0], rtol=1e-4, atol=1e-5
    )
    assert program.batch is None


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_layers_are_named_by_the_modules_of_the_network(exporter: str, tmp_path: Path):
    path = EXPORTERS[exporter](made(Plain), tmp_path / "net.onnx")

    program = program_of(path)

    names = {layer.name for layer in program.layers}
    # Both exporters fold the normalization into the convolution before it.
    assert {"act", "body", "body.0", "head"} <= names
    assert program.feature_layer in names
    assert program.parameter_count > 0


@pytest.mark.parametrize("opset", [11, 20])
def test_old_and_new_opsets_are_read(opset: int, tmp_path: Path):
    network = made(Plain)

    program = program_of(write_script(network, tmp_path / "net.onnx", opset=opset))

    require_same(program, network, images(2))


@pytest.mark.parametrize(("kind", "batch"), [(Plain, None), (Windows, None), (Attention, 1)])
def test_a_batch_that_the_file_fixes_is_set_free_if_the_graph_allows_it(
    kind: type[nn.Module], batch: int | None, tmp_path: Path
):
    network = made(kind)

    program = program_of(write_script(network, tmp_path / "net.onnx", batch=1))

    # Attention moves the batch behind the sequence, so a fixed size no longer says which axis it is.
    assert program.batch == batch
    torch.testing.assert_close(program(images(5)), network(images(5)), rtol=1e-4, atol=1e-5)


def test_images_with_channels_last_are_turned(tmp_path: Path):
    weights = {"kernel": made(Plain).conv.weight.detach().numpy()}
    nodes = [
        node("Transpose", "x", outputs=["a"], perm=[0, 3, 1, 2], name="model/transpose"),
        node(
            "Conv", "a", "kernel", outputs=["b"], name="model/stem/Conv2D", auto_pad="SAME_UPPER"
        ),
        node("ReduceMean", "b", outputs=["y"], axes=[2, 3], keepdims=0, name="model/pool/Mean"),
    ]
    path = written(model_of(nodes, weights, shape=("n", 12, 12, 3)), tmp_path / "net.onnx")

    program = program_of(path)

    expected = runtime_outputs(path, images(2).permute(0, 2, 3, 1).contiguous())[0]
    torch.testing.assert_close(program(images(2)), expected, rtol=1e-4, atol=1e-5)
    assert program.input_shape == (3, 12, 12)
    assert {"model.stem", "model.pool"} <= {layer.name for layer in program.layers}


def test_a_size_that_the_file_leaves_free_comes_from_the_manifest(tmp_path: Path):
    path = written(model_of([node("Relu", "x")], shape=("n", 3, "h", "w")), tmp_path / "net.onnx")

    assert program_of(path, (3, 20, 16)).input_shape == (3, 20, 16)


def test_weights_in_half_precision_become_float32(tmp_path: Path):
    network = made(Plain)
    path = write_script(network, tmp_path / "net.onnx")
    model = onnx.load(path)
    for tensor in model.graph.initializer:
        array = onnx.numpy_helper.to_array(tensor).astype("float16")
        tensor.CopyFrom(onnx.numpy_helper.from_array(array, tensor.name))

    program = program_of(written(model, tmp_path / "half.onnx"))

    torch.testing.assert_close(program(images(2)), network(images(2)), rtol=1e-2, atol=1e-2)


class Gated(nn.Module):
    """Activation functions that exporters write in several steps."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, stride=2)
        self.head = nn.Linear(6, 4)

    def forward(self, images: Tensor) -> Tensor:
        values = functional.silu(self.stem(images))
        values = functional.hardswish(values) + functional.gelu(values)
        return self.head(values.mean((2, 3)))


@pytest.mark.parametrize("exporter", EXPORTERS)
def test_steps_of_an_activation_function_count_as_the_function(exporter: str, tmp_path: Path):
    network = made(Gated)
    own = read_program(write_archive(network, tmp_path / "net.pt2"))
    opset = 11 if exporter == "script" else 18
    path = EXPORTERS[exporter](network, tmp_path / "net.onnx", opset=opset)

    program = program_of(path)

    def with_slope(program: Program) -> Callable[[Tensor], Tensor]:
        return lambda batch: program.read(batch, [OUTPUT], slope=ProgramSlope.EPSILON_LRP)[OUTPUT]

    torch.testing.assert_close(
        gradient_of(with_slope(program), images(2)),
        gradient_of(with_slope(own), images(2)),
        rtol=1e-3,
        atol=1e-5,
    )


def test_statistics_of_a_normalization_are_no_parameters(tmp_path: Path):
    network = made(Plain)

    program = program_of(write_script(network, tmp_path / "net.onnx", fold=False))

    assert len(program.batch_norms) == 1
    assert program.parameter_count == sum(weight.numel() for weight in network.parameters())


class Standardized(nn.Module):
    """A convolution whose weights are normalized by their own statistics, as in networks without norms."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 3, 3, 3))
        self.gain = nn.Parameter(torch.ones(6))

    def forward(self, images: Tensor) -> Tensor:
        weight = functional.batch_norm(
            self.weight.reshape(1, 6, -1), None, None, weight=self.gain, training=True, eps=1e-6
        )
        return functional.conv2d(images, weight.reshape_as(self.weight)).mean((2, 3))


def test_weights_that_are_standardized_need_no_training_mode(tmp_path: Path):
    network = made(Standardized)

    program = program_of(write_script(network, tmp_path / "net.onnx", opset=17))

    require_same(program, network, images(2))


class TwoOutputs(nn.Module):
    """Features and scores."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 6, 3)
        self.head = nn.Linear(6, 5)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        features = self.body(images).mean((2, 3))
        return features, self.head(features)


def test_several_outputs_keep_their_names(tmp_path: Path):
    network = made(TwoOutputs)
    path = tmp_path / "net.onnx"
    with quiet():
        torch.onnx.export(
            network, (images(2),), str(path), dynamo=False, input_names=["images"],
            output_names=["z.features", "a scores"], dynamic_axes={"images": {0: "batch"}},
        )  # fmt: skip

    program = program_of(path)

    assert [output.name for output in program.outputs] == ["z.features", "a scores"]
    for own, expected in zip(program(images(3)), network(images(3)), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-4, atol=1e-5)


def test_a_variance_may_be_the_trained_weight_of_another_layer(tmp_path: Path):
    # Exporters write equal tensors once.
    weights = {"ones": np.ones(3, np.float32), "zeros": np.zeros(3, np.float32)}
    nodes = [
        node("Identity", "ones", outputs=["variance"]),
        node("BatchNormalization", "x", "ones", "zeros", "zeros", "variance", outputs=["z"]),
        node("GlobalAveragePool", "z"),
    ]
    path = written(model_of(nodes, weights), tmp_path / "net.onnx")

    program = program_of(path)

    expected = runtime_outputs(path, images(3))[0]
    torch.testing.assert_close(program(images(3)), expected, rtol=1e-4, atol=1e-5)


def test_default_features_are_found_before_a_product_with_a_weight(tmp_path: Path):
    # Keras and tf2onnx write a linear layer as MatMul and Add.
    weights = {"kernel": np.ones((3, 5), np.float32), "shape": np.array([0, -1])}
    nodes = [
        node("GlobalAveragePool", "x", outputs=["pooled"]),
        node("Reshape", "pooled", "shape", outputs=["features"]),
        node("MatMul", "features", "kernel"),
    ]
    path = written(model_of(nodes, weights), tmp_path / "net.onnx")

    program = program_of(path)

    shapes = {layer.name: layer.shape for layer in program.layers}
    assert shapes[program.feature_layer] == (3,)
