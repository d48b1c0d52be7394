"""A ranking is ready immediately if everything is measured; otherwise it requests only what is missing."""

import math

import pytest
from sqlalchemy import select

from service.core.catalog.depara import DeparaParams, settings_of
from service.core.operations.measurements import graphs
from service.core.operations.rankings import by_graph
from service.core.tables import JobDependencyRecord, JobRecord, ModelRecord, RankingRecord
from tests.rest.served import Served, a_dataset, a_graph, a_model, an_affinity

KEY_OF_MAPS = "09093b187919997d052eba366e0cd063074623c9ce4c86dce93a206f74595286"


@pytest.fixture
def zoo_ids(served: Served) -> dict[str, str]:
    """A target (fox), three measured candidates and a probe set; every similarity is known."""
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        models = {name: a_model(session, name=name) for name in ("fox", "hen", "cow", "owl")}
        graphs = {name: a_graph(session, model, probes) for name, model in models.items()}
        an_affinity(session, graphs["fox"], graphs["hen"], node=0.5, edge=0.8)
        an_affinity(session, graphs["fox"], graphs["cow"], node=0.6, edge=0.1)
        an_affinity(session, graphs["fox"], graphs["owl"], node=0.2, edge=None)
        return {"probes": probes.id, **{name: model.id for name, model in models.items()}}


def ask(served: Served, zoo_ids: dict[str, str], **changes: object):
    target = {"target": {"model_id": zoo_ids["fox"]}, "probe_set_id": zoo_ids["probes"]}
    return served.client.post("/v1/rankings", json={**target, "metric": "depara", **changes})


def names(ranking: dict) -> list[str]:
    return [item["name"] for item in ranking["items"]]


def test_measured_models_are_ranked_immediately(served: Served, zoo_ids):
    answer = ask(served, zoo_ids)

    ranking = answer.json()
    assert (answer.status_code, ranking["state"], ranking["job_id"]) == (201, "ready", None)
    assert names(ranking) == ["hen", "cow"]
    assert ranking["items"][0]["score"] == pytest.approx(0.5 + 0.25 * 0.8)
    assert ranking["unranked"][0]["model_id"] == zoo_ids["owl"]
    assert ranking["unranked"][0]["code"] == "constant_edges"
    assert served.client.get(answer.headers["Location"]).json() == ranking


def test_the_interval_follows_from_variances_and_edge_weight(served: Served, zoo_ids):
    item = ask(served, zoo_ids, edge_weight=2).json()["items"][0]

    reach = 1.6448536 * math.sqrt(0.01 + 4 * 0.04)
    assert item["interval"] == pytest.approx([item["score"] - reach, item["score"] + reach])


def test_edges_are_reweighted_at_query_time(served: Served, zoo_ids):
    path = ask(served, zoo_ids).headers["Location"]

    nodes = served.client.get(path, params={"edge_weight": 0}).json()
    stored = served.client.get(path).json()

    assert names(nodes) == ["cow", "hen", "owl"]
    assert names(stored) == ["hen", "cow"]
    assert nodes["items"][0]["score"] == nodes["items"][0]["node_similarity"]


def test_the_metric_attribution_has_no_edges(served: Served, zoo_ids):
    answer = ask(served, zoo_ids, metric="attribution")

    ranking = answer.json()
    weighed = served.client.get(answer.headers["Location"], params={"edge_weight": 1})
    assert (ranking["edge_weight"], names(ranking)) == (0.0, ["cow", "hen", "owl"])
    assert (weighed.status_code, weighed.json()["code"]) == (422, "edge_weight_not_supported")
    assert ask(served, zoo_ids, metric="attribution", edge_weight=1).status_code == 422


def test_depara_plus_measures_flattened_edges_and_weights_them_fourfold(served: Served, zoo_ids):
    ranking = ask(served, zoo_ids, metric="depara_plus").json()

    with served.zoo.transaction() as session:
        jobs = session.scalars(select(JobRecord).where(JobRecord.method == "depara")).all()
        spectra = {job.params["spectrum"] for job in jobs}
    assert (ranking["state"], ranking["edge_weight"]) == ("pending", 4.0)
    assert (len(jobs), spectra) == (4, {"flattened"})


@pytest.mark.parametrize("metric", ["rsa", "dds", "linear_cka"])
def test_relations_of_features_are_measured_in_graphs_of_their_own(
    served: Served, zoo_ids, metric: str
):
    ranking = ask(served, zoo_ids, metric=metric).json()

    with served.zoo.transaction() as session:
        jobs = session.scalars(select(JobRecord).where(JobRecord.method == "depara")).all()
        nodes = {job.params["nodes"] for job in jobs}
    assert (ranking["state"], ranking["edge_weight"], ranking["metric"]) == (
        "pending",
        0.0,
        metric,
    )
    assert (len(jobs), nodes) == (4, {metric})
    assert ask(served, zoo_ids, metric=metric, edge_weight=1).status_code == 422


