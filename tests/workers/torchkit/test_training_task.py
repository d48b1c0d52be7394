"""A method without data cannot read the evaluation set: only the evaluator uses its images."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from service.core.catalog import method_named
from tests.methods.small_networks import LABELS, SIDE, convolutional, teacher_of
from workers.methods import method_package
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training import task
from workers.torchkit.training.evaluator import EvaluationSet, Evaluator
from workers.torchkit.training.retention import retention

ROOMS: Mapping[str, dict[str, Any]] = {
    "adversarial_distillation": {"preset": "dfq", "imitations": 2},
    "dual_gan_amalgamation": {
        "preset": "dfq_ka",
        "imitations": 2,
        "student": {"architecture": "strided", "width": 4},
    },
}
SMALL: dict[str, Any] = {
    "budget": {"steps": 4},
    "batch_size": 8,
    "num_evaluations": 2,
    "generator_width": 4,
    "noise_units": 8,
    "student": {"architecture": "plain", "width": 4},
}
# What may be asked of images without looking at one.
_OUTSIDE = {
    Tensor.__len__,
    Tensor.shape.__get__,  # type: ignore[attr-defined]
    Tensor.dtype.__get__,  # type: ignore[attr-defined]
    Tensor.ndim.__get__,  # type: ignore[attr-defined]
}


class TouchedError(Exception):
    """Somebody looked at the images."""


class UnreadableImages(Tensor):
    """Images that raise as soon as anybody reads, copies or moves them."""

    @classmethod
    def __torch_function__(
        cls, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        if func not in _OUTSIDE:
            raise TouchedError(str(func))
        return super().__torch_function__(func, types, args, kwargs or {})  # type: ignore[no-untyped-call]


class Absent(Evaluator):
    """A stub for an evaluator."""

    def evaluate(self, *_args: Any) -> dict[str, float]:
        """Nothing."""
        return {}

    def final(self, *_args: Any) -> dict[str, float]:
        """Nothing."""
        return {}


def run(method: str, folder: Path, reporter: RecordingReporter) -> task.TrainingResult:
    teacher = teacher_of(convolutional(), folder)
    frames = torch.zeros(6, SIDE, SIDE, 3, dtype=torch.uint8).as_subclass(UnreadableImages)
    evaluation_set = EvaluationSet(frames, torch.zeros(6, dtype=torch.int64), LABELS)
    params = method_named(method).params.model_validate({**SMALL, **ROOMS[method]})
    room = method_package(method)
    inputs = task.DataFreeInputs(
        name="student", teachers=(teacher,), evaluation_set=evaluation_set
    )
    result: task.TrainingResult = room.run(inputs, params, reporter)
    return result


@pytest.mark.parametrize("method", ROOMS)
def test_a_data_free_method_never_reads_the_evaluation_set(
    method: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task, "Evaluator", Absent)

    result = run(method, tmp_path, RecordingReporter())

    assert (result.trained_on, result.held_out) == (0, 6)


def test_the_evaluator_reads_it(tmp_path: Path) -> None:
    with pytest.raises(TouchedError):
        run("adversarial_distillation", tmp_path, RecordingReporter())


def test_retention_is_the_students_share_of_each_teacher_and_of_all_merged() -> None:
    several = {"task_1_accuracy": 0.4, "teacher_1_accuracy": 0.8, "teacher_2_accuracy": 0.0}

    assert retention(several) == {"retention_1": 0.5}
    assert retention({**several, "accuracy": 0.25, "merged_accuracy": 0.5})["retention"] == 0.5
    assert retention({"accuracy": 0.9, "teacher_accuracy": 0.9}) == {"retention": 1.0}
