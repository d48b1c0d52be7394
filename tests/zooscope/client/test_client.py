"""The client has the verbs of the command line and raises the zoo's errors."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

import zooscope
from service.container import Zoo
from service.core.operations.jobs import jobs
from tests.rest.served import a_dataset, a_graph, a_model, an_affinity, masked, stored
from tests.waiting import HANG_SECONDS, eventually
from tests.zooscope.client.conftest import QUICK
from tests.zooscope.client.flaky import wire_to
from zooscope import ZooClient, ZooClientError
from zooscope import client as package
from zooscope.client.rankings import ranking_request

INPUTS = {"model_id": "mdl_1", "dataset_id": "dst_1"}


def test_the_package_exports_exactly_its_public_names():
    assert set(package.__all__) == {
        "AsyncZooClient",
        "Clips",
        "FewShotSupport",
        "ImageBytes",
        "InvalidField",
        "LOCAL_URL",
        "LayerTable",
        "MapTable",
        "Prediction",
        "RankingTable",
        "Retry",
        "RetryPolicy",
        "Styles",
        "UnreachableError",
        "ZooClient",
        "ZooClientError",
    }
    assert set(package.__all__) <= set(zooscope.__all__)
    assert all(hasattr(zooscope, name) for name in zooscope.__all__)


def test_importing_the_client_loads_no_server_no_torch_and_no_pydantic():
    code = (
        "import sys, zooscope.client; "
        "bad = {'torch', 'numpy', 'pydantic', 'fastapi', 'grpc', 'sqlalchemy', 'service.core'}; "
        "print(sorted(bad & set(sys.modules)))"
    )

    output = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )

    assert output.stdout.strip() == "[]"


def test_lists_are_iterated_over_all_pages(client: ZooClient, zoo: Zoo, monkeypatch):
    monkeypatch.setattr("zooscope.client.paging._PAGE_SIZE", 2)
    with zoo.transaction() as session:
        names = [a_model(session, name=f"hen {number}").name for number in range(5)]

    assert [model["name"] for model in client.models.ls()] == names[::-1]
    assert len(list(client.models.ls(limit=3))) == 3
    assert [model["name"] for model in client.models.ls(name="HEN 4")] == ["hen 4"]


def test_a_model_is_shown_updated_and_deleted(client: ZooClient, zoo: Zoo):
    with zoo.transaction() as session:
        id_ = a_model(session).id

    client.models.update(id_, {"name": "fox"})
    assert client.models.show(id_)["name"] == "fox"
    assert client.models.layers(id_)[0]["name"] == "conv"
    client.models.rm(id_)

    with pytest.raises(ZooClientError) as raised:
        client.models.show(id_)
    assert (raised.value.code, raised.value.status) == ("model_not_found", 404)
    assert raised.value.trace_id


def test_a_download_is_complete_or_absent(client: ZooClient, zoo: Zoo, tmp_path: Path):
    data = bytes(range(256)) * 10_000
    with zoo.transaction() as session:
        digest = stored(zoo, data)
        id_ = a_model(session, upload_sha256=digest, upload_bytes=len(data)).id

    path = client.models.download(id_, tmp_path / "fox.pt2")

    assert path.read_bytes() == data
    with pytest.raises(ZooClientError):
        client.models.download("mdl_0", tmp_path / "none.pt2")
    assert [item.name for item in tmp_path.iterdir() if item.is_file()] == ["fox.pt2"]


def test_invalid_fields_are_named(client: ZooClient):
    with pytest.raises(ZooClientError) as raised:
        client.jobs.submit("depara", inputs=INPUTS, params={"grid": 1})

    assert raised.value.code == "invalid_params"
    assert [field.pointer for field in raised.value.errors] == ["/params/grid"]


def test_a_missing_key_is_reported(url: str):
    with ZooClient(url) as stranger, pytest.raises(ZooClientError) as raised:
        list(stranger.models.ls())

    assert raised.value.code == "unauthenticated"


@pytest.mark.usefixtures("measurable")
def test_watching_reports_the_end_of_the_job(client: ZooClient):
    job = client.jobs.submit("depara", inputs=INPUTS)
    events: list[str] = []

    def watch() -> None:
        events.extend(event["type"] for event in client.jobs.watch(job["id"]))

    watching = threading.Thread(target=watch)
    watching.start()
    eventually(lambda: events)
    client.jobs.cancel(job["id"])
    watching.join(HANG_SECONDS)

    assert events == ["queued", "cancelled"]


@pytest.mark.usefixtures("measurable")
def test_watching_resumes_after_a_broken_connection(
    url: str, key: str, client: ZooClient, zoo: Zoo
):
    job = client.jobs.submit("depara", inputs=INPUTS)
    client.jobs.cancel(job["id"])
    with zoo.transaction() as session:
        for _ in range(600):
            jobs.append_event(session, job["id"], type="note", data={"text": 250 * "x"})

    with (
        wire_to(url, answer_cuts=[60_000, 90_000]) as wire,
        ZooClient(wire.url, key=key, retry_policy=QUICK) as far,
    ):
        events = [event["seq"] for event in far.jobs.watch(job["id"])]
        assert wire.broken == 2

    assert events == list(range(1, 603))


@pytest.mark.usefixtures("measurable")
def test_a_cancelled_job_is_retried(client: ZooClient):
    job = client.jobs.submit("depara", inputs=INPUTS)

    assert client.jobs.cancel(job["id"])["state"] == "cancelled"
    assert client.jobs.retry(job["id"])["state"] == "queued"
    assert [item["id"] for item in client.jobs.ls(state="queued")] == [job["id"]]


@pytest.mark.usefixtures("measurable")
def test_a_retried_post_runs_once(url: str, key: str, zoo: Zoo):
    with (
        wire_to(url, cuts=[1]) as wire,
        ZooClient(wire.url, key=key, retry_policy=QUICK) as client,
    ):
        client.jobs.submit("depara", inputs=INPUTS)
        assert wire.broken == 1
        assert len(list(client.jobs.ls())) == 1


def test_a_ranking_of_measured_networks_is_ready_immediately(client: ZooClient, zoo: Zoo):
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session)
        hen, fox = a_model(session, name="hen"), a_model(session, name="fox")
        item, two = a_graph(session, hen, probes), a_graph(session, fox, probes)
        an_affinity(session, item, two, node=0.9, edge=0.1)

    ranking = client.rank(
        model=hen.id, probes=probes.id, metric="depara", edge_weight=1, candidates=[fox.id]
    )

    assert ranking["state"] == "ready"
    assert [(item["name"], item["score"]) for item in ranking["items"]] == [("fox", 1.0)]


def test_waiting_for_a_ranking_reports_progress_and_times_out(client: ZooClient, zoo: Zoo):
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session)
        hen, _ = a_model(session, name="hen"), a_model(session, name="fox")
    reported = []

    with pytest.raises(ZooClientError) as late:
        client.rank(
            model=hen.id, probes=probes.id, on_progress=reported.append, timeout_seconds=0.6
        )

    assert late.value.code == "timed_out"
    assert reported[0] == {"step": 0, "total": 3, "message": "measuring"}


def test_a_target_is_a_model_or_a_dataset():
    with pytest.raises(ZooClientError, match="one target"):
        ranking_request(probes="dst_1", model="mdl_1", dataset="dst_2")


def test_methods_have_schemas(client: ZooClient):
    names = [method["name"] for method in client.methods.ls()]

    assert "depara" in names
    assert "grid" in client.methods.show("depara")["params"]["properties"]


def test_an_image_and_its_mask_are_downloaded(client: ZooClient, zoo: Zoo):
    with zoo.transaction() as session:
        probes = masked(session, a_dataset(zoo, session))

    assert client.datasets.image(probes.id, 1) == b"\x89PNG two!"
    assert client.datasets.mask("farm", 1) == b"\x89PNG two!"
    assert [item["name"] for item in client.datasets.ls()] == ["farm"]