def test_graphs_of_maps_have_the_key_of_version_2_without_a_setting_of_nodes():
    settings = DeparaParams()

    assert "nodes" not in settings.model_dump(mode="json")
    assert settings_of("dds", settings).model_dump(mode="json")["nodes"] == "dds"
    assert graphs.comparable_key("probes", settings) == KEY_OF_MAPS


@pytest.mark.parametrize("weight", [-1, "NaN", "Infinity", 1e9])
def test_an_invalid_edge_weight_is_refused(served: Served, zoo_ids, weight):
    assert ask(served, zoo_ids, edge_weight=weight).status_code == 422


def test_equal_scores_are_ordered_by_nodes_then_by_id():
    from service.core.operations.rankings import scores

    parts = {"valid_probes": 1, "node_variance": 0, "edge_variance": 0, "covariance": 0}
    pairs = [
        {"model_id": "b", "name": "", "node_similarity": 0.5, "edge_similarity": 0.5, **parts},
        {"model_id": "a", "name": "", "node_similarity": 0.5, "edge_similarity": 0.5, **parts},
        {"model_id": "c", "name": "", "node_similarity": 0.75, "edge_similarity": 0.25, **parts},
    ]

    items, _ = scores.ordered(pairs, edge_weight=1.0)

    assert [item["model_id"] for item in items] == ["c", "a", "b"]
    assert [item["rank"] for item in items] == [1, 2, 3]


def test_costs_stand_beside_similarities(served: Served, zoo_ids):
    ranking = ask(served, zoo_ids).json()

    assert {(item["flops"], item["parameters"]) for item in ranking["items"]} == {(70, 7)}
    assert [item["pareto"] for item in ranking["items"]] == [True, False]


def test_candidates_may_be_named_or_filtered(served: Served, zoo_ids):
    named = ask(served, zoo_ids, candidates={"model_ids": [zoo_ids["cow"], zoo_ids["fox"]]}).json()
    result = ask(served, zoo_ids, candidates={"filter": {"name": "he"}}).json()

    assert names(named) == ["cow"]
    assert names(result) == ["hen"]


def test_unknown_candidates_are_refused_with_their_pointer(served: Served, zoo_ids):
    answer = ask(served, zoo_ids, candidates={"model_ids": [zoo_ids["cow"], "mdl_0"]})

    assert (answer.status_code, answer.json()["code"]) == (422, "unknown_model")
    assert answer.json()["errors"][0]["pointer"] == "/candidates/model_ids/1"


@pytest.mark.parametrize("candidates", [{"model_ids": []}, {"filter": {"name": "zzz"}}, "target"])
def test_a_ranking_without_candidates_is_refused(served: Served, zoo_ids, candidates):
    named = {"model_ids": [zoo_ids["fox"]]} if candidates == "target" else candidates

    problem = ask(served, zoo_ids, candidates=named).json()

    assert (problem["status"], problem["code"]) == (422, "no_candidates")
    assert problem["errors"][0]["pointer"] == "/candidates"


def test_a_layer_that_the_target_lacks_is_refused_at_once(served: Served, zoo_ids):
    problem = ask(served, zoo_ids, settings={"layer": "nope"}).json()

    assert (problem["status"], problem["code"]) == (422, "unknown_layer")
    assert problem["errors"][0]["pointer"] == "/settings/layer"


