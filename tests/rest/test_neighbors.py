"""Neighbors are compared exactly by their files, or estimated with an error; nothing is stored."""

import dataclasses

import pytest
from safetensors.torch import save
from sqlalchemy import func, select

from service.adapters.graph_files import GraphFiles
from service.core.catalog.depara import DeparaParams, settings_of
from service.core.catalog.measurement import Metric
from service.core.operations.measurements import graphs
from service.core.tables import AffinityRecord
from tests.rest.served import Served, a_dataset, a_graph, a_model, client_of, serving, stored
from tests.workers.torchkit.graph_samples import random_graph
from workers.torchkit.similarity.graphs import to_metadata, to_tensors
from workers.torchkit.similarity.similarity import compare
from workers.torchkit.similarity.sketches import graph_sketch

GRAPHS = {
    "fox": random_graph("fox", seed=1),
    "hen": random_graph("hen", seed=2),
    "owl": random_graph("owl", seed=3, invalid=(4,)),
    "bat": random_graph("bat", seed=5, invalid=(1, 2, 3, 5)),
}


@pytest.fixture
def zoo_ids(served: Served) -> dict[str, str]:
    """Four measured networks with real graph files, one of them with few probes in common."""
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        ids = {"probes": probes.id}
        for name, graph in GRAPHS.items():
            model = a_model(session, name=name)
            digest = stored(served.zoo, save(to_tensors(graph), metadata=to_metadata(graph)))
            sketch = graph_sketch(graph.maps, graph.ranks).tolist()
            a_graph(session, model, probes, sha256=digest, sketch=sketch)
            ids[name] = model.id
        return ids


def test_neighbors_are_compared_by_their_files(served: Served, zoo_ids: dict[str, str]):
    result = served.client.get(
        f"/v1/models/{zoo_ids['fox']}/neighbors",
        params={"dataset": zoo_ids["probes"], "edge_weight": 2},
    ).json()["items"]

    assert {item["name"] for item in result} == {"hen", "owl"}
    for item in result:
        exact = compare(GRAPHS["fox"], GRAPHS[item["name"]])
        assert (item["exact"], item["error"]) == (True, None)
        assert item["node_similarity"] == pytest.approx(exact.node_similarity, abs=1e-6)
        assert item["edge_similarity"] == pytest.approx(exact.edge_similarity, abs=1e-6)
        score = item["node_similarity"] + 2 * item["edge_similarity"]
        assert item["score"] == pytest.approx(score)
    assert result[0]["score"] >= result[1]["score"]


def test_two_networks_are_compared_image_by_image(served: Served, zoo_ids: dict[str, str]):
    path = f"/v1/models/{zoo_ids['fox']}/image-similarities"
    asked = {"other": zoo_ids["owl"], "dataset": zoo_ids["probes"]}

    answer = served.client.get(path, params=asked).json()

    similarities = [item["similarity"] for item in answer["items"]]
    count = [value for value in similarities if value is not None]
    exact = compare(GRAPHS["fox"], GRAPHS["owl"])
    assert [item["index"] for item in answer["items"]] == list(range(len(similarities)))
    assert similarities[4] is None
    assert len(count) == len(similarities) - 1
    assert sum(count) / len(count) == pytest.approx(exact.node_similarity, abs=1e-6)


def test_listing_neighbors_stores_nothing(served: Served, zoo_ids: dict[str, str]):
    served.client.get(
        f"/v1/models/{zoo_ids['fox']}/neighbors", params={"dataset": zoo_ids["probes"]}
    )

    with served.zoo.transaction() as session:
        assert session.scalar(select(func.count()).select_from(AffinityRecord)) == 0


def test_neighbors_are_estimated_if_files_are_too_large(served: Served, zoo_ids: dict[str, str]):
    small = GraphFiles(served.zoo.blobs, most_bytes=1000)
    hurried = dataclasses.replace(served.zoo, comparer=small)

    with serving(hurried) as url, client_of(url, served.token) as client:
        result = client.get(
            f"/v1/models/{zoo_ids['fox']}/neighbors", params={"dataset": zoo_ids["probes"]}
        ).json()["items"]

    assert {item["name"] for item in result} == {"hen", "owl", "bat"}
    assert all(not item["exact"] and item["error"] > 0 for item in result)


@pytest.fixture
def related_ids(served: Served) -> dict[str, str]:
    """The same networks, measured by the relations of DDS."""
    settings = settings_of(Metric.DDS, DeparaParams())
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings)
        ids = {"probes": probes.id}
        for name, graph in GRAPHS.items():
            model = a_model(session, name=name)
            digest = stored(served.zoo, save(to_tensors(graph), metadata=to_metadata(graph)))
            a_graph(
                session, model, probes, sha256=digest, comparable_key=comparable,
                cache_key=f"{comparable} {name}", settings=settings.model_dump(mode="json"),
                sketch=graph_sketch(graph.maps, graph.ranks).tolist(),
            )  # fmt: skip
            ids[name] = model.id
        return ids


def test_neighbors_by_relations_have_no_edges(served: Served, related_ids: dict[str, str]):
    result = served.client.get(
        f"/v1/models/{related_ids['fox']}/neighbors",
        params={"dataset": related_ids["probes"], "metric": "dds"},
    ).json()

    hen = next(item for item in result["items"] if item["name"] == "hen")
    assert (result["metric"], result["edge_weight"]) == ("dds", 0.0)
    assert hen["exact"]
    assert hen["score"] == pytest.approx(compare(GRAPHS["fox"], GRAPHS["hen"]).node_similarity)


def test_relations_among_other_probes_are_estimated(served: Served, related_ids: dict[str, str]):
    result = served.client.get(
        f"/v1/models/{related_ids['fox']}/neighbors",
        params={"dataset": related_ids["probes"], "metric": "dds"},
    ).json()["items"]

    owl = next(item for item in result if item["name"] == "owl")
    assert not owl["exact"]
    assert owl["error"] > 0


def test_a_metric_without_edges_takes_no_edge_weight(served: Served, related_ids: dict[str, str]):
    answer = served.client.get(
        f"/v1/models/{related_ids['fox']}/neighbors",
        params={"dataset": related_ids["probes"], "metric": "dds", "edge_weight": 1},
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "edge_weight_not_supported")


def test_a_missing_measurement_says_which_one_to_submit(served: Served, zoo_ids: dict[str, str]):
    answer = served.client.get(
        f"/v1/models/{zoo_ids['fox']}/neighbors",
        params={"dataset": zoo_ids["probes"], "metric": "rsa"},
    )

    assert (answer.status_code, answer.json()["code"]) == (404, "not_measured")
    assert '"nodes": "rsa"' in answer.json()["remedy"]
