"""A layer selection is asked for, waits for the target's network, is compared by a real job, and read."""

from collections.abc import Iterator
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


@pytest.fixture(scope="module")
def fork_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServerClient]:
    fork_server = ForkServerClient(tmp_path_factory.mktemp("cache"))
    yield fork_server
    fork_server.close()


@pytest.fixture
def post(zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path) -> WorkerContext:
    """A worker of a zoo with a labelled set and two checked networks."""
    add_dataset(zoo, images())
    order(zoo, "dataset_ingestion", dataset_id="dst_1")
    for seed in (0, 1):
        add_model(zoo, network(tmp_path, seed), model_id=f"mdl_{seed}")
        order(zoo, "model_validation", model_id=f"mdl_{seed}")
    post = WorkerContext(zoo, fork_server, lambda: False)
    work_off(post)
    return post


def order(zoo: Zoo, method: str, **inputs: str) -> None:
    with zoo.transaction() as session:
        jobs.submit(
            session, project=PROJECT, method=method, inputs=inputs, audience=Audience.INTERNAL
        )


def work_off(post: WorkerContext) -> None:
    while run_next(post):
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


def found(zoo: Zoo, selection: LayerSelectionRecord) -> LayerSelectionRecord:
    with zoo.transaction() as session:
        return owned_rows.get(session, LayerSelectionRecord, project=PROJECT, id=selection.id)


def test_layers_are_compared_with_a_network(post: WorkerContext) -> None:
    asked = ask(post.zoo, model_id="mdl_1")

    work_off(post)

    selection = found(post.zoo, asked)
    assert (selection.state, selection.error) == ("ready", None)
    assert [part["layer"] for part in selection.layers] == selection.candidates
    assert {part["kind"] for part in selection.layers} >= {"ReLU"}
    assert all(part["status"] == "ok" for part in selection.layers)
    told = selections.values_of(selection, edge_weight=1)
    assert told["choice"]["layer"] in selection.candidates
    assert ask(post.zoo, model_id="mdl_1").id == selection.id


def test_a_labelled_target_is_learnt_first(post: WorkerContext) -> None:
    asked = ask(post.zoo, dataset_id="dst_1")

    work_off(post)

    selection = found(post.zoo, asked)
    with post.zoo.transaction() as session:
        target = session.get_one(ModelRecord, selection.target_model_id)
        order_of_end = session.query(JobRecord.method).order_by(JobRecord.finished_at).all()
    assert (selection.state, target.state) == ("ready", "ready")
    assert [row.method for row in order_of_end][-2:] == ["reference_network", "layer_selection"]


def test_a_selection_whose_target_was_not_learnt_fails_with_a_reason(post: WorkerContext) -> None:
    asked = ask(post.zoo, dataset_id="dst_1")
    with post.zoo.transaction() as session:
        target = session.get_one(ModelRecord, asked.target_model_id)
        jobs.cancel(session, project=PROJECT, job_id=str(target.job_id))

    work_off(post)

    selection = found(post.zoo, asked)
    assert selection.state == "failed"
    assert selection.error is not None
    assert selection.error["code"] == "target_not_ready"
