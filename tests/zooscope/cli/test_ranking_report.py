"""The report of a ranking begins with what to do."""

import pytest

from zooscope.cli.ranking_report import report_lines, short_count

RANKING = {
    "id": "rnk_1",
    "state": "ready",
    "metric": "labels",
    "items": [],
    "advice": "Start from fox.",
    "choice": {"metric": "labels", "reason": "the target has labels of 5 classes"},
    "warnings": [
        {
            "code": "probes_of_another_world",
            "detail": "the images look unlike",
            "remedy": "omit probe_set_id",
        }
    ],
}


def test_the_first_line_is_the_advice_and_the_next_say_why():
    lines = list(report_lines(RANKING))

    assert lines == [
        "Start from fox.",
        "rnk_1  ready  by labels",
        "auto took labels: the target has labels of 5 classes",
        "warning: the images look unlike (probes_of_another_world); omit probe_set_id",
    ]


def test_a_pending_ranking_has_no_advice_yet():
    pending = {**RANKING, "state": "pending", "job_id": "job_1", "advice": None, "warnings": []}

    assert next(report_lines(pending)).startswith("rnk_1  pending  by labels  job job_1")


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (None, "–"),
        (7, "7"),
        (999, "999"),
        (1000, "1.0 k"),
        (11_700_000, "12 M"),
        (4_100_000_000, "4.1 G"),
    ],
)
def test_counts_are_short(number: int | None, text: str):
    assert short_count(number) == text
