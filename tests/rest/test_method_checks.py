"""Teachers that do not suit a method are refused at submission, with a remedy."""

from typing import Any

import pytest

from service.core.catalog.training import STUDENT_BLOCKS, Student, StudentArchitecture
from service.core.manifest import InputSpec
from service.core.operations.trainings.teacher_checks import STATISTICAL
from tests.rest.served import Served, a_dataset
from tests.rest.trainings import (
    ADAPTIVE,
    ADVERSARY,
    COMMON,
    DISTIL,
    DUAL_GAN,
    FLAT,
    TRANSFERS,
    TUNE,
    a_teacher,
    ask,
    refusal,
)
from workers.methods.adversarial_distillation.recipes import PRESETS
from workers.torchkit.training.student_networks import BUILDS


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


@pytest.mark.parametrize("method", TRANSFERS)
def test_a_network_of_any_task_is_a_source(shared: Served, method: str):
    edges = {"task_kind": "edges", "output_kind": "map", "classes": None, "output_shape": [1, 8]}

    assert ask(shared, method, a_teacher(shared, **edges)).status_code == 202


@pytest.mark.parametrize("method", TRANSFERS)
def test_a_source_that_takes_a_fixed_number_of_images_is_refused(shared: Served, method: str):
    answer = ask(shared, method, a_teacher(shared, fixed_batch=8))

    assert refusal(answer) == (422, "fixed_batch_size", ["/source_model_id"])


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


def test_teachers_without_a_common_label_need_tasks(shared: Served):
    """Each shares a label with the next, and no label is common to all three."""
    teachers = [
        a_teacher(shared, classes=classes)
        for classes in (["cat", "dog"], ["cow", "ox"], ["dog", "cow"])
    ]

    answer = ask(shared, ADAPTIVE, *teachers)

    assert refusal(answer) == (422, "no_common_labels", ["/params/tasks"])


def test_a_students_labels_are_those_of_the_shared_tasks(shared: Served):
    teachers = [a_teacher(shared, classes=["cat", "dog", extra]) for extra in ("cow", "ox")]

    answer = ask(shared, ADAPTIVE, *teachers, student={"labels": ["cat", "dog", "cow"]})

    assert refusal(answer) == (422, "labels_do_not_match_tasks", ["/student/labels"])


@pytest.mark.parametrize(
    ("method", "architecture", "params", "pointer"),
    [
        (DUAL_GAN, "plain", {"preset": "dfka", "blocks": 4}, "/params/blocks"),
        (COMMON, "lenet", {"teacher_layers": [["conv"] * 3]}, "/params/teacher_layers"),
    ],
)
def test_more_blocks_than_the_student_has_are_refused(
    shared: Served, method: str, architecture: str, params: dict[str, Any], pointer: str
):
    student = {"architecture": architecture}

    answer = ask(shared, method, a_teacher(shared), params=params, student=student)

    assert refusal(answer) == (422, "too_many_blocks", [pointer])


@pytest.mark.parametrize("architecture", list(StudentArchitecture))
def test_a_student_has_as_many_blocks_as_the_checks_expect(architecture: StudentArchitecture):
    student = Student(architecture=architecture, width=4)

    network = BUILDS[architecture](student, InputSpec(height=16, width=16), 2)

    assert len(network.blocks) == STUDENT_BLOCKS[architecture]


@pytest.mark.parametrize("method", [DUAL_GAN, ADVERSARY])
def test_a_method_without_data_explains_why_it_takes_no_dataset(shared: Served, method: str):
    with shared.zoo.transaction() as session:
        dataset = a_dataset(shared.zoo, session).id

    answer = ask(shared, method, a_teacher(shared), dataset_id=dataset)

    (problem,) = answer.json()["errors"]
    assert (answer.status_code, problem["pointer"]) == (422, "/dataset_id")
    assert "generates its own images" in answer.json()["detail"]
    assert "eval_dataset_id" in answer.json()["detail"]
