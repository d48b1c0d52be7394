"""Rankings by estimators and by fusion use known results and refuse invalid requests."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from service.container import Zoo
from service.core.catalog.measurement import RANKING_METRICS
from service.core.operations.jobs import jobs
from service.core.operations.rankings import fused, rankings
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord, RankingRecord
from tests.rest.served import Served, a_dataset, a_model, an_estimate
from tests.waiting import eventually
from zooscope.client.rankings import RankingMetric

NAMES = ("fox", "hen", "cow")


@pytest.fixture
def zoo_ids(served: Served) -> dict[str, str]:
    """A labelled target and three judged networks, one of them without class logits."""
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session)
        models = {
            name: a_model(session, name=name, parameters=size) for size, name in enumerate(NAMES)
        }
        an_estimate(session, models["fox"], target, logme=0.5, leep=-1.0)
        an_estimate(session, models["hen"], target, logme=0.75, leep=-2.0)
        an_estimate(session, models["cow"], target, logme=0.25)
        return {"target": target.id, **{name: model.id for name, model in models.items()}}


def ask(served: Served, zoo_ids: dict[str, str], **changes: object):
    body = {"target": {"dataset_id": zoo_ids["target"]}, "metric": "logme", **changes}
    return served.client.post("/v1/rankings", json=body)


def names(ranking: dict) -> list[str]:
    return [item["name"] for item in ranking["items"]]


def baseline(ranking: dict, name: str) -> dict:
    return next(item for item in ranking["baselines"] if item["name"] == name)


def record(served: Served, *rows: tuple[str, str, float]) -> None:
    records = [{"model": m, "dataset": d, "value": v} for m, d, v in rows]
    assert served.client.post("/v1/accuracies", json={"accuracies": records}).status_code == 201


def test_networks_with_estimates_are_ranked_immediately(served: Served, zoo_ids):
    answer = ask(served, zoo_ids)

    ranking = answer.json()
    assert (answer.status_code, ranking["state"], ranking["job_id"]) == (201, "ready", None)
    assert names(ranking) == ["hen", "fox", "cow"]
    assert (ranking["target_model_id"], ranking["target_dataset_id"]) == (None, zoo_ids["target"])
    assert ranking["items"][0]["score"] == 0.75
    assert served.client.get(answer.headers["Location"]).json() == ranking


def test_a_network_without_an_estimate_has_a_reason(served: Served, zoo_ids):
    ranking = ask(served, zoo_ids, metric="leep").json()

    assert names(ranking) == ["fox", "hen"]
    detail = "the network is no classifier"
    assert ranking["unranked"] == [
        {"model_id": zoo_ids["cow"], "code": "no_class_logits", "detail": detail}
    ]


def test_missing_estimates_are_computed_by_one_job(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        owl = a_model(session, name="owl").id

    first, second = ask(served, zoo_ids), ask(served, zoo_ids, metric="parc")

    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord)).one()
    assert (first.status_code, first.json()["job_id"]) == (202, job.id)
    assert first.json()["progress"] == {"step": 0, "total": 1, "message": "measuring"}
    assert (job.method, job.inputs["model_id"]) == ("transferability_estimators", owl)
    assert second.json()["job_id"] == job.id


def test_rankings_are_filled_when_their_last_estimate_fails(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        owl = a_model(session, name="owl").id
    waiting = [ask(served, zoo_ids).headers["Location"] for _ in range(2)]
    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord)).one()
        error = {"code": "out_of_memory", "detail": "too large"}
        jobs.end(session, job, JobState.FAILED, error=error)

    for path in waiting:
        ranking = served.client.get(path).json()
        assert (ranking["state"], names(ranking)) == ("ready", ["hen", "fox", "cow"])
        assert {"model_id": owl, **error} in ranking["unranked"]


def waits_for_a_lock(zoo: Zoo) -> bool:
    """Whether a transaction of the zoo waits for another one."""
    waiting = text(
        "SELECT count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    with zoo.transaction() as session:
        return bool(session.scalar(waiting))


def test_an_estimate_that_finishes_during_the_request_fills_the_ranking(served: Served, zoo_ids):
    zoo = served.zoo
    with zoo.transaction() as session:
        a_model(session, name="owl")
    shared = ask(served, zoo_ids).json()["job_id"]
    body = {"target": {"dataset_id": zoo_ids["target"]}, "metric": "logme"}

    def cancel() -> None:
        with zoo.transaction() as session:
            jobs.cancel(session, project="default", job_id=shared)

    with ThreadPoolExecutor(1) as other:
        with zoo.transaction() as session:
            request = RankingRequest.model_validate(body)
            late = rankings.create(session, project="default", request=request)
            ended = other.submit(cancel)
            assert late.state == "pending"
            eventually(lambda: waits_for_a_lock(zoo))
            assert not ended.done()
        ended.result()

    assert served.client.get(f"/v1/rankings/{late.id}").json()["state"] == "ready"


@pytest.mark.parametrize("metric", ["logme", "fused"])
def test_metrics_that_use_labels_require_labels(served: Served, zoo_ids, metric):
    with served.zoo.transaction() as session:
        plain = a_dataset(served.zoo, session, labels=None).id

    answer = ask(served, zoo_ids, metric=metric, target={"dataset_id": plain})

    assert (answer.status_code, answer.json()["code"]) == (422, "target_unlabeled")
    expected = ask(
        served, zoo_ids, metric="fused", target={"dataset_id": plain}, estimators="known"
    )
    assert expected.status_code == 202


@pytest.mark.parametrize(
    ("changed", "output"),
    [
        ({"metric": "magic"}, "must be one of auto, attribution, depara"),
        (
            {"target": {"model_id": "mdl_1"}, "probe_set_id": "dst_1"},
            "needs a dataset as its target",
        ),
        ({"probe_set_id": "dst_1"}, "omit probe_set_id"),
        ({"edge_weight": 1}, "has no edges"),
        ({"settings": {"min_valid": 0.5}}, "omit them"),
        ({"estimators": "known"}, "only the metrics fused"),
        ({"target": {"dataset_id": "dst_0"}}, "no dataset dst_0"),
    ],
)
def test_options_of_another_metric_are_refused(served: Served, zoo_ids, changed, output):
    answer = ask(served, zoo_ids, **changed)

    assert answer.status_code == 422
    assert output in answer.json()["detail"]


def test_every_ranking_has_baselines(served: Served, zoo_ids):
    record(served, ("fox", "sea", 0.9), ("hen", "sea", 0.5), (zoo_ids["cow"], "sea", 0.7))
    record(served, ("fox", "farm", 0.1), ("hen", "farm", 0.2))

    ranking = ask(served, zoo_ids).json()

    static = baseline(ranking, "static")
    assert [item["model_id"] for item in static["items"]] == [
        zoo_ids["fox"],
        zoo_ids["cow"],
        zoo_ids["hen"],
    ]
    assert static["items"][0]["value"] == pytest.approx(1.5**0.5)
    sizes = baseline(ranking, "parameters")
    assert [item["value"] for item in sizes["items"]] == [2, 1, 0]
    assert baseline(ranking, "upstream_accuracy")["reason"]["code"] == "no_upstream_accuracy"


def test_accuracy_on_what_a_network_was_trained_on_is_a_baseline(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        fox = session.get_one(ModelRecord, zoo_ids["fox"])
        fox.manifest = {**fox.manifest, "trained_on": "dens"}
    record(served, ("fox", "dens", 0.875), ("hen", "dens", 0.5))

    items = baseline(ask(served, zoo_ids).json(), "upstream_accuracy")["items"]

    assert items == [{"model_id": zoo_ids["fox"], "value": 0.875}]


def test_a_fused_ranking_is_filled_by_its_job(served: Served, zoo_ids):
    record(served, ("fox", "sea", 0.9), ("hen", "sea", 0.5), ("fox", "farm", 0.75))
    answer = ask(served, zoo_ids, metric="fused")
    pending = answer.json()
    assert (answer.status_code, pending["state"]) == (202, "pending")
    assert pending["progress"] == {"step": 0, "total": 1, "message": "comparing"}
    with served.zoo.transaction() as session:
        assert session.scalars(select(JobRecord.id)).one() == pending["job_id"]
        ranking = session.get_one(RankingRecord, pending["id"])
        evidence = fused.take_evidence(session, ranking=ranking)
        fused.fill(session, ranking=ranking, posterior=posterior_of(zoo_ids))

    response = served.client.get(answer.headers["Location"]).json()

    row = evidence["models"].index(zoo_ids["fox"])
    assert (evidence["measured"][row], evidence["accuracies"][row]) == (0.75, [0.9])
    assert evidence["scores"]["logme"][row] == 0.5
    assert names(response) == ["hen", "fox", "cow"]
    assert response["items"][0]["p_best"] == 0.7
    assert response["items"][0]["interval"] == pytest.approx([0.7, 0.9])
    assert response["best_set"]["model_ids"] == [zoo_ids["fox"], zoo_ids["hen"]]
    assert response["measure_next"] == [zoo_ids["hen"]]
    assert response["evidence"] == {"history": 1.0}
    again = ask(served, zoo_ids, metric="fused")
    assert (again.status_code, again.json()["items"]) == (201, response["items"])


def posterior_of(zoo_ids: dict[str, str]) -> dict:
    """What the method hands back."""
    spread = {"deviation": 0.1, "expected_regret": 0.05, "measured": None}
    estimates_ = [
        {"model": zoo_ids[name], "mean": mean, "low": mean - 0.1, "high": mean + 0.1, "p_best": p}
        for name, mean, p in (("hen", 0.8, 0.7), ("fox", 0.8, 0.2), ("cow", 0.5, 0.1))
    ]
    return {
        "estimates": [{**item, **spread} for item in estimates_],
        "best_set": [zoo_ids["fox"], zoo_ids["hen"]],
        "best_set_probability": 0.9,
        "expected_regret": 0.05,
        "measure_next": [zoo_ids["hen"]],
        "evidence": {"history": 1.0},
    }


def test_an_estimate_of_a_network_whose_task_changed_is_measured_again(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        task = {"kind": "classification", "text": ""}
        owl = a_model(session, output_kind="vector", manifest={"name": "owl", "task": task})
        an_estimate(session, owl, session.get_one(DatasetRecord, zoo_ids["target"]), logme=0.1)
        owl_id = owl.id
    before = ask(served, zoo_ids)
    path = f"/v1/models/{owl_id}"
    etag = served.client.get(path).headers["ETag"]
    other = {"task": {"kind": "other"}}
    changed = served.client.patch(path, json=other, headers={"If-Match": etag})

    after = ask(served, zoo_ids)

    assert (before.status_code, changed.status_code, after.status_code) == (201, 200, 202)
    with served.zoo.transaction() as session:
        measured = [job.inputs["model_id"] for job in session.scalars(select(JobRecord))]
    assert measured == [owl_id]


def test_a_reference_network_of_the_target_is_a_candidate_only_if_named(served: Served, zoo_ids):
    lineage = {"method": "reference_network", "datasets": [zoo_ids["target"]]}
    with served.zoo.transaction() as session:
        stand_in = a_model(session, name="stand-in", lineage=lineage).id

    unnamed = ask(served, zoo_ids).json()
    named = ask(served, zoo_ids, candidates={"model_ids": [zoo_ids["fox"], stand_in]}).json()

    assert unnamed["state"] == "ready"
    assert named["state"] == "pending"


def test_the_client_has_the_metrics_of_the_zoo():
    assert set(RankingMetric.__args__) == set(RANKING_METRICS)
