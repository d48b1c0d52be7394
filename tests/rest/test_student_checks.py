"""A student that does not suit its teachers is refused at submission, with a remedy."""

from typing import Any

import pytest

from tests.rest.served import Served, a_dataset
from tests.rest.trainings import (
    ADAPTIVE,
    COMMON,
    DISTIL,
    DUAL_GAN,
    OF_PIXELS,
    TUNE,
    a_teacher,
    ask,
    refusal,
)


@pytest.mark.parametrize("method", [COMMON, ADAPTIVE, DUAL_GAN])
def test_pixel_labels_do_not_suit_image_methods(shared: Served, method: str):
    answer = ask(shared, method, a_teacher(shared, **OF_PIXELS), student={"architecture": "unet"})

    assert refusal(answer) == (422, "unsupported_task", ["/teachers"])


def test_a_teacher_has_a_class_for_every_output(shared: Served):
    answer = ask(shared, DISTIL, a_teacher(shared), a_teacher(shared, output_shape=[3]))

    assert refusal(answer) == (422, "class_count_mismatch", ["/teachers/1"])


def test_a_dense_teacher_has_a_class_for_every_channel(shared: Served):
    dense = a_teacher(shared, **{**OF_PIXELS, "output_shape": [5, 8, 8]})

    answer = ask(shared, DISTIL, dense, student={"architecture": "unet"})

    assert refusal(answer) == (422, "class_count_mismatch", ["/teachers/0"])


def test_image_labels_need_not_be_pixel_labels(shared: Served):
    with shared.zoo.transaction() as session:
        eval_dataset = a_dataset(shared.zoo, session, labels=["oak", "elm"]).id
    refused = ask(shared, DISTIL, a_teacher(shared), eval_dataset_id=eval_dataset)
    taken = ask(
        shared,
        DISTIL,
        a_teacher(shared, **OF_PIXELS),
        eval_dataset_id=eval_dataset,
        student={"architecture": "unet"},
    )

    assert refusal(refused) == (422, "eval_labels_unknown", ["/eval_dataset_id"])
    assert taken.status_code == 202, taken.text


@pytest.mark.parametrize(
    ("method", "changes", "fields", "pointer"),
    [
        (DISTIL, OF_PIXELS, {"student": {"architecture": "plain"}}, "/student/architecture"),
        (DISTIL, {}, {"student": {"architecture": "unet"}}, "/student/architecture"),
        (COMMON, {}, {"student": {"architecture": "timm/resnet18"}}, "/student/architecture"),
        (DUAL_GAN, {}, {"student": {"architecture": "timm/resnet18"}}, "/student/architecture"),
        (
            DISTIL,
            {},
            {"student": {"architecture": "timm/resnet18"}, "params": {"feature_weight": 1}},
            "/student/architecture",
        ),
        (
            ADAPTIVE,
            {},
            {"params": {"component": {"architecture": "unet"}}},
            "/params/component/architecture",
        ),
    ],
)
def test_a_student_architecture_must_suit_its_teachers(
    shared: Served,
    method: str,
    changes: dict[str, Any],
    fields: dict[str, Any],
    pointer: str,
):
    assert refusal(ask(shared, method, a_teacher(shared, **changes), **fields)) == (
        422,
        "invalid_student",
        [pointer],
    )


@pytest.mark.parametrize(("promised", "status"), [(5, 202), (3, 422)])
def test_unnamed_outputs_are_counted(shared: Served, promised: int, status: int):
    unnamed = a_teacher(shared, classes=None, output_shape=[3])

    answer = ask(shared, DISTIL, a_teacher(shared), unnamed, student={"num_classes": promised})

    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    "start",
    [
        {
            "lineage": {
                "method": DISTIL,
                "params": {"student": {"architecture": "lenet", "width": 16}},
            }
        },
        {
            "lineage": {
                "method": DISTIL,
                "params": {"student": {"architecture": "residual", "width": 8}},
            }
        },
        {"lineage": {"method": TUNE, "params": {}}},
        {"output_shape": [3]},
        {"channels": 1},
    ],
)
def test_initial_weights_of_another_architecture_are_refused(
    shared: Served, start: dict[str, Any]
):
    answer = ask(shared, DISTIL, a_teacher(shared), student={"init": a_teacher(shared, **start)})

    assert refusal(answer) == (422, "invalid_student", ["/student/init"])


@pytest.mark.parametrize(
    "lineage",
    [None, {"method": DISTIL, "params": {"student": {"architecture": "residual", "width": 16}}}],
)
def test_initial_weights_of_the_same_architecture_or_an_upload_are_accepted(
    shared: Served, lineage: Any
):
    answer = ask(
        shared, DISTIL, a_teacher(shared), student={"init": a_teacher(shared, lineage=lineage)}
    )

    assert answer.status_code == 202, answer.text
