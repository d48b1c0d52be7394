"""No training runs a frozen network twice over the same held-out image."""

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from service.core.catalog import method_named
from tests.methods.dual_gan_amalgamation.scenes import SIDE
from tests.methods.small_trainings import BASES, SMALL, inputs_of, teachers_in
from workers.methods import method_package
from workers.programs.program import Program
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet

EVALUATIONS = 4


def digest(image: Tensor) -> str:
    return hashlib.sha256(image.detach().contiguous().numpy().tobytes()).hexdigest()


@pytest.mark.parametrize(
    "method",
    [
        "linear_probe",
        "knowledge_distillation",
        "adversarial_distillation",
        "common_feature_amalgamation",
    ],
)
def test_a_frozen_network_sees_every_held_out_image_once(
    method: str, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = inputs_of(method, teachers_in(tmp_path_factory.mktemp("teachers")))
    generator = torch.Generator().manual_seed(7)
    frames = torch.randint(0, 256, (12, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    held_out = EvaluationSet(frames, torch.arange(12) % 3, ("a", "b", "c"))
    passes: Counter[str] = Counter()
    interpret = Program.interpret

    def counting(
        program: Program, images: Tensor, *arguments: Any, **options: Mapping[int, Tensor]
    ) -> dict[int, Any]:
        if not torch.compiler.is_exporting():
            passes.update(digest(image) for image in images)
        return interpret(program, images, *arguments, **options)

    monkeypatch.setattr(Program, "interpret", counting)
    params = method_named(method).params.model_validate(
        {**SMALL, **BASES[method], "num_evaluations": EVALUATIONS}
    )
    reporter = RecordingReporter()

    method_package(method).run(replace(inputs, evaluation_set=held_out), params, reporter)

    # The report after the last step evaluates once more.
    assert reporter.measurements
    counts = [passes[digest(image)] for image in inputs.teachers[0].of_frames(frames)]
    # Teachers of one input share the images: each passes once through every teacher.
    assert counts == [len(inputs.teachers)] * len(frames)
