"""A network that was exported and read back answers and differentiates like the module itself."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.workers.programs.networks import (
    NETWORKS,
    SHAPE,
    FixedBatch,
    Plain,
    Segmenter,
    Windows,
    images,
    made,
    write_archive,
)
from workers.programs import OUTPUT, ProgramRefusedError, read_program

torch.set_num_threads(1)


def first(answer) -> Tensor:
    return next(iter(answer.values())) if isinstance(answer, dict) else answer


def answer_and_gradient(run, count: int) -> tuple[Tensor, Tensor]:
    batch = images(count).requires_grad_()
    answer = first(run(batch))
    (gradient,) = torch.autograd.grad(answer.square().sum(), batch)
    return answer.detach(), gradient


@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.parametrize("count", [1, 5])
def test_a_program_answers_and_differentiates_like_its_module(tmp_path, name, count):
    network = made(NETWORKS[name])
    program = read_program(write_archive(network, tmp_path / "net.pt2"))

    answer, gradient = answer_and_gradient(lambda x: program.read(x, [OUTPUT])[OUTPUT], count)

    expected, expected_gradient = answer_and_gradient(network, count)
    torch.testing.assert_close(answer, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-6)


def test_an_archive_of_a_fixed_batch_takes_any_number_of_images(tmp_path):
    network = made(FixedBatch)
    program = read_program(write_archive(network, tmp_path / "net.pt2", batch=4))

    answer = program(images(10))

    assert program.batch == 4
    padded = torch.cat([images(10), torch.zeros(2, *SHAPE)])
    expected = torch.cat([network(part) for part in padded.split(4)])[:10]
    torch.testing.assert_close(answer, expected)


def test_gradients_pass_through_padding_and_splitting(tmp_path):
    network = made(Plain)
    program = read_program(write_archive(network, tmp_path / "net.pt2", batch=4))

    answer, gradient = answer_and_gradient(program, 6)

    expected, expected_gradient = answer_and_gradient(network, 6)
    torch.testing.assert_close(answer, expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-5, atol=1e-6)


def test_reading_layers_gives_what_hooks_would_see(tmp_path):
    network = made(Plain)
    program = read_program(write_archive(network, tmp_path / "net.pt2"))
    hooked: dict[str, Tensor] = {}
    for name in ("conv", "norm", "body", "body.0"):
        network.get_submodule(name).register_forward_hook(
            lambda _, __, out, name=name: hooked.__setitem__(name, out.clone())
        )
    network(images(3))

    values = program.read(images(3), list(hooked))

    for name, expected in hooked.items():
        torch.testing.assert_close(values[name], expected, msg=name)


def test_layers_are_listed_with_kind_and_shape_in_order(tmp_path):
    program = read_program(write_archive(made(Plain), tmp_path / "net.pt2"))

    layers = {layer.name: (layer.kind, layer.shape) for layer in program.layers}

    assert layers["conv"] == ("Conv2d", (6, 12, 12))
    assert layers["act"] == ("ReLU", (6, 12, 12))
    assert layers["body"] == ("Sequential", (8, 5, 5))
    assert layers["head"] == ("Linear", (5,))
    assert list(layers).index("conv") < list(layers).index("body") < list(layers).index("head")


def test_default_features_are_the_input_of_the_last_linear_layer(tmp_path):
    program = read_program(write_archive(made(Plain), tmp_path / "net.pt2"))

    value = program.read(images(2), [program.feature_layer])[program.feature_layer]

    assert value.shape == (2, 8)
    assert program.feature_layer in {layer.name for layer in program.layers}


def test_default_features_of_a_segmenter_are_its_last_spatial_features(tmp_path):
    program = read_program(write_archive(made(Segmenter), tmp_path / "net.pt2"))

    value = program.read(images(2), [program.feature_layer])[program.feature_layer]

    assert value.shape == (2, 4, 12, 12)
    assert len(program(images(2))) == 2


def test_values_with_windows_in_their_batch_axis_are_no_layers(tmp_path):
    program = read_program(write_archive(made(Windows), tmp_path / "net.pt2"))

    assert "mix" not in {layer.name for layer in program.layers}


def test_reading_stops_after_the_last_layer_asked_for(tmp_path):
    program = read_program(write_archive(made(Plain), tmp_path / "net.pt2"))
    calls: list[str] = []

    with _Recorder(calls):
        program.read(images(1), ["conv"])

    assert [name for name in calls if "linear" in name or "batch_norm" in name] == []


class _Recorder(torch.utils._python_dispatch.TorchDispatchMode):
    def __init__(self, calls: list[str]) -> None:
        super().__init__()
        self.calls = calls

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        self.calls.append(str(func))
        return func(*args, **(kwargs or {}))


def test_weights_never_require_a_gradient(tmp_path):
    program = read_program(write_archive(made(Plain), tmp_path / "net.pt2"))

    program(images(2).requires_grad_()).sum().backward()

    assert all(not weight.requires_grad and weight.grad is None for weight in program.parameters())


def test_parameters_and_operations_are_counted(tmp_path):
    network = made(Plain)
    program = read_program(write_archive(network, tmp_path / "net.pt2"))

    assert program.parameter_count == sum(weight.numel() for weight in network.parameters())
    assert program.flops == 2 * (6 * 144 * 27 + 8 * 25 * 54 + 5 * 8)


def test_the_same_network_has_the_same_fingerprint_and_another_weight_another(tmp_path):
    network = made(Plain)
    first = read_program(write_archive(network, tmp_path / "one.pt2"))
    same = read_program(write_archive(network, tmp_path / "same.pt2"))
    with torch.no_grad():
        network.head.bias += 1
    other = read_program(write_archive(network, tmp_path / "other.pt2"))

    assert first.fingerprint == same.fingerprint != other.fingerprint


@pytest.mark.parametrize("stored", [torch.float16, torch.float64, torch.bfloat16])
def test_other_number_types_are_read_as_float32(tmp_path, stored):
    network = made(Plain).to(stored)
    path = write_archive(network, tmp_path / "net.pt2", example=images(2).to(stored))

    answer = read_program(path)(images(2))

    assert answer.dtype is torch.float32
    torch.testing.assert_close(answer, network.float()(images(2)), rtol=1e-3, atol=1e-3)


def test_a_program_runs_in_bfloat16_and_channels_last(tmp_path):
    network = made(Plain)
    program = read_program(write_archive(network, tmp_path / "net.pt2"))

    low = program.to(dtype=torch.bfloat16, memory_format=torch.channels_last)

    cosine = functional.cosine_similarity(
        low(images(4)).float().flatten(), network(images(4)).flatten(), 0
    )
    assert low.dtype is torch.bfloat16
    assert cosine > 0.99


def test_images_of_another_shape_are_refused(tmp_path):
    program = read_program(write_archive(made(Plain), tmp_path / "net.pt2"))

    with pytest.raises(ValueError, match="3, 12, 12"):
        program(torch.zeros(2, 1, 12, 12))


def test_an_unknown_layer_is_a_key_error(tmp_path):
    program = read_program(write_archive(made(Plain), tmp_path / "net.pt2"))

    with pytest.raises(KeyError, match="nowhere"):
        program.read(images(1), ["nowhere"])


class Trained(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(3)

    def forward(self, batch: Tensor) -> Tensor:
        return functional.dropout(self.norm(batch), 0.5, training=True).flatten(1)


class Counter(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))

    def forward(self, batch: Tensor) -> Tensor:
        self.seen.add_(1.0)
        return batch.flatten(1) * self.seen


class Conditional(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return torch.cond(batch.sum() > 0, lambda x: x * 2.0, lambda x: x * 3.0, (batch,)).flatten(
            1
        )


class Dice(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return (batch + torch.rand_like(batch)).flatten(1)


class Flattened(nn.Module):
    def forward(self, batch: Tensor) -> Tensor:
        return batch.sum().reshape(1)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Trained, "training_mode"),
        (Counter, "mutates_weights"),
        (Conditional, "operator_not_allowed"),
        (Dice, "operator_not_allowed"),
        (Flattened, "output_without_batch"),
    ],
)
def test_honest_networks_that_cannot_be_read_are_refused_with_a_remedy(tmp_path, kind, code):
    path = write_archive(kind().eval(), tmp_path / "net.pt2")

    with pytest.raises(ProgramRefusedError) as caught:
        read_program(path)

    assert caught.value.code == code
    assert caught.value.remedy
