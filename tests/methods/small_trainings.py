"""Every training method on small networks and images of noise, a few steps long."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from service.core.catalog import MethodKind, method_named, methods_of
from service.core.catalog.training import TeachersOnly
from service.core.manifest import TaskKind
from tests.methods.dual_gan_amalgamation.scenes import SIDE, teacher
from workers.methods import method_package
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.task import (
    DataFreeInputs,
    ImageInputs,
    PictureInputs,
    TrainingResult,
)
from workers.torchkit.training.teachers import Teacher

TRAININGS = tuple(spec.name for spec in methods_of(MethodKind.TRAINING))
Teachers = Mapping[TaskKind, tuple[Teacher, ...]]

SMALL: dict[str, Any] = {
    "budget": {"steps": 4},
    "batch_size": 8,
    "num_evaluations": 1,
    "checkpoint_interval_seconds": 60,
    "seed": 1,
}
STUDENT = {"student": {"architecture": "plain", "width": 4}}
DRAWING = {"generator_width": 4, "noise_units": 8, "imitations": 2}
STACKED: dict[str, Any] = {"preset": "dfka", "budget": {"steps": 28}}
INNER: dict[str, Any] = {"preset": "fast_meta", "inner_steps": 2, "warm_up": 0.0}
BASES: Mapping[str, dict[str, Any]] = {
    "knowledge_distillation": STUDENT,
    "fine_tune": {},
    "linear_probe": {},
    "class_regularization": {},
    "dynamic_instance_normalization": {"width": 4},
    "adversarial_distillation": STUDENT | DRAWING | {"preset": "dfad"},
    "common_feature_amalgamation": STUDENT | {"batch_size": 16},
    "adaptive_amalgamation": STUDENT,
    "dual_gan_amalgamation": DRAWING | {"student": {"architecture": "strided", "width": 4}},
}


def teachers_in(folder: Path) -> Teachers:
    """Two that know the same three labels, of either kind."""
    return {
        kind: tuple(teacher(folder, ("a", "b", "c"), width=width, task=kind) for width in (4, 6))
        for kind in (TaskKind.CLASSIFICATION, TaskKind.MULTI_LABEL)
    }


def inputs_of(method: str, teachers: Teachers) -> DataFreeInputs:
    """Two teachers where the method takes several; images of noise where it takes any."""
    takes_two = "amalgamation" in method or method == "knowledge_distillation"
    several = method == "dual_gan_amalgamation"
    candidates = teachers[TaskKind.MULTI_LABEL if several else TaskKind.CLASSIFICATION]
    taken = candidates if takes_two else candidates[:1]
    if issubclass(method_named(method).inputs, TeachersOnly):
        return DataFreeInputs(name="student", teachers=taken)
    names = tuple("abcdef"[: 6 if method == "class_regularization" else 3])
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (48, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    shared: dict[str, Any] = {
        "name": "student",
        "teachers": taken,
        "images": frames,
        "labels": torch.arange(48) % len(names),
        "label_names": names,
    }
    if method == "dynamic_instance_normalization":
        return PictureInputs(**shared, styles=frames[:24], held_out_styles=frames[24:])
    return ImageInputs(**shared)


def trained(method: str, teachers: Teachers, params: Mapping[str, Any]) -> TrainingResult:
    """What the method makes of them."""
    validated = method_named(method).params.model_validate(
        {**SMALL, **BASES.get(method, {}), **params}
    )
    made: TrainingResult = method_package(method).run(
        inputs_of(method, teachers), validated, RecordingReporter()
    )
    return made
