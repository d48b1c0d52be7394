"""Rankings and layer selections are listed without scores; a ranking is read in part."""

import pytest

from service.core.operations.layers import selections
from service.core.tables import LayerSelectionRecord
from tests.rest.served import Served, a_dataset, a_graph, a_model, an_affinity
from tests.rest.test_layer_selections import LAYERS, PARTS


@pytest.fixture
def ranking(served: Served) -> dict[str, object]:
    """A pending ranking of two networks by an estimator."""
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session).id
        ids = [a_model(session, name=name).id for name in ("fox", "hen")]
    body = {"target": {"dataset_id": target}, "metric": "logme", "candidates": {"model_ids": ids}}
    answer: dict[str, object] = served.client.post("/v1/rankings", json=body).json()
    return answer


def test_rankings_are_listed_and_filtered(served: Served, ranking: dict[str, object]):
    items = served.client.get("/v1/rankings").json()["items"]

    assert [(item["id"], item["candidates"]) for item in items] == [(ranking["id"], 2)]
    assert "items" not in items[0]
    for query, count in {"state=pending": 1, "state=ready": 0, "metric=logme": 1}.items():
        assert len(served.client.get(f"/v1/rankings?{query}").json()["items"]) == count
    assert served.client.get("/v1/rankings?metric=luck").status_code == 422


def test_a_ranking_is_cut_at_its_limit_and_says_how_many_there_are(served: Served):
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        fox, *others = (a_model(session, name=name) for name in ("fox", "hen", "cow"))
        graph = a_graph(session, fox, probes)
        for node, model in enumerate(others, 1):
            other = a_graph(session, model, probes)
            an_affinity(session, graph, other, node=0.1 * node, edge=0.5)
        body = {"target": {"model_id": fox.id}, "probe_set_id": probes.id, "metric": "depara"}
    ranking = served.client.post("/v1/rankings", json=body).json()
    url = f"/v1/rankings/{ranking['id']}"

    whole = served.client.get(url).json()
    best = served.client.get(f"{url}?limit=1").json()
    again = served.client.get(url).json()

    assert whole["ranked"] == len(whole["items"]) > 1
    assert best["items"] == whole["items"][:1]
    assert best["ranked"] == whole["ranked"]
    assert again == whole
    assert served.client.get(f"{url}?limit=0").status_code == 422


def test_layer_selections_are_listed_and_filtered(served: Served):
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session).id
        fox = a_model(session, name="fox", layers=LAYERS, feature_layer="pool").id
        hen = a_model(session, name="hen", layers=LAYERS, output_kind="vector").id
    body = {"source_model_id": fox, "target": {"model_id": hen}, "probe_set_id": probes}
    pending = served.client.post("/v1/layer-selections", json=body).json()
    with served.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, pending["id"])
        selections.finish(record, layers=PARTS, measured={})

    items = served.client.get("/v1/layer-selections?state=ready").json()["items"]
    none = served.client.get("/v1/layer-selections?state=failed").json()["items"]

    assert [(item["id"], item["source_model_id"]) for item in items] == [(pending["id"], fox)]
    assert "layers" not in items[0]
    assert none == []


def test_every_key_can_read_itself(served: Served):
    for scope in ("read", "write", "jobs"):
        key = served.with_scopes(scope).get("/v1/keys/self").json()
        assert (key["scopes"], key["held_scopes"], key["project"]) == ([scope], [scope], "default")
        assert "token" not in key

    admin = served.client.get("/v1/keys/self").json()
    assert admin["held_scopes"] == ["admin", "jobs", "operator", "read", "write"]
    assert served.with_token(None).get("/v1/keys/self").status_code == 401


def test_a_missing_scope_is_refused_in_words(served: Served):
    problem = served.with_scopes("read").post("/v1/uploads", json={"size": 1}).json()

    assert problem["code"] == "forbidden"
    assert problem["detail"] == (
        "this request needs the scope write (upload, change and delete);"
        " the key has read (list, show and download)"
    )
