"""Teachers that do not suit a method are refused at submission, with a remedy."""

from typing import Any

import pytest

from service.core.operations.trainings.teacher_checks import STATISTICAL
from tests.rest.served import Served
from tests.rest.trainings import (
    ADAPTIVE,
    ADVERSARY,
    COMMON,
    DISTIL,
    DUAL_GAN,
    FLAT,
    TUNE,
    a_teacher,
    ask,
    refusal,
)
from workers.methods.adversarial_distillation.recipes import PRESETS


def test_presets_that_compare_batch_statistics_are_those_whose_recipe_weighs_them():
    weighing = {name for name, item in PRESETS.items() if item.batch_norm_weight > 0}

    assert weighing == STATISTICAL


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (ADVERSARY, {"preset": "dfq"}),
        (ADVERSARY, {"preset": "dfad", "batch_norm_weight": 1}),
        (DUAL_GAN, {"bn_weight": 10}),
    ],
)
def test_batch_statistics_require_teachers_with_batch_normalization(
    shared: Served, method: str, params: dict[str, Any]
):
    without, unknown = a_teacher(shared, batch_norms=0), a_teacher(shared, batch_norms=None)

    refused, taken = (ask(shared, method, item, params=params) for item in (without, unknown))

    assert refusal(refused) == (422, "teacher_without_batch_norm", ["/teachers/0"])
    assert taken.status_code == 202, taken.text


@pytest.mark.parametrize(
    ("method", "params"),
    [
        (ADVERSARY, {}),
        (ADVERSARY, {"preset": "dfq", "batch_norm_weight": 0}),
        (DUAL_GAN, {}),
        (DUAL_GAN, {"bn_weight": 0}),
    ],
)
def test_without_batch_statistics_any_teacher_is_accepted(
    shared: Served, method: str, params: dict[str, Any]
):
    assert ask(shared, method, a_teacher(shared, batch_norms=0), params=params).status_code == 202


def test_a_teacher_without_a_wanted_label_is_not_checked(shared: Served):
    idle = a_teacher(shared, classes=["cow", "ox"], batch_norms=0, layers=FLAT)

    answer = ask(
        shared,
        DUAL_GAN,
        a_teacher(shared),
        idle,
        student={"labels": ["cat", "dog"]},
        params={"bn_weight": 1},
    )

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize("method", [COMMON, ADAPTIVE, DUAL_GAN])
def test_a_teacher_without_maps_is_named(shared: Served, method: str):
    params = {"preset": "dfka"} if method == DUAL_GAN else {}

    answer = ask(
        shared,
        method,
        a_teacher(shared),
        a_teacher(shared, layers=FLAT, feature_layer="flat"),
        params=params,
    )

    assert refusal(answer) == (422, "teacher_without_maps", ["/teachers/1"])


def test_output_distillation_needs_no_feature_maps(shared: Served):
    student = {"architecture": "timm/resnet18"}

    answer = ask(
        shared,
        ADAPTIVE,
        a_teacher(shared, layers=FLAT),
        params={"feature_weight": 0},
        student=student,
    )

    assert answer.status_code == 202, answer.text


@pytest.mark.parametrize(
    ("method", "params", "code", "pointer"),
    [
        (COMMON, {"teacher_layers": [["conv"]]}, "layer_list_count_mismatch", ""),
        (COMMON, {"teacher_layers": [["conv"], ["nose"]]}, "layer_not_found", "/1/0"),
        (COMMON, {"teacher_layers": [["conv"], ["conv", "flat"]]}, "layer_counts_differ", ""),
        (ADAPTIVE, {"teacher_layers": [["conv"]]}, "layer_list_count_mismatch", ""),
        (ADAPTIVE, {"teacher_layers": [["conv"], ["output"]]}, "layer_not_found", "/1/0"),
        (ADAPTIVE, {"teacher_layers": [["conv", "flat"], ["conv"]]}, "layer_not_spatial", "/0/1"),
        (DUAL_GAN, {"cuts": [["conv"]]}, "layer_list_count_mismatch", ""),
        (DUAL_GAN, {"cuts": [["conv"], ["nose"]]}, "layer_not_found", "/1/0"),
        (DUAL_GAN, {"cuts": [["flat"], ["conv"]]}, "layer_not_spatial", "/0/0"),
    ],
)
def test_layers_are_listed_per_teacher(
    shared: Served, method: str, params: dict[str, Any], code: str, pointer: str
):
    (knob,) = params
    preset = {"preset": "dfka"} if method == DUAL_GAN else {}

    answer = ask(shared, method, a_teacher(shared), a_teacher(shared), params=params | preset)

    assert refusal(answer) == (422, code, [f"/params/{knob}{pointer}"])


@pytest.mark.parametrize("method", [DISTIL, TUNE, "linear_probe"])
def test_the_output_counts_as_a_layer(shared: Served, method: str):
    knob = "teacher_layer" if method == DISTIL else "layer"

    assert ask(shared, method, a_teacher(shared), params={knob: "output"}).status_code == 202


def test_single_label_images_do_not_suit_multi_label_teachers(shared: Served):
    answer = ask(
        shared, DISTIL, a_teacher(shared, task_kind="multi_label"), params={"label_weight": 1}
    )

    assert refusal(answer) == (422, "labels_not_supported", ["/params/label_weight"])


@pytest.mark.parametrize(
    ("labels", "task", "code", "pointer"),
    [
        (None, ["cat"], "too_few_labels", "/params/tasks/0/labels"),
        (["cat", "dog"], ["cat", "dog", "cow"], "labels_do_not_match_tasks", "/student/labels"),
    ],
)
def test_tasks_are_selected_labels_and_form_the_student(
    shared: Served, labels: Any, task: list[str], code: str, pointer: str
):
    params = {"tasks": [{"name": "animals", "labels": task}]}
    teacher = a_teacher(shared, classes=["cat", "dog", "cow"])

    answer = ask(shared, ADAPTIVE, teacher, params=params, student={"labels": labels})

    assert refusal(answer) == (422, code, [pointer])
