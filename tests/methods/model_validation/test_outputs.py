"""Of several outputs one is chosen by a rule or by the manifest, never by its position alone."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from service.core.catalog.model_validation import ModelValidationParams
from service.core.manifest import InputSpec, ModelManifest
from tests.workers.programs.networks import Plain, Segmenter, made, write_archive
from workers.methods.model_validation import ModelValidationData, run
from workers.torchkit.protocols import silent

torch.set_num_threads(1)
CLASSES = ("a", "b", "c", "d", "e")


class Returning(nn.Module):
    """Class scores, features of three numbers, and an auxiliary head, under these names."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.body = made(Plain)
        self.auxiliary = made(Plain)
        self.names = names

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        outputs = (images.mean(dim=(2, 3)), self.body(images), self.auxiliary(images))
        return dict(zip(self.names, outputs, strict=False))


def checked(network: nn.Module, folder: Any, **declared: Any):
    path = write_archive(network, folder / "net.pt2")
    spec = InputSpec(channels=3, height=12, width=12)
    manifest = ModelManifest.model_validate(
        {"name": "net", "format": "pt2", "input": spec.model_dump()} | declared
    )
    return run(ModelValidationData(path, manifest, folder, 10**7), ModelValidationParams(), silent)


@pytest.mark.parametrize(
    ("names", "declared", "chosen"),
    [
        (("features", "logits", "auxiliary"), {}, "logits"),
        (("features", "scores"), {"classes": CLASSES}, "scores"),
        (("features", "out", "aux"), {"classes": CLASSES, "output": "out"}, "out"),
        (("features", "out", "aux"), {"output": "features"}, "features"),
    ],
)
def test_the_output_that_counts_is_chosen(tmp_path, names, declared, chosen):
    result = checked(Returning(*names), tmp_path, **declared)

    assert result.problems == ()
    assert result.output == chosen
    assert [output.name for output in result.outputs] == list(names)


@pytest.mark.parametrize(
    ("names", "declared", "code"),
    [
        (("features", "out", "aux"), {"classes": CLASSES}, "several_outputs"),
        (("features", "out"), {}, "several_outputs"),
        (("features", "out"), {"output": "logits"}, "unknown_output"),
        (("boxes", "labels", "scores"), {"task": "detection"}, "detection_not_supported"),
    ],
)
def test_an_undecided_network_is_refused_with_the_names_of_its_outputs(
    tmp_path, names, declared, code
):
    (problem,) = checked(Returning(*names), tmp_path, **declared).problems

    assert problem.code == code
    assert all(name in problem.detail for name in names)
    assert "output" in problem.remedy


def test_a_refused_detection_network_names_the_part_that_can_be_used(tmp_path):
    network = Returning("boxes", "labels")

    (problem,) = checked(network, tmp_path, task="detection").problems

    assert "backbone" in problem.remedy
    assert "embedding" in problem.remedy


@pytest.mark.parametrize("task", ["classification", "multi_label"])
def test_a_classifier_whose_answer_is_a_map_is_refused(tmp_path, task):
    (problem,) = checked(made(Segmenter), tmp_path, task=task, output="out").problems

    assert problem.code == "classifier_output_not_vector"
    assert "2 × 12 × 12" in problem.detail
    assert "segmentation" in problem.remedy


def test_a_segmentation_network_has_a_class_for_every_map(tmp_path):
    declared = {"task": "segmentation", "output": "out"}

    fits = checked(made(Segmenter), tmp_path, classes=("sky", "ground"), **declared)
    (problem,) = checked(made(Segmenter), tmp_path, classes=CLASSES, **declared).problems

    assert fits.problems == ()
    assert problem.code == "class_count_mismatch"


@pytest.mark.parametrize(
    ("end", "scale"),
    [
        (nn.Identity(), "logits"),
        (nn.Softmax(dim=1), "probabilities"),
        (nn.LogSoftmax(dim=1), "log_probabilities"),
    ],
)
def test_what_the_numbers_are_is_reported(tmp_path, end, scale):
    result = checked(nn.Sequential(made(Plain), end), tmp_path, task="classification")

    assert result.output_scale == scale


def test_the_same_weights_in_another_file_have_the_same_fingerprint(tmp_path):
    class Renamed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.other = made(Plain)

        def forward(self, images: Tensor) -> Tensor:
            return self.other(images).softmax(dim=1)

    class Reordered(Plain):
        """Plain with its layers in another order of definition."""

        def __init__(self) -> None:
            super().__init__()
            self.head = self._modules.pop("head")
            self.conv = self._modules.pop("conv")

    plain = checked(made(Plain), tmp_path).weights_sha256
    reordered = Reordered()
    reordered.load_state_dict(made(Plain).state_dict())

    assert checked(Renamed(), tmp_path).weights_sha256 == plain
    assert checked(reordered.eval(), tmp_path).weights_sha256 == plain


def test_other_weights_have_another_fingerprint(tmp_path):
    moved = made(Plain)
    moved.norm.running_mean.add_(0.25)

    assert checked(moved, tmp_path).weights_sha256 != checked(made(Plain), tmp_path).weights_sha256


class Prototypes(nn.Module):
    """Plain, and its distances to fixed rows."""

    rows: Tensor

    def __init__(self, rows: Tensor) -> None:
        super().__init__()
        self.body = made(Plain)
        self.register_buffer("rows", rows)

    def forward(self, images: Tensor) -> Tensor:
        return -(self.body(images)[:, None] - self.rows).square().sum(dim=2)


def test_the_same_body_with_another_table_has_another_fingerprint(tmp_path):
    cats, dogs = (torch.arange(2.0 * len(CLASSES)).reshape(2, -1) + offset for offset in (0, 1))

    assert (
        checked(Prototypes(cats).eval(), tmp_path).weights_sha256
        != checked(Prototypes(dogs).eval(), tmp_path).weights_sha256
    )


def test_a_mask_and_a_number_do_not_change_the_fingerprint(tmp_path):
    mask = torch.zeros(2, len(CLASSES))
    mask[0, 0] = -100

    assert (
        checked(Prototypes(mask).eval(), tmp_path).weights_sha256
        == checked(made(Plain), tmp_path).weights_sha256
    )
