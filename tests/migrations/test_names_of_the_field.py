"""Rows that were stored under former names are read under those of the API, and come back."""

import json
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Connection, create_engine, text

from service.embedded.postgres import PrivatePostgres
from service.migrate import configuration

OF_STUDENT = {"rate": 0.1, "held_out": 0.2, "evaluations": 3, "student": {"side": 8}}
OF_MEASUREMENT = {"centring": "centred", "seed": 0}
_JOB = """
INSERT INTO jobs (id, project, method, method_version, state, queue, priority, params, inputs,
                  progress, attempts, max_attempts, fence, events)
VALUES (:id, 'p', :method, 1, 'succeeded', 'cpu', 0, :params, :inputs, '{}', 1, 3, 1, 0)
"""
_MODEL = """
INSERT INTO models (id, project, name, state, task_kind, manifest, tags, filename, layers, problems,
                    version, lineage)
VALUES (:id, 'p', 'n', :state, 'other', :manifest, '{}', '', '[]', '[]', 1, :lineage)
"""
_RECORD = """
INSERT INTO records (id, project, model, dataset, metric, value, protocol, source, identity)
VALUES ('rec_1', 'p', 'm', 'd', 'accuracy', 0.5, 'other', '', 'i')
"""
JOBS: dict[str, dict[str, Any]] = {
    "job_distilled": {
        "method": "knowledge_distillation",
        "params": OF_STUDENT,
        "inputs": {"teachers": ["mdl_1", "mdl_2"], "data": "dst_1", "exam": None},
    },
    "job_tuned": {
        "method": "fine_tune",
        "params": {"rate": 0.1},
        "inputs": {"teachers": ["mdl_1"], "data": "dst_1", "exam": "dst_2"},
    },
    "job_measured": {
        "method": "depara",
        "params": OF_MEASUREMENT,
        "inputs": {"model_id": "mdl_1", "dataset_id": "dst_1"},
    },
}
TUNED = {
    "method": "fine_tune",
    "teachers": ["mdl_1"],
    "teacher_fingerprints": ["f"],
    "data": "dst_1",
    "exam": "dst_2",
    "params": {"rate": 0.1, "name": 'a "rate": of'},
    "measured": {"held_out": 5},
}


@pytest.fixture
def connection(postgres: PrivatePostgres):
    """A database with rows of before."""
    postgres.create_database("names")
    engine = create_engine("postgresql+psycopg://" + postgres.url("names").split("://", 1)[1])
    with engine.begin() as connection:
        command.upgrade(configuration(connection), "0012")
        for id_, job in JOBS.items():
            values = {name: json.dumps(job[name]) for name in ("params", "inputs")}
            connection.execute(text(_JOB), {"id": id_, "method": job["method"], **values})
        model = {"id": "mdl_3", "state": "awaited", "manifest": json.dumps({"licence": "MIT"})}
        connection.execute(text(_MODEL), {**model, "lineage": json.dumps(TUNED)})
        connection.execute(text(_RECORD))
        yield connection
    engine.dispose()
    postgres.drop_database("names")


def stored(connection: Connection) -> dict[str, Any]:
    """Jobs and models by id."""
    jobs = connection.execute(text("SELECT id, params, inputs FROM jobs")).all()
    models = connection.execute(text("SELECT id, state, manifest, lineage FROM models")).all()
    return {id_: tuple(values) for id_, *values in (*jobs, *models)}


def test_stored_json_and_states_get_the_names_of_the_api(connection: Connection):
    command.upgrade(configuration(connection), "0013")

    rows = stored(connection)
    assert rows["job_distilled"] == (
        {
            "learning_rate": 0.1,
            "validation_fraction": 0.2,
            "num_evaluations": 3,
            "student": {"image_size": 8},
        },
        {"teachers": ["mdl_1", "mdl_2"], "dataset_id": "dst_1", "eval_dataset_id": None},
    )
    assert rows["job_tuned"] == (
        {"learning_rate": 0.1},
        {"source_model_id": "mdl_1", "dataset_id": "dst_1", "eval_dataset_id": "dst_2"},
    )
    assert rows["job_measured"][0] == {"centering": "centered", "seed": 0}
    assert rows["mdl_3"] == (
        "pending",
        {"license": "MIT"},
        {
            "method": "fine_tune",
            "source_model_id": "mdl_1",
            "source_fingerprint": "f",
            "dataset": "dst_1",
            "eval_dataset": "dst_2",
            "params": {"learning_rate": 0.1, "name": 'a "rate": of'},
            "measured": {"held_out": 5},
        },
    )
    assert connection.scalar(text("SELECT id FROM accuracies")) == "acc_1"


def test_the_way_back_gives_every_row_as_it_was(connection: Connection):
    before = stored(connection)
    command.upgrade(configuration(connection), "0013")

    command.downgrade(configuration(connection), "0012")

    assert stored(connection) == before
    assert connection.scalar(text("SELECT id FROM records")) == "rec_1"
