"""A report answers whether the student is better than the best teacher, and states its recipe."""

from typing import Any

import pytest

from workers.child.save.student_reports import readable

RECIPE = {
    "method": "knowledge_distillation",
    "method_version": 3,
    "inputs": {"teachers": ["mdl_1", "mdl_2"], "dataset_id": "dst_1", "eval_dataset_id": None},
    "teachers": [
        {"id": "mdl_1", "name": "old", "fingerprint": "a"},
        {"id": "mdl_2", "name": "new|er", "fingerprint": "b"},
    ],
    "dataset": {"id": "dst_1", "name": "animals"},
    "eval_dataset": "none",
}
SHARED = {
    "accuracy": 0.8827,
    "task_1_accuracy": 0.8827,
    "task_2_accuracy": 0.8827,
    "merged_accuracy": 0.85,
    "teacher_1_accuracy": 0.885,
    "teacher_2_accuracy": 0.626,
    "best_teacher": 1.0,
    "best_teacher_accuracy": 0.885,
    "retention_1": 0.997,
    "agreement_1": 0.9,
    "chance": 0.1,
}


def lead(value: float, low: float, high: float) -> dict[str, float]:
    name = "lead_over_best_teacher_accuracy"
    return {name: value, f"{name}_low": low, f"{name}_high": high}


def report(quality: dict[str, float], **changes: Any) -> str:
    values: dict[str, Any] = {
        "quality": quality,
        "taught_by": ["old", "new|er"],
        "student": {"parameters": 10, "flops": 10},
        "teachers": {"parameters": 20, "flops": 20},
        "trained_on": 8,
        "held_out": 4,
        "seconds": 1.0,
        "params": {"seed": 1, "preset": None, "budget": {"steps": 3, "seconds": None}},
        "recipe": RECIPE,
        "versions": {"torch": "2"},
        "pictures": [],
        "warnings": [],
        **changes,
    }
    return readable("student", values)


@pytest.mark.parametrize(
    ("values", "answer"),
    [
        ((0.02, 0.01, 0.03), "Yes"),
        ((-0.02, -0.03, -0.01), "No"),
        ((0.0, -0.01, 0.01), "Not decided by these images"),
    ],
)
def test_better_than_the_best_teacher_is_answered_with_an_interval(
    values: tuple[float, float, float], answer: str
) -> None:
    text = report(SHARED | lead(*values))

    interval = f"{values[0]:+.4f} ({values[1]:+.4f} to {values[2]:+.4f})"
    assert f"**Better than the best teacher, old?** {answer}, by accuracy: {interval}." in text


def test_each_teacher_alone_the_best_one_and_all_merged_are_rows_of_their_own() -> None:
    text = report(SHARED | lead(0.0, -0.01, 0.01))

    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| accuracy")]
    assert [(row[0].removeprefix("| "), row[2]) for row in rows] == [
        ("accuracy, beside the best teacher, old", "0.8850"),
        ("accuracy, beside all merged", "0.8500"),
        ("accuracy on the labels of old, beside it alone", "0.8850"),
        ("accuracy on the labels of new\\|er, beside it alone", "0.6260"),
    ]


def test_without_a_teacher_of_all_labels_the_report_says_so() -> None:
    quality = {name: value for name, value in SHARED.items() if "best" not in name}

    assert "No teacher has all of the labels" in report(quality)


def test_label_accuracy_has_rows_beside_average_precision() -> None:
    quality = {
        "mean_average_precision": 0.844,
        "label_accuracy": 0.893,
        "teacher_mean_average_precision": 0.885,
        "teacher_label_accuracy": 0.845,
        "chance": 0.2,
        "chance_label_accuracy": 0.8,
    }

    text = report(quality, taught_by=["old"])

    assert "| mean average precision | 0.8440 | 0.8850 |" in text
    assert "| label accuracy | 0.8930 | 0.8450 |" in text
    assert "0.2000 (mean average precision), 0.8000 (label accuracy)" in text


def test_the_recipe_names_method_teachers_and_data() -> None:
    text = report(SHARED | lead(0.0, -0.01, 0.01))

    assert "| method | `knowledge_distillation`, version 3 |" in text
    assert "| teacher | old (`mdl_1`) |" in text
    assert "| dataset | animals (`dst_1`) |" in text
    assert "| eval_dataset | none |" in text
    assert "| budget.steps | `3` |" in text
