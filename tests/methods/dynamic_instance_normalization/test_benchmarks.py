"""The benchmarks of stylizers read and train the networks of the method as they are."""

import pytest
import torch

from benchmarks.stroke_training import VARIANTS, StrokeTask, enlarged, shown
from benchmarks.stylizer_measures import losses_of
from service.core.catalog.dynamic_instance_normalization import Rival
from tests.methods.dynamic_instance_normalization.small_stylizers import SIDE, params
from workers.methods.dynamic_instance_normalization.task import StylizationTask
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import PictureInputs, complete


def test_a_judge_measures_every_network_and_the_copy(inputs: PictureInputs) -> None:
    """The judge once called networks by a signature that they no longer had."""
    rivals = [rival.value for rival in Rival if rival is not Rival.DIN]
    task = StylizationTask(inputs, params(compare_with=rivals))
    pictures = torch.rand(2, 3, SIDE, SIDE)

    losses = losses_of(task, task.loss_network, pictures, pictures.flip(0))

    assert set(losses) == {*task.networks, "copy"}
    assert losses["copy"]["content_loss"] == 0
    assert all(part["style_loss"] > 0 for part in losses.values())


@pytest.mark.parametrize("variant", VARIANTS[1:])
def test_strokes_change_what_is_learned(inputs: PictureInputs, variant: str) -> None:
    plain = StylizationTask(inputs, params())
    strokes = StrokeTask(inputs, params(), variant)

    for task in (plain, strokes):
        complete(task, inputs, params(), RecordingReporter())

    assert not torch.equal(
        strokes.student.style.heads.output.weight, plain.student.style.heads.output.weight
    )


def test_styles_are_shown_larger_smaller_or_as_they_are() -> None:
    columns = torch.arange(64.0).expand(1, 3, 64, 64)

    assert torch.equal(shown(columns, 4, "same"), columns)
    assert shown(columns, 4, "smaller").shape == (1, 3, 16, 16)
    assert shown(columns, 4, "larger").shape == columns.shape
    steps = enlarged(columns, 4).diff(dim=-1)[..., 8:-8]
    torch.testing.assert_close(steps, torch.full_like(steps, 0.25))
