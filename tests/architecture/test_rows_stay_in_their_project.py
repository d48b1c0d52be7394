"""Rows of a project are loaded through ``owned_rows`` alone, which needs the project."""

import inspect
from pathlib import Path

import pytest

from service.core.operations import owned_rows
from tests.architecture.project_scope import bypasses, bypasses_in, owned_tables

ROOT = Path(__file__).parents[2]


def test_nothing_bypasses_the_loader():
    assert [*bypasses(ROOT)] == []


def test_the_loader_knows_every_table_of_a_project():
    assert set(owned_rows.KINDS) == owned_tables()


def test_only_a_key_is_loaded_without_a_project():
    loaders = {
        name: inspect.signature(function).parameters
        for name, function in inspect.getmembers(owned_rows, inspect.isfunction)
        if function.__module__ == owned_rows.__name__ and not name.startswith("_")
    }

    free = {
        name
        for name, parameters in loaders.items()
        if "session" in parameters
        and ("project" not in parameters or parameters["project"].default is not inspect._empty)
    }

    assert free == {"key_with"}


@pytest.mark.parametrize(
    "line",
    [
        "session.get(ModelRecord, model_id)",
        "session.get_one(JobRecord, job_id, populate_existing=True)",
        "self._session.get(DatasetRecord, id_)",
        "session.get(kind, row_id)",
        "session.get(owner.record, row_id)",
        "select(ModelRecord).where(ModelRecord.id == model_id)",
        "select(ModelRecord).where(ModelRecord.id.in_(ids))",
        "select(JobRecord).where(JobRecord.id == any_(ids))",
        "select(JobRecord).where(JobRecord.id == model.job_id)",
    ],
)
def test_a_bypass_is_reported(line: str):
    assert len([*bypasses_in(f"def f(session, a):\n    return {line}\n")]) == 1


@pytest.mark.parametrize(
    "line",
    [
        "session.get(ImageRecord, (dataset_id, 0))",
        "headers.get(name)",
        "select(ModelRecord).where(ModelRecord.project == a, ModelRecord.id.in_(ids))",
        "select(GraphRecord).join(ModelRecord, ModelRecord.id == GraphRecord.model_id)",
        "query.join(ModelRecord, ModelRecord.id == first.c.model_id)",
    ],
)
def test_what_stays_in_the_project_is_not_reported(line: str):
    assert [*bypasses_in(f"def f(session, a):\n    return {line}\n")] == []
