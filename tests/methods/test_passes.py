"""No training runs a frozen network twice over an image, where no augmentation is drawn."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from service.core.catalog import method_named
from service.core.manifest import TaskKind
from tests.methods.dual_gan_amalgamation.scenes import SIDE, teacher
from tests.methods.small_trainings import (
    BASES,
    SMALL,
    TRAININGS,
    Teachers,
    inputs_of,
    teachers_in,
)
from workers.methods import method_package
from workers.methods.dynamic_instance_normalization import pictures
from workers.methods.dynamic_instance_normalization.evaluator import StyleEvaluator
from workers.programs.program import Program
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training import steps
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import DataFreeInputs
from workers.torchkit.training.teachers import Teacher

EVALUATIONS = 4
# These do not compare with the source's own answers.
OWN_MEASURES = {"fine_tune", "class_regularization", "dynamic_instance_normalization"}
# Modules that draw shifted images.
SHIFTING = (
    "knowledge_distillation.run",
    "fine_tune.run",
    "common_feature_amalgamation.run",
    "adaptive_amalgamation.steps",
)
# A network, by the listing that its copies share, and the digest of an image.
Pass = tuple[int, str]


def digest(image: Tensor) -> str:
    return hashlib.sha256(image.detach().contiguous().numpy().tobytes()).hexdigest()


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> Teachers:
    return teachers_in(tmp_path_factory.mktemp("teachers"))


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> Counter[Pass]:
    """Passes of frozen networks by network and image; every drawn augmentation is a new image."""
    counts: Counter[Pass] = Counter()
    interpret, crops = Program.interpret, pictures.random_crops

    def counting(program: Program, images: Tensor, *arguments: Any, **options: Any) -> Any:
        weights: Mapping[int, Tensor] = options.get("weights") or {}
        has_own_weights = all(
            torch.equal(weight, program._weights[slot]) for slot, weight in weights.items()
        )
        if has_own_weights and not torch.compiler.is_exporting():
            # Exports try a batch of one image several times.
            counts.update({(id(program._listing), digest(image)) for image in images})
        return interpret(program, images, *arguments, **options)

    monkeypatch.setattr(Program, "interpret", counting)
    for module in SHIFTING:
        # Packages name their function ``run`` like the module, so that no path leads to the module.
        monkeypatch.setattr(
            import_module(f"workers.methods.{module}"), "drawn_frames", _marked_frames
        )
    monkeypatch.setattr(
        "workers.methods.dynamic_instance_normalization.task.random_crops",
        lambda *arguments, **options: _marked(crops(*arguments, **options)),
    )
    # The last evaluation and the report paint with the same stylizer: what it paints is its own.
    painted = StyleEvaluator._painted
    monkeypatch.setattr(
        StyleEvaluator, "_painted", lambda *arguments: map(_marked, painted(*arguments))
    )
    return counts


def _marked_frames(images: Tensor, size: int, **options: Any) -> tuple[Tensor, Tensor]:
    frames, indices = steps.drawn_frames(images, size, **options)
    return _marked(frames.permute(0, 3, 1, 2)).permute(0, 2, 3, 1).contiguous(), indices


def _marked(images: Tensor) -> Tensor:
    """The images with noise in their upper left corners."""
    largest = 255 if images.max() > 1 else 1
    noise = (torch.rand(*images.shape[:-2], 4, 4) * largest).round(decimals=2)
    marked = images.clone()
    marked[..., :4, :4] = noise
    return marked


def ran(method: str, inputs: DataFreeInputs, more: Mapping[str, Any]) -> Tensor:
    """The method with four evaluations, and the held-out frames that it used."""
    generator = torch.Generator().manual_seed(7)
    frames = torch.randint(0, 256, (12, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    held_out = EvaluationSet(frames, torch.arange(12) % 3, ("a", "b", "c"))
    params = method_named(method).params.model_validate(
        {**SMALL, **BASES[method], "num_evaluations": EVALUATIONS, **more}
    )
    reporter = RecordingReporter()
    method_package(method).run(replace(inputs, evaluation_set=held_out), params, reporter)
    # The report after the last step evaluates once more.
    assert reporter.measurements
    return frames


def require_single(passes: Counter[Pass], teachers: Sequence[Teacher]) -> None:
    """Every pass of these networks was the only one of its image."""
    listings = {id(teacher.program._listing) for teacher in teachers}
    counts = [count for (listing, _), count in passes.items() if listing in listings]
    assert Counter(counts).keys() == {1}


@pytest.mark.parametrize("method", TRAININGS)
def test_a_frozen_network_sees_every_image_once(
    method: str, teachers: Teachers, passes: Counter[Pass]
) -> None:
    inputs = inputs_of(method, teachers)

    frames = ran(method, inputs, {})

    require_single(passes, inputs.teachers)
    if method not in OWN_MEASURES:
        for teacher in inputs.teachers:
            listing = id(teacher.program._listing)
            assert all(passes[listing, digest(image)] for image in teacher.of_frames(frames))


def test_a_source_of_several_tasks_sees_every_image_once(
    tmp_path: Path, passes: Counter[Pass]
) -> None:
    kind = TaskKind.CLASSIFICATION
    sources = tuple(teacher(tmp_path, tuple("abcd"), width=width, task=kind) for width in (4, 6))
    inputs = inputs_of("adaptive_amalgamation", {kind: sources})
    tasks = [{"name": "first", "labels": ["a", "b"]}, {"name": "second", "labels": ["c", "d"]}]

    ran("adaptive_amalgamation", inputs, {"tasks": tasks, "budget": {"steps": 8}})

    require_single(passes, sources)
