"""Rankings by estimators and by fusion: what is known is answered at once, what cannot be is refused."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select, text

from service.container import Zoo
from service.core.catalog.measurement import RANKING_METRICS
from service.core.operations.jobs import jobs
from service.core.operations.rankings import fused, rankings
from service.core.operations.rankings.requests import RankingRequest
from service.core.tables import JobRecord, JobState, ModelRecord, RankingRecord
from tests.rest.served import Served, a_dataset, a_model, an_estimate
from tests.waiting import eventually
from zooscope.client.rankings import RankingMetric

NAMES = ("fox", "hen", "cow")


@pytest.fixture
def farm(served: Served) -> dict[str, str]:
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


def ask(served: Served, farm: dict[str, str], **changes: object):
    body = {"target": {"dataset_id": farm["target"]}, "metric": "logme", **changes}
    return served.client.post("/v1/rankings", json=body)


def names(ranking: dict) -> list[str]:
    return [item["name"] for item in ranking["items"]]


def baseline(ranking: dict, name: str) -> dict:
    return next(one for one in ranking["baselines"] if one["name"] == name)


def record(served: Served, *rows: tuple[str, str, float]) -> None:
    records = [{"model": m, "dataset": d, "value": v} for m, d, v in rows]
    assert served.client.post("/v1/accuracies", json={"accuracies": records}).status_code == 201


def test_judged_networks_are_ordered_at_once(served: Served, farm):
    answer = ask(served, farm)

    ranking = answer.json()
    assert (answer.status_code, ranking["state"], ranking["job_id"]) == (201, "ready", None)
    assert names(ranking) == ["hen", "fox", "cow"]
    assert (ranking["target_model_id"], ranking["target_dataset_id"]) == (None, farm["target"])
    assert ranking["items"][0]["score"] == 0.75
    assert served.client.get(answer.headers["Location"]).json() == ranking


def test_who_lacks_an_estimator_is_told_why(served: Served, farm):
    ranking = ask(served, farm, metric="leep").json()

    assert names(ranking) == ["fox", "hen"]
    detail = "the network is no classifier"
    assert ranking["unranked"] == [
        {"model_id": farm["cow"], "code": "no_class_logits", "detail": detail}
    ]


def test_who_is_not_judged_is_judged_by_one_job(served: Served, farm):
    with served.zoo.transaction() as session:
        owl = a_model(session, name="owl").id

    first, second = ask(served, farm), ask(served, farm, metric="parc")

    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord)).one()
    assert (first.status_code, first.json()["job_id"]) == (202, job.id)
    assert first.json()["progress"] == {"step": 0, "total": 1, "message": "measuring"}
    assert (job.method, job.inputs["model_id"]) == ("transferability_estimators", owl)
    assert second.json()["job_id"] == job.id


def test_rankings_go_on_when_their_last_judgement_fails(served: Served, farm):
    with served.zoo.transaction() as session:
        owl = a_model(session, name="owl").id
    waiting = [ask(served, farm).headers["Location"] for _ in range(2)]
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


def test_a_judgement_that_ends_while_a_ranking_is_asked_for_still_fills_it(served: Served, farm):
    zoo = served.zoo
    with zoo.transaction() as session:
        a_model(session, name="owl")
    shared = ask(served, farm).json()["job_id"]
    body = {"target": {"dataset_id": farm["target"]}, "metric": "logme"}

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
def test_labels_are_needed_where_labels_are_looked_at(served: Served, farm, metric):
    with served.zoo.transaction() as session:
        plain = a_dataset(served.zoo, session, labels=None).id

    answer = ask(served, farm, metric=metric, target={"dataset_id": plain})

    assert (answer.status_code, answer.json()["code"]) == (422, "target_unlabeled")
    known = ask(served, farm, metric="fused", target={"dataset_id": plain}, estimators="known")
    assert known.status_code == 202


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"metric": "magic"}, "must be one of attribution, depara"),
        ({"target": {"model_id": "mdl_1"}, "probe_set_id": "dst_1"}, "ranks for a dataset"),
        ({"probe_set_id": "dst_1"}, "leave probe_set_id out"),
        ({"edge_weight": 1}, "has no edges"),
        ({"settings": {"min_valid": 0.5}}, "leave them out"),
        ({"estimators": "known"}, "belongs to the metric fused"),
        ({"target": {"dataset_id": "dst_0"}}, "no dataset dst_0"),
    ],
)
def test_what_does_not_fit_the_metric_is_refused(served: Served, farm, changed, said):
    answer = ask(served, farm, **changed)

    assert answer.status_code == 422
    assert said in answer.json()["detail"]


def test_baselines_stand_beside_every_ranking(served: Served, farm):
    record(served, ("fox", "sea", 0.9), ("hen", "sea", 0.5), (farm["cow"], "sea", 0.7))
    record(served, ("fox", "farm", 0.1), ("hen", "farm", 0.2))

    ranking = ask(served, farm).json()

    static = baseline(ranking, "static")
    assert [one["model_id"] for one in static["items"]] == [farm["fox"], farm["cow"], farm["hen"]]
    assert static["items"][0]["value"] == pytest.approx(1.5**0.5)
    sizes = baseline(ranking, "parameters")
    assert [one["value"] for one in sizes["items"]] == [2, 1, 0]
    assert baseline(ranking, "upstream_accuracy")["reason"]["code"] == "no_upstream_accuracy"


def test_accuracy_on_what_a_network_was_trained_on_is_a_baseline(served: Served, farm):
    with served.zoo.transaction() as session:
        fox = session.get_one(ModelRecord, farm["fox"])
        fox.manifest = {**fox.manifest, "trained_on": "dens"}
    record(served, ("fox", "dens", 0.875), ("hen", "dens", 0.5))

    items = baseline(ask(served, farm).json(), "upstream_accuracy")["items"]

    assert items == [{"model_id": farm["fox"], "value": 0.875}]


def test_a_fused_ranking_is_filled_by_its_job(served: Served, farm):
    record(served, ("fox", "sea", 0.9), ("hen", "sea", 0.5), ("fox", "farm", 0.75))
    answer = ask(served, farm, metric="fused")
    pending = answer.json()
    assert (answer.status_code, pending["state"]) == (202, "pending")
    assert pending["progress"] == {"step": 0, "total": 1, "message": "comparing"}
    with served.zoo.transaction() as session:
        assert session.scalars(select(JobRecord.id)).one() == pending["job_id"]
        ranking = session.get_one(RankingRecord, pending["id"])
        evidence = fused.take(session, ranking=ranking)
        fused.fill(session, ranking=ranking, found=_posterior(farm))

    told = served.client.get(answer.headers["Location"]).json()

    row = evidence["models"].index(farm["fox"])
    assert (evidence["measured"][row], evidence["accuracies"][row]) == (0.75, [0.9])
    assert evidence["scores"]["logme"][row] == 0.5
    assert names(told) == ["hen", "fox", "cow"]
    assert told["items"][0]["p_best"] == 0.7
    assert told["items"][0]["interval"] == pytest.approx([0.7, 0.9])
    assert told["best_set"]["model_ids"] == [farm["fox"], farm["hen"]]
    assert told["measure_next"] == [farm["hen"]]
    assert told["evidence"] == {"history": 1.0}
    again = ask(served, farm, metric="fused")
    assert (again.status_code, again.json()["items"]) == (201, told["items"])


def _posterior(farm: dict[str, str]) -> dict:
    """What the method hands back."""
    spread = {"deviation": 0.1, "expected_regret": 0.05, "measured": None}
    estimates_ = [
        {"model": farm[name], "mean": mean, "low": mean - 0.1, "high": mean + 0.1, "p_best": p}
        for name, mean, p in (("hen", 0.8, 0.7), ("fox", 0.8, 0.2), ("cow", 0.5, 0.1))
    ]
    return {
        "estimates": [{**one, **spread} for one in estimates_],
        "best_set": [farm["fox"], farm["hen"]],
        "best_set_probability": 0.9,
        "expected_regret": 0.05,
        "measure_next": [farm["hen"]],
        "evidence": {"history": 1.0},
    }


def test_a_network_that_stands_for_the_target_is_no_candidate_unless_named(served: Served, farm):
    lineage = {"method": "reference_network", "datasets": [farm["target"]]}
    with served.zoo.transaction() as session:
        stand_in = a_model(session, name="stand-in", lineage=lineage).id

    unnamed = ask(served, farm).json()
    named = ask(served, farm, candidates={"model_ids": [farm["fox"], stand_in]}).json()

    assert unnamed["state"] == "ready"
    assert named["state"] == "pending"


def test_the_client_names_the_metrics_that_the_zoo_knows():
    assert set(RankingMetric.__args__) == set(RANKING_METRICS)
