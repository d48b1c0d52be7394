"""Ids in tables can be copied on any terminal width; hidden columns are named."""

from typing import Any

import pytest

from zooscope.cli import jobs, keys, models, ranking_report
from zooscope.cli.output import TableColumn, TextOutput

JOB_ID = "job_01M826Z5T6HZAWWKHQFCDTB6QK"
MODEL_ID = "mdl_01M826Z5T6HZAWWKHQFCDTB6QK"
LONG_NAME = "a rather long name of a network 図鑑"
JOB = {
    "id": JOB_ID,
    "method": "transferability_map",
    "params": {},
    "state": "succeeded",
    "progress": {"step": 1000, "total": 1000},
    "created_at": "2026-11-22T18:00:00Z",
}
MODEL = {
    "id": MODEL_ID,
    "name": LONG_NAME,
    "version": 12,
    "aliases": ["prod"],
    "state": "rejected",
    "task": {"kind": "classification"},
    "parameters": 11_700_000,
    "tags": ["farm", "night"],
}
RANKED = {
    "rank": 1,
    "name": LONG_NAME,
    "score": 0.51234,
    "interval": [0.1, 0.2],
    "node_similarity": 0.5,
    "edge_similarity": 0.5,
    "valid_probes": 1000,
    "model_id": MODEL_ID,
}
TABLES = [(JOB, jobs.COLUMNS), (MODEL, models.COLUMNS), (RANKED, ranking_report.COLUMNS)]


@pytest.mark.parametrize("width", [30, 60, 80, 200])
@pytest.mark.parametrize(("item", "columns"), TABLES)
def test_ids_stay_on_one_line(
    capsys: pytest.CaptureFixture[str],
    item: dict[str, Any],
    columns: tuple[TableColumn, ...],
    width: int,
):
    TextOutput(width).rows([item], columns, empty="")

    output = capsys.readouterr().out
    assert (JOB_ID in output) or (MODEL_ID in output)
    assert "…" not in output.replace("0.1000 … 0.2000", "")


@pytest.mark.parametrize(("item", "columns"), TABLES)
def test_a_table_fits_eighty_columns(
    capsys: pytest.CaptureFixture[str], item: dict[str, Any], columns: tuple[TableColumn, ...]
):
    TextOutput(80).rows([item], columns, empty="")

    assert max(map(len, capsys.readouterr().out.splitlines())) <= 80


def test_hidden_columns_are_named(capsys: pytest.CaptureFixture[str]):
    TextOutput(80).rows([RANKED], ranking_report.COLUMNS, empty="")
    narrow = capsys.readouterr()
    TextOutput(200).rows([RANKED], ranking_report.COLUMNS, empty="")
    wide = capsys.readouterr()

    assert "probes" not in narrow.out
    assert "nodes, edges, probes" in narrow.err
    assert "probes" in wide.out
    assert wide.err == ""


def test_an_empty_table_prints_a_sentence(capsys: pytest.CaptureFixture[str]):
    TextOutput(80).rows([], jobs.COLUMNS, empty="no jobs yet")

    assert capsys.readouterr().out == "no jobs yet\n"


def test_every_listing_writes_times_alike():
    time = "2026-11-22T18:00:00.123456+02:00"
    job = {
        "id": "job_1",
        "method": "depara",
        "state": "queued",
        "progress": {},
        "created_at": time,
    }
    key = {"id": "key_1", "name": "ci", "scopes": [], "project": "default", "expires_at": time}

    created = [column.text(job) for column in jobs.COLUMNS if column.heading == "created"]
    expires = [column.text(key) for column in keys.COLUMNS if column.heading == "expires"]
    revoked = [column.text(key) for column in keys.COLUMNS if column.heading == "revoked"]

    assert created == expires == ["2026-11-22 16:00:00"]
    assert revoked == ["–"]
