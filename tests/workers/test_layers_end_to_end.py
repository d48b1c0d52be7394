"""A layer selection is asked for, waits for the target's network, is compared by a real job, and read."""

from pathlib import Path
from typing import Any

import pytest

from service.container import Zoo
from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.operations.layers import selections
from service.core.operations.layers.requests import LayerSelectionRequest
from service.core.tables import JobRecord, LayerSelectionRecord, ModelRecord
from tests.workers.test_every_method_end_to_end import (
    PROJECT,
    add_dataset,
    add_model,
    images,
    network,
)
from workers.isolation.fork_client import ForkServerClient
from workers.worker.run_job import WorkerContext, run_next


@pytest.fixture
def context(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A worker of a zoo with a labeled set and two checked networks."""
    add_dataset(zoo, images())
    order(zoo, "dataset_ingestion", dataset_id="dst_1")
    for seed in (0, 1):
        add_model(zoo, network(tmp_path, seed), model_id=f"mdl_{seed}")
        order(zoo, "model_validation", model_id=f"mdl_{seed}")
    context = WorkerContext(zoo, fork_server, lambda: False)
    work_off(context)
    return context


def order(zoo: Zoo, method: str, **inputs: str) -> None:
    with zoo.transaction() as session:
        jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, audience=Audience.INTERNAL
        )


def work_off(context: WorkerContext) -> None:
    while run_next(context):
        pass


def ask(zoo: Zoo, **target: str) -> LayerSelectionRecord:
    body: dict[str, Any] = {
        "source_model_id": "mdl_0",
        "target": target,
        "probe_set_id": "dst_1",
        "settings": {"replicates": 20},
    }
    with zoo.transaction() as session:
        request = LayerSelectionRequest.model_validate(body)
        return selections.create(session, project=PROJECT, request=request)


def reloaded(zoo: Zoo, selection: LayerSelectionRecord) -> LayerSelectionRecord:
    with zoo.transaction() as session:
        return owned_rows.get(session, LayerSelectionRecord, project=PROJECT, id=selection.id)


def test_layers_are_compared_with_a_network(context: WorkerContext) -> None:
    asked = ask(context.zoo, model_id="mdl_1")

    work_off(context)

    selection = reloaded(context.zoo, asked)
    assert (selection.state, selection.error) == ("ready", None)
    assert [part["layer"] for part in selection.layers] == selection.candidates
    assert {part["kind"] for part in selection.layers} >= {"ReLU"}
    assert all(part["status"] == "ok" for part in selection.layers)
    values = selections.values_of(selection, edge_weight=1)
    assert values["choice"]["layer"] in selection.candidates
    assert ask(context.zoo, model_id="mdl_1").id == selection.id


def test_a_labeled_target_is_learned_first(context: WorkerContext) -> None:
    asked = ask(context.zoo, dataset_id="dst_1")

    work_off(context)

    selection = reloaded(context.zoo, asked)
    with context.zoo.transaction() as session:
        target = session.get_one(ModelRecord, selection.target_model_id)
        order_of_end = session.query(JobRecord.method).order_by(JobRecord.finished_at).all()
    assert (selection.state, target.state) == ("ready", "ready")
    assert [row.method for row in order_of_end][-2:] == ["reference_network", "layer_selection"]


def test_a_selection_whose_target_was_not_learned_fails_with_a_reason(
    context: WorkerContext,
) -> None:
    asked = ask(context.zoo, dataset_id="dst_1")
    with context.zoo.transaction() as session:
        target = session.get_one(ModelRecord, asked.target_model_id)
        jobs.cancel(session, project=PROJECT, job_id=str(target.job_id))

    work_off(context)

    selection = reloaded(context.zoo, asked)
    assert selection.state == "failed"
    assert selection.error is not None
    assert selection.error["code"] == "target_not_ready"
