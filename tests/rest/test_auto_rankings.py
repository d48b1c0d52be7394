"""The metric ``auto`` takes the best evidence there is, says why, and its answer can be acted on."""

import pytest
from sqlalchemy import select

from service.core.catalog.measurement import LABEL_SCORES, Estimator
from service.core.operations.jobs import jobs
from service.core.operations.rankings import fused
from service.core.tables import EstimateRecord, JobRecord, JobState, ModelRecord, RankingRecord
from tests.rest.served import Served, a_dataset, a_graph, a_model, an_affinity, an_estimate
from tests.rest.test_label_rankings import names, posterior_of, record
from zooscope.cli.ranking_report import report_lines

NAMES = ("fox", "hen", "cow")
FLOPS = {"fox": 900, "hen": 100, "cow": 400}
SCORES = {
    "fox": {"linear_cka": 0.9, "h_score": 0.9},
    "hen": {"linear_cka": 0.89, "h_score": 0.88},
    "cow": {"linear_cka": 0.1, "h_score": 0.1},
}


@pytest.fixture
def zoo_ids(served: Served) -> dict[str, str]:
    """A labeled target and three networks with scores on it."""
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session)
        models = {
            name: a_model(session, name=name, flops=FLOPS[name], latency_ms=1.5) for name in NAMES
        }
        for name, model in models.items():
            an_estimate(
                session, model, target, **SCORES[name], label_edges=SCORES[name]["h_score"]
            )
        return {"target": target.id, **{name: model.id for name, model in models.items()}}


def ask(served: Served, **body: object):
    return served.client.post("/v1/rankings", json=body)


def ask_for_the_dataset(served: Served, zoo_ids: dict[str, str], **changes: object):
    return ask(served, target={"dataset_id": zoo_ids["target"]}, **changes)


def item(ranking: dict, name: str) -> dict:
    return next(item for item in ranking["items"] if item["name"] == name)


def test_labels_decide_where_there_is_no_history(served: Served, zoo_ids):
    answer = ask_for_the_dataset(served, zoo_ids)

    ranking = answer.json()
    assert (answer.status_code, ranking["metric"]) == (201, "labels")
    assert names(ranking) == list(NAMES)
    assert ranking["choice"]["metric"] == "labels"
    assert "2 classes" in ranking["choice"]["reason"]
    assert served.client.get(answer.headers["Location"]).json() == ranking


def test_the_advice_names_equals_and_what_is_cheaper(served: Served, zoo_ids):
    ranking = ask_for_the_dataset(served, zoo_ids).json()

    assert ranking["advice"] == (
        "Start from fox or hen; they cannot be told apart; hen is 9.0 times cheaper in operations."
    )


def test_equals_of_the_advice_are_one_group_everywhere(served: Served, zoo_ids):
    ranking = ask_for_the_dataset(served, zoo_ids).json()

    assert {name: item(ranking, name)["group"] for name in NAMES} == {
        "fox": 1,
        "hen": 1,
        "cow": None,
    }
    assert "cannot be told apart from the first: hen" in report_lines(ranking)


def test_costs_stand_beside_quality_with_a_pareto_mark(served: Served, zoo_ids):
    ranking = ask_for_the_dataset(served, zoo_ids).json()

    marks = {name: item(ranking, name)["pareto"] for name in NAMES}
    assert marks == {"fox": True, "hen": True, "cow": False}
    assert (item(ranking, "fox")["flops"], item(ranking, "fox")["parameters"]) == (900, 7)
    assert item(ranking, "fox")["latency_ms"] == 1.5


def test_history_of_the_candidates_joins_the_labels(served: Served, zoo_ids):
    for dataset in ("sea", "sky", "oak"):
        record(served, ("fox", dataset, 0.9), ("hen", dataset, 0.5), ("cow", dataset, 0.4))
    answer = ask_for_the_dataset(served, zoo_ids)
    with served.zoo.transaction() as session:
        ranking = session.get_one(RankingRecord, answer.json()["id"])
        fused.fill(session, ranking=ranking, posterior=posterior_of(zoo_ids))

    ready = served.client.get(answer.headers["Location"]).json()

    assert ready["metric"] == "labels_and_history"
    assert "3 other datasets" in ready["choice"]["reason"]
    assert names(ready) == ["fox", "hen", "cow"]
    assert item(ready, "hen")["mean"] == 0.8
    assert ready["best_set"]["probability"] == 0.9


