"""What passes the ingestion check can be measured; what does not leaves with reasons."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from service.core.catalog.model_validation import ModelValidationParams
from service.core.manifest import Architecture, InputSpec, ModelFormat, ModelManifest
from tests.workers.programs.networks import Attention, Plain, Segmenter, made, write_archive
from workers.methods.model_validation import ModelValidationData, run
from workers.programs import read_program
from workers.torchkit.protocols import silent

torch.set_num_threads(1)
PARAMETER_LIMIT = 10**7
SMALL = InputSpec(channels=3, height=12, width=12)


def manifest(**changes) -> ModelManifest:
    return ModelManifest.model_validate(
        {"name": "net", "format": ModelFormat.PT2, "input": SMALL.model_dump()} | changes
    )


def checked(network: nn.Module, folder, declared: ModelManifest | None = None):
    path = write_archive(network, folder / "net.pt2")
    inputs = ModelValidationData(
        path, declared if declared is not None else manifest(), folder, PARAMETER_LIMIT
    )
    return run(inputs, ModelValidationParams(), silent)


def test_a_good_network_is_described(tmp_path):
    result = checked(made(Plain), tmp_path)

    assert result.problems == ()
    assert (result.output_kind, result.output_shape) == ("vector", (5,))
    assert result.parameters == sum(weight.numel() for weight in made(Plain).parameters())
    assert result.flops > 0
    assert result.feature_layer in {layer.name for layer in result.layers}


class Normalized(nn.Module):
    """One normalization that remembers batch statistics, and one that does not."""

    def __init__(self) -> None:
        super().__init__()
        self.remembers = nn.BatchNorm2d(3)
        self.forgets = nn.InstanceNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        return (self.forgets(self.remembers(images)) + images).mean(dim=(2, 3))


def test_normalizations_that_remember_batch_statistics_are_counted(tmp_path):
    networks = made(Normalized), made(Attention)

    counts = [checked(network, tmp_path).batch_norms for network in networks]

    assert counts == [1, 0]


@pytest.mark.parametrize(("kind", "word"), [(Segmenter, "map"), (Attention, "vector")])
def test_the_kind_of_output_is_reported(tmp_path, kind, word):
    declared = manifest(output="out") if kind is Segmenter else manifest()

    assert checked(made(kind), tmp_path, declared).output_kind == word


class Silent(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) * 0.0


class Broken(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1) / 0.0


class Detached(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.detach().flatten(1)


class Sorted(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return (images - images.mean(0, keepdim=True)).flatten(1)


class Decided(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1).argmax(1, keepdim=True)


class Roots(nn.Module):
    def forward(self, images: Tensor) -> Tensor:
        return (images * 0.0).abs().sqrt().flatten(1)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (Silent, "no_gradient"),
        (Broken, "non_finite_output"),
        (Detached, "no_gradient"),
        (Sorted, "batch_dependent"),
        (Decided, "integer_output"),
        (Roots, "non_finite_gradient"),
    ],
)
def test_a_network_that_cannot_be_measured_is_rejected(tmp_path, kind, code):
    result = checked(kind().eval(), tmp_path)

    assert [problem.code for problem in result.problems] == [code]
    assert result.program_file is None


def test_nan_weights_are_rejected(tmp_path):
    network = made(Plain)
    with torch.no_grad():
        network.head.bias[0] = torch.nan

    assert [problem.code for problem in checked(network, tmp_path).problems] == [
        "non_finite_weights"
    ]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"input": {"height": 14, "width": 12}}, "input_shape_mismatch"),
        ({"feature_layer": "nowhere"}, "unknown_feature_layer"),
        ({"classes": ("a", "b")}, "class_count_mismatch"),
        (
            {"few_shot": {"units": 7, "prior": 1, "scale": 1, "outside_distance": 1}},
            "few_shot_mismatch",
        ),
    ],
)
def test_a_manifest_that_contradicts_the_network_is_rejected(tmp_path, changes, code):
    result = checked(made(Plain), tmp_path, manifest(**changes))

    assert [problem.code for problem in result.problems] == [code]
    assert result.problems[0].remedy


def test_a_network_above_the_limit_of_the_zoo_is_rejected(tmp_path):
    path = write_archive(made(Plain), tmp_path / "net.pt2")

    result = run(
        ModelValidationData(path, manifest(), tmp_path, 10), ModelValidationParams(), silent
    )

    assert [problem.code for problem in result.problems] == ["too_many_parameters"]


def test_a_refused_file_becomes_a_reason(tmp_path):
    path = tmp_path / "net.pt2"
    path.write_bytes(b"\x80\x04\x95 a pickle")

    result = run(
        ModelValidationData(path, manifest(), tmp_path, PARAMETER_LIMIT),
        ModelValidationParams(),
        silent,
    )

    assert [problem.code for problem in result.problems] == ["unsafe_format"]
    assert "zooscope pack" in result.problems[0].remedy


def test_bare_weights_of_a_listed_architecture_become_a_program(tmp_path):
    import timm

    torch.manual_seed(0)
    network = timm.create_model("resnet10t", num_classes=4, in_chans=1).eval()
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    declared = ModelManifest(
        name="net",
        format=ModelFormat.SAFETENSORS,
        input=InputSpec(channels=1, height=32, width=32),
        architecture=Architecture(name="resnet10t", arguments={"num_classes": 4, "in_chans": 1}),
    )

    result = run(
        ModelValidationData(tmp_path / "weights.safetensors", declared, tmp_path, PARAMETER_LIMIT),
        ModelValidationParams(),
        silent,
    )

    assert result.problems == ()
    images = torch.randn(3, 1, 32, 32)
    torch.testing.assert_close(
        read_program(result.program_file)(images), network(images), rtol=1e-5, atol=1e-6
    )
