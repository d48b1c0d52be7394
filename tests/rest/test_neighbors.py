"""Neighbors are told exactly from their files, with an error where they cannot be, and keep nothing."""

import dataclasses

import pytest
from safetensors.torch import save
from sqlalchemy import func, select

from service.adapters.graph_files import GraphFiles
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
def farm(served: Served) -> dict[str, str]:
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


def test_neighbours_are_compared_by_their_files(served: Served, farm: dict[str, str]):
    found = served.client.get(
        f"/v1/models/{farm['fox']}/neighbors", params={"dataset": farm["probes"], "edge_weight": 2}
    ).json()["items"]

    assert {one["name"] for one in found} == {"hen", "owl"}
    for one in found:
        exact = compare(GRAPHS["fox"], GRAPHS[one["name"]])
        assert (one["exact"], one["error"]) == (True, None)
        assert one["node_similarity"] == pytest.approx(exact.node_similarity, abs=1e-6)
        assert one["edge_similarity"] == pytest.approx(exact.edge_similarity, abs=1e-6)
        score = one["node_similarity"] + 2 * one["edge_similarity"]
        assert one["score"] == pytest.approx(score)
    assert found[0]["score"] >= found[1]["score"]


def test_asking_for_neighbours_keeps_nothing(served: Served, farm: dict[str, str]):
    served.client.get(f"/v1/models/{farm['fox']}/neighbors", params={"dataset": farm["probes"]})

    with served.zoo.transaction() as session:
        assert session.scalar(select(func.count()).select_from(AffinityRecord)) == 0


def test_files_too_large_for_a_request_leave_estimates(served: Served, farm: dict[str, str]):
    small = GraphFiles(served.zoo.blobs, most_bytes=1000)
    hurried = dataclasses.replace(served.zoo, comparer=small)

    with serving(hurried) as url, client_of(url, served.token) as client:
        found = client.get(
            f"/v1/models/{farm['fox']}/neighbors", params={"dataset": farm["probes"]}
        ).json()["items"]

    assert {one["name"] for one in found} == {"hen", "owl", "bat"}
    assert all(not one["exact"] and one["error"] > 0 for one in found)
