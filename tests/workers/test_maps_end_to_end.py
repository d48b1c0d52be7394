"""Maps over both APIs, drawn by real jobs: places that stay, weights that cost nothing, old ones kept."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import networkx
import numpy as np
import pytest
from numpy.testing import assert_allclose
from safetensors.torch import save_file

from service.container import Zoo
from service.core.catalog.depara import DeparaParams
from service.core.operations.access import keys
from service.core.operations.maps import requests
from service.core.operations.measurements import graphs
from service.core.tables import DatasetRecord, GraphRecord, JobRecord, MapRecord
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from tests.rest.served import a_dataset, a_graph, a_model, client_of, serving, stored
from tests.rpc.channels import Dialled, listening
from tests.workers.torchkit.graph_samples import random_graph
from workers.isolation.fork_client import ForkServerClient
from workers.torchkit.similarity.graphs import to_metadata, to_tensors
from workers.torchkit.similarity.similarity import compare
from workers.torchkit.similarity.sketches import graph_sketch
from workers.worker.run_job import WorkerContext, run_next
from zooscope import ZooClient

pytestmark = pytest.mark.slow

Ask = Callable[..., httpx.Response]


@pytest.fixture
def token(zoo: Zoo) -> str:
    with zoo.transaction() as session:
        first = keys.issue_first(session)
    assert first is not None
    return first.token


@pytest.fixture
def probes(zoo: Zoo) -> str:
    with zoo.transaction() as session:
        return a_dataset(zoo, session, name="farm <&>").id


@pytest.fixture
def ask(zoo: Zoo, token: str, probes: str, fork_server: ForkServerClient) -> Iterator[Ask]:
    """A GET of a map; one that was not drawn yet is ordered and drawn before it is sent again."""
    context = WorkerContext(zoo, fork_server, lambda: False)

    def ask(**params: Any) -> httpx.Response:
        answer = client.get(f"/v1/maps/{probes}", params=params)
        if answer.status_code != 404:
            return answer
        look = {k: v for k, v in params.items() if k not in ("format", "picture", "include")}
        ordered = client.post("/v1/maps", json={"dataset_id": probes, **look})
        if ordered.is_error:
            return ordered
        assert run_next(context)
        with zoo.transaction() as session:
            assert session.get_one(JobRecord, ordered.json()["id"]).error is None
        return client.get(f"/v1/maps/{probes}", params=params)

    with serving(zoo) as url, client_of(url, token) as client:
        ask.client = client  # type: ignore[attr-defined]
        yield ask


def measure(zoo: Zoo, probes: str, folder: Path, seeds: range) -> None:
    """Networks of three families, measured on the probe set."""
    with zoo.transaction() as session:
        dataset = session.get_one(DatasetRecord, probes)
        key = graphs.comparable_key(dataset.manifest_sha256 or "", DeparaParams())
        for seed in seeds:
            model = a_model(session, name=f"family {seed % 3} & member {seed}")
            sample = random_graph(model.id, seed=seed)
            graph = type(sample)(model.id, key, sample.maps, sample.ranks, sample.mask)
            save_file(to_tensors(graph), folder / "graph", metadata=to_metadata(graph))
            sha256 = stored(zoo, (folder / "graph").read_bytes())
            sketch = graph_sketch(sample.maps, sample.ranks).tolist()
            a_graph(session, model, dataset, sha256=sha256, sketch=sketch)


def places_of(answer: httpx.Response) -> dict[str, list[float]]:
    document = answer.json()["document"]
    return dict(zip(document["models"], document["points"], strict=True))


def test_new_networks_are_placed_without_moving_old_ones(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(30))
    first = ask(edge_weight=0.5)
    measure(zoo, probes, tmp_path, range(30, 33))

    second = ask(edge_weight=0.5)

    before, after = places_of(first), places_of(second)
    assert (len(before), len(after)) == (30, 33)
    assert {model: after[model] for model in before} == before
    assert second.json()["layout_id"] == first.json()["layout_id"] == first.json()["id"]
    assert 0 < second.json()["document"]["stress"] < 0.6


def test_a_fresh_layout_is_drawn_once_and_then_continued(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(4))
    old = ask()
    assert ask(layout="fresh").json()["id"] == old.json()["id"]
    measure(zoo, probes, tmp_path, range(4, 6))
    continued = ask()

    fresh = ask(layout="fresh")

    assert places_of(continued) != places_of(fresh)
    assert fresh.json()["layout_id"] == fresh.json()["id"]
    assert ask(layout="fresh").json()["id"] == ask().json()["id"] == fresh.json()["id"]
    assert places_of(ask(linkage="ward")) == places_of(fresh)


def test_another_weight_reads_stored_similarities_and_equals_a_computation(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(5))
    ask()
    with zoo.transaction() as session:
        for graph in session.query(GraphRecord):
            zoo.blobs.delete(graph.sha256 or "")

    document = ask(edge_weight=2.0, include="score").json()["document"]

    samples = {seed: random_graph(str(seed), seed=seed) for seed in range(5)}
    seeds = [int(name.rpartition(" ")[2]) for name in document["names"]]
    for row, seed in enumerate(seeds):
        for column, other in enumerate(seeds):
            pair = compare(samples[seed], samples[other])
            wanted = (pair.node_similarity or 0) + 2.0 * (pair.edge_similarity or 0)
            assert document["matrices"]["score"][row][column] == pytest.approx(wanted, abs=1e-3)


def test_every_format_shows_the_same_map(ask: Ask, zoo: Zoo, probes: str, tmp_path: Path) -> None:
    measure(zoo, probes, tmp_path, range(6))
    asked = {"k": 2, "clusters": 3, "linkage": "average"}

    document = ask(include=["node", "score"], **asked).json()["document"]
    table = ask(format="csv", **asked).text.splitlines()
    graph = networkx.read_graphml(io.BytesIO(ask(format="graphml", **asked).content))
    with np.load(io.BytesIO(ask(format="npz", **asked).content), allow_pickle=False) as arrays:
        assert arrays["models"].tolist() == document["models"] == table[0].split(",")[1:]
        assert arrays["names"].tolist() == document["names"]
        assert arrays["points"].tolist() == document["points"]
        assert arrays["clusters"].tolist() == document["clusters"]
        assert arrays["order"].tolist() == document["tree"]["order"]
        assert_allclose(arrays["node"], document["matrices"]["node"])
        assert_allclose(arrays["node"] + 0.25 * arrays["edge"], document["matrices"]["score"])
        assert arrays["linkage"].shape == (5, 4)

    cells = [[float(cell) for cell in line.split(",")[1:]] for line in table[1:]]
    assert_allclose(cells, document["matrices"]["score"], rtol=1e-8)
    assert len(set(document["clusters"])) == 3
    assert {len(near) for near in document["neighbors"]} == {2}
    for index, model in enumerate(document["models"]):
        node = graph.nodes[model]
        assert node["name"] == document["names"][index]
        assert [node["x"], node["y"]] == document["points"][index]
        assert node["cluster"] == document["clusters"][index]
        for near in document["neighbors"][index]:
            edge = graph.edges[model, document["models"][near["index"]]]
            assert edge["similarity"] == near["similarity"]
    assert graph.number_of_edges() <= 12
    for picture in ("matrix", "tree", "layout", "neighbors"):
        drawn = ask(format="svg", picture=picture, **asked).text
        assert "farm &lt;&amp;&gt;" in drawn
        assert ask(format="png", picture=picture, **asked).content.startswith(b"\x89PNG")


def test_old_snapshots_are_listed_and_stay_readable(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(3))
    first = ask()
    measure(zoo, probes, tmp_path, range(3, 4))
    second = ask()
    client = ask.client  # type: ignore[attr-defined]
    path = f"/v1/maps/{probes}/snapshots"

    listed = client.get(path).json()["items"]
    page = client.get(path, params={"page_size": 1}).json()
    rest = client.get(path, params={"page_size": 1, "page_token": page["next_page_token"]}).json()
    again = client.get(f"{path}/{first.json()['id']}")

    assert [snapshot["id"] for snapshot in listed] == [second.json()["id"], first.json()["id"]]
    assert [snapshot["models"] for snapshot in listed] == [4, 3]
    assert [*page["items"], *rest["items"]] == listed
    assert again.content == first.content
    assert again.headers["ETag"] == first.headers["ETag"] != second.headers["ETag"]
    headers = {"If-None-Match": first.headers["ETag"]}
    assert client.get(f"{path}/{first.json()['id']}", headers=headers).status_code == 304
    unknown = client.get(f"{path}/map_unknown").json()
    assert unknown["code"] == "map_not_found"


def test_both_apis_send_the_same_bytes(
    ask: Ask, zoo: Zoo, token: str, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(4))
    drawn = ask(k=1)
    with listening(zoo) as address:
        dialled = Dialled(zoo, address, token)
        for form in ("json", "csv", "npz", "graphml", "svg", "png"):
            request = wire.GetMapRequest(
                dataset_id=probes, format=form, k=1, picture="neighbors", layout="continued"
            )

            info, data = received(dialled.transferability.GetMap(request))

            answer = ask(format=form, k=1, picture="neighbors")
            assert data == answer.content
            assert info.media_type == answer.headers["content-type"].partition(";")[0]
        assert_snapshots_agree(dialled, probes, drawn)
        dialled.channel.close()


def assert_snapshots_agree(dialled: Dialled, probes: str, drawn: httpx.Response) -> None:
    listed = dialled.transferability.ListMaps(wire.ListMapsRequest(dataset_id=probes)).items
    assert [(snapshot.id, snapshot.models) for snapshot in listed] == [(drawn.json()["id"], 4)]
    assert listed[0].stress == drawn.json()["document"]["stress"]
    request = wire.GetMapSnapshotRequest(dataset_id=probes, map_id=listed[0].id)
    _, data = received(dialled.transferability.GetMapSnapshot(request))
    assert data == drawn.content


def received(answers: Any) -> tuple[wire.MapInfo, bytes]:
    first, *others = list(answers)
    return first.info, b"".join(part.chunk for part in others)


def test_what_so_many_networks_cannot_show_is_refused(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    empty = ask()
    measure(zoo, probes, tmp_path, range(3))

    refused = {
        "nothing_measured": empty,
        "k_out_of_range": ask(k=3),
        "clusters_out_of_range": ask(clusters=4),
        "edge_weight_not_supported": ask(metric="attribution", edge_weight=1),
    }
    malformed = [ask(linkage="oldest"), ask(k=0), ask(clusters=0), ask(layout="new")]

    assert {answer.json()["code"] for answer in refused.values()} == set(refused)
    assert {answer.status_code for answer in malformed} == {422}
    assert {answer.json()["errors"][0]["pointer"] for answer in malformed} == {
        "/query/linkage", "/query/k", "/query/clusters", "/query/layout",
    }  # fmt: skip
    with zoo.transaction() as session:
        assert session.query(MapRecord).count() == 0


def test_networks_that_cannot_be_compared_are_left_out_and_named(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(3))
    with zoo.transaction() as session:
        sick = a_model(session, name="sick")
        dataset = session.get_one(DatasetRecord, probes)
        a_graph(session, sick, dataset, status="degenerate", sha256=None)

    document = ask().json()["document"]

    assert len(document["models"]) == 3
    assert document["left_out"] == [{"model_id": sick.id, "status": "degenerate"}]
    assert ask(edge_weight=1.0).json()["document"]["left_out"] == document["left_out"]


def test_client_and_command_fetch_what_the_api_sends(
    ask: Ask, zoo: Zoo, token: str, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(4))
    drawn = ask(linkage="ward", clusters=2)
    wanted = ask(linkage="ward", clusters=2, format="svg", picture="tree").content
    url = str(ask.client.base_url)  # type: ignore[attr-defined]
    run_options = {
        "env": {"ZOO_URL": url, "ZOO_KEY": token, "ZOO_HOME": str(tmp_path), "COLUMNS": "200"}
    }
    command = [sys.executable, "-m", "zooscope.cli.main"]
    options = ["--linkage", "ward", "--clusters", "2", "--picture", "tree", "-o"]
    by_command, by_client = tmp_path / "command.svg", tmp_path / "client.svg"

    subprocess.run([*command, "map", probes, *options, str(by_command)], check=True, **run_options)  # type: ignore[call-overload]
    listed = subprocess.check_output([*command, "maps", "ls", probes, "--json"], **run_options)  # type: ignore[call-overload]
    with ZooClient(url, key=token) as client:
        client.maps.download(probes, by_client, picture="tree", linkage="ward", clusters=2)
        (snapshot,) = client.maps.snapshots(probes)
        again = client.maps.snapshot(probes, snapshot["id"])

    assert by_command.read_bytes() == by_client.read_bytes() == wanted
    assert json.loads(listed) == [snapshot]
    assert again == drawn.json()


def test_a_map_from_sketches_estimates_what_an_exact_one_computes(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path
) -> None:
    measure(zoo, probes, tmp_path, range(12))
    exact = ask(include="score").json()["document"]

    answer = ask(comparison="sketches", include="score")

    document = answer.json()["document"]
    assert (document["models"], document["tasks"]) == (exact["models"], exact["tasks"])
    assert (document["tree"], document["sketches"]["landmarks"]) == (None, 12)
    assert 0 <= document["stress"] < 1
    assert_allclose(
        np.array(document["matrices"]["score"], dtype=float),
        np.array(exact["matrices"]["score"], dtype=float),
        atol=document["sketches"]["largest_error"],
    )
    assert ask(comparison="sketches", format="graphml").status_code == 200
    refused = [
        ask(comparison="sketches", format="csv"),
        ask(comparison="sketches", include="valid"),
        ask(comparison="sketches", k=3),
    ]
    assert [answer.json()["code"] for answer in refused] == [
        "map_from_sketches",
        "map_from_sketches",
        "k_not_supported",
    ]


def test_more_networks_than_are_compared_exactly_are_placed_by_sketches(
    ask: Ask, zoo: Zoo, probes: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measure(zoo, probes, tmp_path, range(6))
    before = places_of(ask())
    monkeypatch.setattr(requests, "MOST_COMPARED_EXACTLY", 6)
    measure(zoo, probes, tmp_path, range(6, 9))

    after = ask()

    assert after.json()["document"]["params"]["comparison"] == "sketches"
    assert len(places_of(after)) == 9
    assert {model: places_of(after)[model] for model in before} == before
