"""The report of a ranking begins with what to do."""

from typing import Any, cast

import pytest

from zooscope import ZooClient
from zooscope.cli.context import CliContext
from zooscope.cli.output import TextOutput
from zooscope.cli.ranking_report import print_ranking, report_lines, short_count
from zooscope.client.ranking_table import RankingTable

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


def _copied(rank: int, name: str, copy: str) -> dict[str, Any]:
    """A row of a ranking that stands for a copy, too."""
    return {
        "rank": rank,
        "model_id": f"mdl_{name}",
        "name": name,
        "score": 0.5,
        "valid_probes": 30,
        "same_weights_as": [f"mdl_{copy}"],
        "near_copies": [{"model_id": f"mdl_{copy}", "name": copy}],
    }


def test_a_network_without_a_row_of_its_own_goes_by_its_name(capsys: pytest.CaptureFixture[str]):
    order = [{"model_id": "mdl_vixen", "value": 7.0}, {"model_id": "mdl_fox", "value": 7.0}]
    baselines = [{"name": "parameters", "items": order, "reason": None}]
    items = [_copied(1, "fox", "vixen")]
    ranking = RankingTable({**RANKING, "items": items, "unranked": [], "baselines": baselines})

    print_ranking(CliContext(cast("ZooClient", None), TextOutput(200)), ranking)

    output = capsys.readouterr().out
    assert "vixen, fox" in output
    assert "mdl_vixen" not in output