def test_history_of_other_networks_is_no_evidence(served: Served, zoo_ids):
    for dataset in ("sea", "sky", "oak"):
        record(served, ("yak", dataset, 0.9), ("emu", dataset, 0.5))

    assert ask_for_the_dataset(served, zoo_ids).json()["metric"] == "labels"


def test_a_run_on_the_target_is_history_enough(served: Served, zoo_ids):
    record(served, ("fox", zoo_ids["target"], 0.5))

    ranking = ask_for_the_dataset(served, zoo_ids).json()

    assert ranking["metric"] == "labels_and_history"
    assert "1 measured run" in ranking["choice"]["reason"]


def test_an_unlabeled_target_is_ranked_by_history(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        plain = a_dataset(served.zoo, session, labels=None).id
    for dataset in ("sea", "sky", "oak"):
        record(served, ("fox", dataset, 0.9), ("hen", dataset, 0.5))

    ranking = ask(served, target={"dataset_id": plain}).json()

    assert (ranking["metric"], ranking["choice"]["metric"]) == ("fused", "fused")


def test_a_target_of_which_nothing_is_known_is_refused_with_what_to_do(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        plain = a_dataset(served.zoo, session, labels=None).id

    answer = ask(served, target={"dataset_id": plain})

    assert (answer.status_code, answer.json()["code"]) == (422, "no_evidence")
    assert "labeled images per class" in answer.json()["remedy"]


def test_a_target_network_is_compared_with(served: Served, zoo_ids):
    ranking = ask(
        served, target={"model_id": zoo_ids["fox"]}, probe_set_id=zoo_ids["target"]
    ).json()

    assert (ranking["metric"], ranking["choice"]["metric"]) == ("depara_plus", "depara_plus")


def test_labels_are_the_ideal_graph_of_a_labeled_target(served: Served, zoo_ids):
    answer = ask_for_the_dataset(served, zoo_ids, metric="depara")

    ranking = answer.json()
    assert (answer.status_code, ranking["target_model_id"]) == (201, None)
    assert (ranking["metric"], names(ranking)) == ("depara", list(NAMES))
    assert item(ranking, "fox")["score"] == 0.9
    assert ranking["advice"].startswith("Start from fox")


def test_other_probes_still_compare_with_a_reference_network(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session).id

    ranking = ask_for_the_dataset(served, zoo_ids, metric="depara", probe_set_id=probes).json()

    assert ranking["state"] == "pending"
    assert ranking["target_model_id"] is not None


def test_a_reference_network_near_chance_is_not_compared_with(served: Served, zoo_ids):
    body = {"metric": "attribution"}
    pending = ask_for_the_dataset(served, zoo_ids, **body).json()
    with served.zoo.transaction() as session:
        reference = session.get_one(ModelRecord, pending["target_model_id"])
        measured = {"accuracy": 0.25, "chance": 0.2, "held_out": 40}
        reference.state = "ready"
        reference.lineage = {**(reference.lineage or {}), "measured": measured}

    answer = ask_for_the_dataset(served, zoo_ids, **body)

    assert (answer.status_code, answer.json()["code"]) == (409, "reference_near_chance")
    assert "metric auto" in answer.json()["remedy"]


@pytest.mark.parametrize(
    ("means", "codes"), [([0.9, 0.9], ["probes_of_another_world"]), ([0.35, 0.5], [])]
)
def test_probes_that_look_unlike_the_target_are_warned_of(
    served: Served, zoo_ids, means: list[float], codes: list[str]
):
    deviations = [0.1, 0.1]
    with served.zoo.transaction() as session:
        own = a_dataset(
            served.zoo, session, appearance={"means": [0.3, 0.5], "deviations": deviations}
        ).id
        other = a_dataset(
            served.zoo, session, appearance={"means": means, "deviations": deviations}
        ).id

    ranking = ask(served, target={"dataset_id": own}, probe_set_id=other, metric="depara").json()

    assert [warning["code"] for warning in ranking["warnings"]] == codes


def test_a_zoo_in_which_nothing_fits_says_so(served: Served):
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session)
        for name in NAMES:
            an_estimate(
                session, a_model(session, name=name), target, linear_cka=0.1, linear_probe=0.5
            )
        target_id = target.id

    ranking = ask(served, target={"dataset_id": target_id}).json()

    assert [warning["code"] for warning in ranking["warnings"]] == ["nothing_fits"]
    assert ranking["advice"].startswith("None of these networks")


@pytest.mark.parametrize("metric", [*Estimator, "labels", "depara", "depara_plus"])
def test_every_order_by_labels_warns_of_labels_at_chance(served: Served, metric: str):
    scores = dict.fromkeys(LABEL_SCORES, 0.3) | {"linear_probe": 0.5}
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session)
        for name in NAMES:
            an_estimate(session, a_model(session, name=name), target, **scores)
        target_id = target.id

    ranking = ask(served, target={"dataset_id": target_id}, metric=metric).json()

    assert len(ranking["items"]) == len(NAMES)
    assert [warning["code"] for warning in ranking["warnings"]] == ["nothing_fits"]
    assert ranking["advice"].startswith("None of these networks")