def test_candidates_without_the_layer_are_listed_with_the_reason(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        plain = a_model(session, name="plain", layers=[]).id

    ranking = ask(served, zoo_ids, settings={"layer": "conv"}).json()

    assert (plain, "unknown_layer") in {(m["model_id"], m["code"]) for m in ranking["unranked"]}


def test_candidates_that_are_not_ready_are_listed_with_the_reason(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        late = a_model(session, state="checking").id

    ranking = ask(served, zoo_ids, candidates={"model_ids": [zoo_ids["cow"], late]}).json()

    assert {"model_id": late, "code": "model_not_ready", "detail": "the model is checking"} in (
        ranking["unranked"]
    )


def test_an_unmeasured_model_is_measured_once_and_then_compared(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        new = a_model(session, name="new").id

    first, second = ask(served, zoo_ids), ask(served, zoo_ids)

    assert (first.status_code, first.json()["state"]) == (202, "pending")
    with served.zoo.transaction() as session:
        jobs = session.scalars(select(JobRecord).order_by(JobRecord.id)).all()
        waits = session.scalars(select(JobDependencyRecord)).all()
    assert [job.method for job in jobs] == ["depara", "ranking", "ranking"]
    assert jobs[0].inputs == {"model_id": new, "dataset_id": zoo_ids["probes"]}
    assert first.json()["job_id"] == jobs[1].id
    assert {(w.job_id, w.depends_on) for w in waits} == {
        (jobs[1].id, jobs[0].id),
        (jobs[2].id, jobs[0].id),
    }
    assert second.json()["id"] != first.json()["id"]


def test_a_failed_measurement_becomes_a_reason(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        new = a_model(session, name="new").id
    answer = ask(served, zoo_ids)
    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord).where(JobRecord.method == "depara")).one()
        job.state, job.error = "failed", {"code": "feature_detached", "detail": "no gradient"}
        ranking = session.get_one(RankingRecord, answer.json()["id"])
        by_graph.finish(session, ranking=ranking)

    filled = served.client.get(answer.headers["Location"]).json()

    assert filled["state"] == "ready"
    reason = {"model_id": new, "code": "feature_detached", "detail": "no gradient"}
    assert reason in filled["unranked"]


def test_attribution_maps_of_a_labeled_target_get_one_reference_network(served: Served, zoo_ids):
    body = {"target": {"dataset_id": zoo_ids["probes"]}, "metric": "attribution"}

    first = served.client.post("/v1/rankings", json=body).json()
    second = served.client.post("/v1/rankings", json=body).json()

    with served.zoo.transaction() as session:
        made = session.scalars(select(ModelRecord).where(ModelRecord.state == "pending")).all()
        methods = session.scalars(select(JobRecord.method).order_by(JobRecord.id)).all()
    assert [model.id for model in made] == [first["target_model_id"]]
    assert second["target_model_id"] == first["target_model_id"]
    assert first["probe_set_id"] == zoo_ids["probes"]
    assert sorted(methods) == ["depara", "ranking", "ranking", "reference_network"]


def test_a_target_without_labels_is_refused(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        flat = a_dataset(served.zoo, session, labels=None).id

    body = {"target": {"dataset_id": flat}, "metric": "depara"}
    answer = served.client.post("/v1/rankings", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "target_unlabeled")


@pytest.mark.parametrize(
    "body",
    [
        {"target": {}},
        {"target": {"model_id": "mdl_1", "dataset_id": "dst_1"}},
        {"target": {"model_id": "mdl_1"}},
        {"target": {"model_id": "mdl_1"}, "probe_set_id": "dst_1", "candidates": {}},
        {"target": {"model_id": "mdl_1"}, "probe_set_id": "dst_1", "metric": "magic"},
    ],
)
def test_a_request_that_contradicts_itself_is_refused(served: Served, body):
    assert served.client.post("/v1/rankings", json=body).status_code == 422


def test_a_failed_ranking_reports_the_reason(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        a_model(session, name="new")
    answer = ask(served, zoo_ids)
    with served.zoo.transaction() as session:
        ranking = session.get_one(RankingRecord, answer.json()["id"])
        ranking.state, ranking.error = "failed", {"code": "target_degenerate", "detail": "flat"}

    response = served.client.get(answer.headers["Location"]).json()

    assert (response["state"], response["error"]["code"]) == ("failed", "target_degenerate")
    assert response["items"] == []


def test_a_ranking_of_another_project_is_not_found(served: Served, zoo_ids):
    path = ask(served, zoo_ids).headers["Location"]
    stranger = served.with_scopes("admin", project="elsewhere")

    assert served.client.get(path).status_code == 200
    assert stranger.get(path).status_code == 404


def test_neighbors_use_sketches_and_exact_similarities_where_available(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        sketches = {"fox": [1.0, 0.0], "hen": [0.9, 0.1], "cow": [0.0, 1.0]}
        made = {}
        for name, (x, y) in sketches.items():
            model = a_model(session, name=name)
            edges = [x / 2, y / 2] + [0.0] * 510
            made[name] = a_graph(session, model, probes, sketch=[x, y] + [0.0] * 1022 + edges)
        an_affinity(session, made["fox"], made["cow"], node=0.25, edge=0.5)
        fox, dataset = made["fox"].model_id, probes.id

    result = served.client.get(
        f"/v1/models/{fox}/neighbors", params={"dataset": dataset, "k": 5, "edge_weight": 1}
    ).json()

    assert [(item["name"], item["exact"]) for item in result["items"]] == [
        ("hen", False),
        ("cow", True),
    ]
    assert result["items"][1]["score"] == pytest.approx(0.75)
    assert result["items"][0]["error"] > 0
    assert result["items"][1]["error"] is None
    unmeasured = served.client.get(
        f"/v1/models/{zoo_ids['owl']}/neighbors", params={"dataset": dataset}
    )
    assert (unmeasured.status_code, unmeasured.json()["code"]) == (404, "not_measured")
