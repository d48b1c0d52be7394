"""Every parameter of a training method does something: another value makes another student."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from service.core.catalogue import card_named
from service.core.catalogue.training import TRAININGS, Course, StudentCourse
from service.core.manifest import TaskKind
from tests.methods.dual_gan_amalgamation.scenes import SIDE, teacher
from workers.contract import Diary
from workers.methods import room_of
from workers.torchkit import courses, outcomes
from workers.torchkit.outcomes import Alone, WithImages
from workers.torchkit.teachers import Teacher

Change = tuple[Any, dict[str, Any]]
Weights = dict[str, Tensor]

SMALL: dict[str, Any] = {
    "budget": {"steps": 4},
    "batch_size": 8,
    "evaluations": 1,
    "seconds_between_checkpoints": 60,
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
    "adversarial_distillation": STUDENT | DRAWING | {"preset": "dfad"},
    "common_feature_amalgamation": STUDENT | {"batch_size": 16},
    "adaptive_amalgamation": STUDENT,
    "dual_gan_amalgamation": DRAWING | {"student": {"architecture": "strided", "width": 4}},
}
# For every parameter another value, and what else has to be so that it can matter.
CHANGES: Mapping[str, dict[str, Change]] = {
    "knowledge_distillation": {
        "rate": (0.01, {}),
        "weight_decay": (0.5, {}),
        "soft_targets": ("absolute", {}),
        "temperature": (1, {}),
        "soft_weight": (5, {"label_weight": 1}),
        "label_weight": (1, {}),
        "attention_weight": (10, {"teacher_layer": "1"}),
        "feature_weight": (1, {}),
        "teacher_layer": ("1", {"feature_weight": 1}),
    },
    "fine_tune": {
        "layer": ("1", {}),
        "rate": (0.01, {}),
        "weight_decay": (0.5, {}),
        "body_rate": (1, {}),
    },
    "linear_probe": {"layer": ("1", {}), "rate": (0.01, {}), "weight_decay": (0.5, {})},
    "adversarial_distillation": {
        "preset": ("dfq", {}),
        "imitations": (3, {}),
        "match": ("divergence", {}),
        "temperature": (2, {"match": "divergence"}),
        "adversarial_weight": (0, {}),
        "adversarial_form": ("logarithmic", {}),
        "adversarial_images": ("agreed", {}),
        "one_hot_weight": (1, {}),
        "balance_weight": (1, {}),
        "rescue_balance_weight": (0, {"batch_size": 512, "budget": {"steps": 3}}),
        "batch_norm_weight": (1, {}),
        "batch_norm_memory": (0.9, {"batch_norm_weight": 1}),
        "student_rate": (0.01, {}),
        "weight_decay": (0.1, {}),
        "generator_rate": (0.1, {}),
        "generator_width": (6, {}),
        "noise_units": (6, {}),
        "generator_average": (0.9, {}),
        "pool_images": (16, {}),
        "inner_steps": (2, {"preset": "fast_meta", "inner_steps": 0}),
        "noise_rate": (0.1, INNER),
        "meta_gradient": ("reptile", INNER),
        "warm_up": (0.5, INNER),
    },
    "common_feature_amalgamation": {
        "rate": (0.01, {}),
        "weight_decay": (0.1, {}),
        "match": ("apart", {}),
        "temperature": (4, {}),
        "answer_weight": (5, {}),
        "common_weight": (5, {}),
        "reconstruction_weight": (5, {}),
        "bandwidths": ("relative", {}),
        "common_channels": (6, {}),
        "common_normalisation": ("none", {}),
        "teacher_layers": ((("0",), ("0",)), {}),
    },
    "adaptive_amalgamation": {
        "tasks": ([{"name": "two", "labels": ["a", "b"]}], {}),
        "selection": ("random", {}),
        "softness": (10, {"selection": "soft"}),
        "feature_weight": (5, {}),
        "component": ({"architecture": "lenet", "width": 4}, {}),
        "teacher_layers": ((("0",), ("0",)), {}),
        "rate": (0.1, {}),
    },
    "dual_gan_amalgamation": {
        "preset": ("dfka", {}),
        "one_hot_weight": (5, {}),
        "entropy_weight": (1, {}),
        "activation_weight": (1, {}),
        "discrete_weight": (5, {}),
        "bn_weight": (0, {}),
        "consistency_weight": (5, STACKED),
        "adversarial_weight": (5, {}),
        "teacher_filter": ("none", STACKED),
        "task_filter": ("pick", STACKED),
        "regroup": ("branched", STACKED),
        "blocks": (2, STACKED),
        "cuts": ((("0.0", "1"), ("0.0", "1")), STACKED),
        "imitations": (3, {}),
        "student_rate": (0.01, {}),
        "generator_rate": (0.1, {}),
        "noise_units": (6, {}),
        "generator_width": (6, {}),
    },
}


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> dict[TaskKind, tuple[Teacher, ...]]:
    """Two that know the same three labels, of either kind."""
    folder = tmp_path_factory.mktemp("teachers")
    return {
        kind: tuple(teacher(folder, ("a", "b", "c"), width=width, task=kind) for width in (4, 6))
        for kind in (TaskKind.CLASSIFICATION, TaskKind.MULTI_LABEL)
    }


def inputs_of(method: str, teachers: Mapping[TaskKind, tuple[Teacher, ...]]) -> Alone:
    """Two teachers where the method takes several; images of noise where it takes any."""
    several = method == "dual_gan_amalgamation"
    known = teachers[TaskKind.MULTI_LABEL if several else TaskKind.CLASSIFICATION]
    taken = known if "amalgamation" in method else known[:1]
    if room_of(method).Inputs is Alone:
        return Alone(name="student", teachers=taken)
    generator = torch.Generator().manual_seed(0)
    frames = torch.randint(0, 256, (48, SIDE, SIDE, 3), generator=generator, dtype=torch.uint8)
    return WithImages(
        name="student",
        teachers=taken,
        images=frames,
        labels=torch.arange(48) % 3,
        label_names=("a", "b", "c"),
    )


@pytest.fixture(scope="module")
def learned(teachers: dict[TaskKind, tuple[Teacher, ...]]) -> Callable[..., Weights]:
    """The student's weights by method and parameters."""

    def weights(method: str, params: dict[str, Any]) -> Weights:
        made = card_named(method).params.model_validate(SMALL | BASES[method] | params)
        trained: outcomes.Trained = room_of(method).run(inputs_of(method, teachers), made, Diary())
        return trained.network.state_dict()

    return weights


@pytest.fixture(autouse=True)
def without_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing them takes longer than these trainings."""
    for module in (courses, outcomes):
        monkeypatch.setattr(module, "curve_picture", lambda _history: b"")


def same(one: Weights, other: Weights) -> bool:
    """Whether two students are equal to the last bit."""
    return one.keys() == other.keys() and all(
        torch.equal(value, other[key]) for key, value in one.items()
    )


@pytest.mark.parametrize("method", TRAININGS)
def test_every_parameter_of_a_method_is_tried(method: str) -> None:
    shared = set(StudentCourse.model_fields) | set(Course.model_fields)

    assert set(CHANGES[method]) == set(card_named(method).params.model_fields) - shared


@pytest.mark.parametrize("method", TRAININGS)
def test_the_same_parameters_make_the_same_student(
    method: str, learned: Callable[..., Weights]
) -> None:
    assert same(learned(method, {}), learned(method, {}))


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, known in CHANGES.items() for name in known]
)
def test_another_value_makes_another_student(
    method: str, name: str, learned: Callable[..., Weights]
) -> None:
    value, beside = CHANGES[method][name]

    before, after = learned(method, beside), learned(method, beside | {name: value})

    assert not same(before, after)