@pytest.mark.parametrize("metric", ["leep", "labels"])
def test_an_order_without_any_linear_probe_says_that_its_fit_is_unknown(
    served: Served, metric: str
):
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session)
        for name in NAMES:
            model = a_model(session, name=name)
            an_estimate(session, model, target, leep=-0.5, linear_cka=0.1)
            session.scalars(
                select(EstimateRecord).where(EstimateRecord.model_id == model.id)
            ).one().scores = {"leep": -0.5, "linear_cka": 0.1}
        target_id = target.id

    ranking = ask(served, target={"dataset_id": target_id}, metric=metric).json()

    assert [warning["code"] for warning in ranking["warnings"]] == ["fit_unknown"]


def test_a_network_that_takes_a_fixed_number_of_images_is_not_ranked(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        rigid = a_model(session, name="rigid", fixed_batch=8).id

    ranking = ask_for_the_dataset(served, zoo_ids).json()

    assert ranking["state"] == "ready"
    assert [(m["model_id"], m["code"]) for m in ranking["unranked"]] == [
        (rigid, "fixed_batch_size")
    ]


@pytest.mark.parametrize(("code", "again"), [("batch_dependent", 0), ("out_of_memory", 1)])
def test_an_estimate_that_failed_for_good_is_not_measured_again(
    served: Served, zoo_ids, code: str, again: int
):
    with served.zoo.transaction() as session:
        owl = a_model(session, name="owl").id
    ask_for_the_dataset(served, zoo_ids)
    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord)).one()
        jobs.end(session, job, JobState.FAILED, error={"code": code, "detail": "no"})

    ranking = ask_for_the_dataset(served, zoo_ids).json()

    with served.zoo.transaction() as session:
        assert len(session.scalars(select(JobRecord)).all()) == 1 + again
    if not again:
        assert (ranking["state"], ranking["job_id"]) == ("ready", None)
        assert {"model_id": owl, "code": code, "detail": "no"} in ranking["unranked"]


def test_a_graph_that_failed_for_good_is_not_measured_again(served: Served, zoo_ids):
    with served.zoo.transaction() as session:
        probes = a_dataset(served.zoo, session)
        graphs_by_name = {
            name: a_graph(session, session.get_one(ModelRecord, zoo_ids[name]), probes)
            for name in ("fox", "hen")
        }
        an_affinity(session, graphs_by_name["fox"], graphs_by_name["hen"], node=0.5, edge=0.5)
        body = {
            "target": {"model_id": zoo_ids["fox"]},
            "probe_set_id": probes.id,
            "metric": "depara",
        }
    ask(served, **body)
    with served.zoo.transaction() as session:
        job = session.scalars(select(JobRecord).where(JobRecord.method == "depara")).one()
        jobs.end(session, job, JobState.FAILED, error={"code": "batch_dependent", "detail": "no"})

    ranking = ask(served, **body).json()

    assert (ranking["state"], names(ranking)) == ("ready", ["hen"])
    assert [m["code"] for m in ranking["unranked"]] == ["batch_dependent"]
