"""Every parameter of a training method does something: another value makes another student."""

from collections.abc import Mapping
from typing import Any

import pytest
import torch
from torch import Tensor

from service.core.catalog import method_named
from service.core.catalog.training import StudentTrainingConfig, TrainingConfig
from tests.methods.small_trainings import (
    INNER,
    STACKED,
    TRAININGS,
    Teachers,
    teachers_in,
    trained,
)

Change = tuple[Any, dict[str, Any]]
Weights = dict[str, Tensor]

# Parameters that only add networks to compare the student with.
COMPARING = {"compare_with"}
# For every parameter another value, and what else has to be so that it can matter.
CHANGES: Mapping[str, dict[str, Change]] = {
    "knowledge_distillation": {
        "learning_rate": (0.01, {}),
        "weight_decay": (0.5, {}),
        "soft_targets": ("absolute", {}),
        "temperature": (1, {}),
        "shared_labels": ("logits", {}),
        "distillation_weight": (5, {"label_weight": 1}),
        "label_weight": (1, {}),
        "attention_weight": (10, {"teacher_layer": "1"}),
        "feature_weight": (1, {}),
        "teacher_layer": ("1", {"feature_weight": 1}),
    },
    "fine_tune": {
        "layer": ("1", {}),
        "learning_rate": (0.01, {}),
        "weight_decay": (0.5, {}),
        "body_rate": (0.1, {}),
    },
    "linear_probe": {"layer": ("1", {}), "penalty": (100, {})},
    "class_regularization": {
        "layer": ("1", {}),
        "learning_rate": (0.01, {}),
        "weight_decay": (0.5, {}),
        "novel_classes": (["b"], {}),
        "ways": (3, {}),
        "shots": (2, {}),
        "queries": (3, {}),
        "class_weight": (1, {}),
        "first_prior": (0.05, {}),
        "whiten": ("on", {"whiten": "off"}),
        "body_rate": (1, {}),
    },
    "dynamic_instance_normalization": {
        "image_size": (8, {"layers": ["0", "1"]}),
        "learning_rate": (0.01, {}),
        "network": ("cin", {}),
        "width": (8, {}),
        "layers": (["0", "1"], {}),
        "content_layer": ("0", {}),
        "style_weight": (5, {}),
        "identity_weight": (1, {}),
        "identity_fraction": (0.5, {}),
        "grain_fraction": (1, {}),
    },
    "adversarial_distillation": {
        "preset": ("dfq", {}),
        "imitations": (3, {}),
        "match": ("divergence", {}),
        "temperature": (2, {"match": "divergence"}),
        "generator_temperature": (20, {"match": "divergence"}),
        "adversarial_weight": (0, {}),
        "adversarial_form": ("logarithmic", {}),
        "adversarial_images": ("agreed", {}),
        "one_hot_weight": (1, {}),
        "balance_weight": (1, {}),
        "rescue_balance_weight": (0, {"batch_size": 512, "budget": {"steps": 3}}),
        "batch_norm_weight": (1, {}),
        "batch_norm_memory": (0.9, {"batch_norm_weight": 1}),
        "student_learning_rate": (0.01, {}),
        "weight_decay": (0.1, {}),
        "generator_learning_rate": (0.1, {}),
        "generator_width": (6, {}),
        "noise_units": (6, {}),
        "generator_average": (0.9, {}),
        "pool_images": (16, {}),
        "crop_and_flip": (True, {"pool_images": 16}),
        "inner_steps": (2, {"preset": "fast_meta", "inner_steps": 0}),
        "noise_learning_rate": (0.1, INNER),
        "meta_gradient": ("reptile", INNER),
        "warm_up": (0.5, INNER),
    },
    "common_feature_amalgamation": {
        "learning_rate": (0.01, {}),
        "weight_decay": (0.1, {}),
        "match": ("apart", {}),
        "shared_labels": ("logits", {}),
        "loudness": ("as_taught", {}),
        "temperature": (4, {}),
        "answer_weight": (5, {}),
        "common_weight": (5, {}),
        "reconstruction_weight": (5, {}),
        "bandwidths": ("relative", {}),
        "common_channels": (6, {}),
        "common_normalization": ("none", {}),
        "teacher_layers": ((("0",), ("0",)), {}),
    },
    "adaptive_amalgamation": {
        "tasks": ([{"name": "two", "labels": ["a", "b"]}], {}),
        "selection": ("random", {}),
        "softness": (10, {"selection": "soft"}),
        "feature_weight": (5, {}),
        "component": ({"architecture": "lenet", "width": 4}, {}),
        "teacher_layers": ((("0",), ("0",)), {}),
        "learning_rate": (0.1, {}),
    },
    "dual_gan_amalgamation": {
        "preset": ("dfka", {"budget": {"steps": 28}}),
        "shared_labels": ("logits", {}),
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
        "student_learning_rate": (0.01, {}),
        "generator_learning_rate": (0.1, {}),
        "noise_units": (6, {}),
        "generator_width": (6, {}),
    },
}


@pytest.fixture(scope="module")
def teachers(tmp_path_factory: pytest.TempPathFactory) -> Teachers:
    return teachers_in(tmp_path_factory.mktemp("teachers"))


@pytest.fixture(scope="module")
def cache() -> dict[str, Weights]:
    """Students that several tests compare with."""
    return {}


def learned(method: str, teachers: Teachers, params: dict[str, Any]) -> Weights:
    """The student's weights."""
    return trained(method, teachers, params).network.state_dict()


def same(left: Weights, right: Weights) -> bool:
    """Whether two students are equal to the last bit."""
    return left.keys() == right.keys() and all(
        torch.equal(value, right[key]) for key, value in left.items()
    )


@pytest.mark.parametrize("method", TRAININGS)
def test_every_parameter_of_a_method_is_tried(method: str) -> None:
    shared = set(StudentTrainingConfig.model_fields) | set(TrainingConfig.model_fields)

    changing = set(method_named(method).params.model_fields) - shared - COMPARING
    assert set(CHANGES[method]) == changing


@pytest.mark.parametrize("method", TRAININGS)
def test_the_same_parameters_make_the_same_student(method: str, teachers: Teachers) -> None:
    assert same(learned(method, teachers, {}), learned(method, teachers, {}))


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, changes in CHANGES.items() for name in changes]
)
def test_another_value_makes_another_student(
    method: str, name: str, teachers: Teachers, cache: dict[str, Weights]
) -> None:
    value, beside = CHANGES[method][name]

    key = f"{method} {beside}"
    cache[key] = before = cache.get(key) or learned(method, teachers, beside)
    after = learned(method, teachers, beside | {name: value})

    assert not same(before, after)
