"""An answer says what it is worth: probes in effect, groups, copies, history, and its duration."""

from typing import Any

import pytest
from sqlalchemy import func, select

from service.core.operations.rankings import fused
from service.core.tables import AffinityRecord, ImageRecord, JobRecord, ModelRecord, RankingRecord
from tests.rest.served import Served, a_dataset, a_graph, a_model, an_affinity


def probe_set(served: Served, session: Any, *, copies: list[int]) -> Any:
    """A probe set in which the n-th different image occurs ``copies[n]`` times."""
    dataset = a_dataset(served.zoo, session, images=sum(copies))
    session.query(ImageRecord).filter_by(dataset_id=dataset.id).delete()
    digests = [f"{image:064x}" for image, number in enumerate(copies) for _ in range(number)]
    for position, digest in enumerate(digests):
        session.add(
            ImageRecord(
                dataset_id=dataset.id, position=position, name=f"{position}.png", label=None,
                sha256=digest, media_type="image/png", start=0, length=1, width=2, height=2,
            )
        )  # fmt: skip
    session.flush()
    return dataset


def ids(
    served: Served, *, copies: list[int], scores: tuple[float, ...] = (0.5,)
) -> dict[str, Any]:
    """A target and measured candidates on such a probe set."""
    with served.zoo.transaction() as session:
        probes = probe_set(served, session, copies=copies)
        target = a_model(session, name="target", layers=[
            {"name": "conv", "kind": "conv", "shape": [4]}, {"name": "fc", "kind": "linear", "shape": [2]},
        ])  # fmt: skip
        graph = a_graph(session, target, probes)
        models = []
        for number, score in enumerate(scores):
            model = a_model(session, name=f"net{number}")
            an_affinity(session, graph, a_graph(session, model, probes), node=score, edge=None)
            models.append(model.id)
        return {"probes": probes.id, "target": target.id, "models": models}


def rank(served: Served, made: dict[str, Any], **changes: Any):
    body = {
        "target": {"model_id": made["target"]},
        "probe_set_id": made["probes"],
        "metric": "attribution",
        **changes,
    }
    return served.client.post("/v1/rankings", json=body)


@pytest.mark.parametrize("copies", [[1], [12], [1] * 4, [100, 1, 1, 1, 1, 1]])
def test_a_ranking_on_too_few_different_images_is_refused(served: Served, copies):
    answer = rank(served, ids(served, copies=copies))

    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "too_few_probes")
    assert problem["errors"][0]["pointer"] == "/probe_set_id"
    assert "copies do not count" in problem["remedy"]


def test_a_layer_selection_on_too_few_different_images_is_refused(served: Served):
    made = ids(served, copies=[12])

    answer = served.client.post(
        "/v1/layer-selections",
        json={
            "source_model_id": made["target"],
            "target": {"model_id": made["models"][0]},
            "probe_set_id": made["probes"],
        },
    )

    assert (answer.status_code, answer.json()["code"]) == (422, "too_few_probes")


@pytest.mark.parametrize(("images", "codes"), [(29, ["few_probes"]), (30, [])])
def test_a_ranking_on_few_probes_says_so(served: Served, images, codes):
    ranking = rank(served, ids(served, copies=[1] * images)).json()

    assert ranking["effective_probes"] == images
    assert [warning["code"] for warning in ranking["warnings"]] == codes


@pytest.mark.parametrize(("copies", "is_enough"), [([4] * 40, False), ([1] * 128, True)])
def test_a_ranking_says_whether_more_probes_would_help(served: Served, copies, is_enough):
    advice = rank(served, ids(served, copies=copies)).json()["probes_advice"]

    assert advice.startswith(f"{len(copies)} different probes: ")
    assert ("hardly changed" in advice) is is_enough


def test_copies_of_images_widen_the_interval(served: Served):
    def width(copies: list[int]) -> float:
        made = ids(served, copies=copies)
        with served.zoo.transaction() as session:
            for affinity in session.scalars(select(AffinityRecord)):
                affinity.valid_probes = sum(copies)
        own = {"model_ids": made["models"]}
        low, high = rank(served, made, candidates=own).json()["items"][0]["interval"]
        return high - low

    assert width([4] * 10) == pytest.approx(2 * width([1] * 40))


def test_items_with_overlapping_intervals_share_a_group(served: Served):
    # The standard deviation of every score is 0.1, so 90 % intervals reach 0.164 to each side.
    ranking = rank(served, ids(served, copies=[1] * 30, scores=(0.9, 0.8, 0.5, 0.3, 0.1))).json()

    assert [item["group"] for item in ranking["items"]] == [1, 1, 2, 2, 3]


def test_candidates_with_the_same_weights_are_named_side_by_side(served: Served):
    made = ids(served, copies=[1] * 30, scores=(0.5, 0.5, 0.4))
    first, second, other = made["models"]
    with served.zoo.transaction() as session:
        for id_ in (first, second):
            session.get_one(ModelRecord, id_).weights_sha256 = "c" * 64

    items = {item["model_id"]: item for item in rank(served, made).json()["items"]}

    assert items[first]["same_weights_as"] == [second]
    assert items[second]["same_weights_as"] == [first]
    assert items[other]["same_weights_as"] == []


def posterior(models: list[str], *, measured: str | None) -> dict[str, Any]:
    estimates = [
        {
            "model": model, "mean": 0.5, "deviation": 0.1, "low": 0.4, "high": 0.6, "p_best": 0.3,
            "expected_regret": 0.1, "measured": 0.5 if model == measured else None,
        }
        for model in models
    ]  # fmt: skip
    return {
        "estimates": estimates,
        "best_set": models,
        "best_set_probability": 1.0,
        "expected_regret": 0.1,
        "measure_next": models[1:],
        "evidence": {"history": 1.0},
    }


def fused_ranking(served: Served, *, weights: list[str | None], measured: int | None) -> dict:
    with served.zoo.transaction() as session:
        target = a_dataset(served.zoo, session)
        models = [a_model(session, name=f"n{n}", weights_sha256=w) for n, w in enumerate(weights)]
        ids_ = [model.id for model in models]
        target_id = target.id
    body = {
        "target": {"dataset_id": target_id},
        "metric": "fused",
        "estimators": "known",
        "candidates": {"model_ids": ids_},
    }
    ranking = served.client.post("/v1/rankings", json=body).json()
    with served.zoo.transaction() as session:
        record = session.get_one(RankingRecord, ranking["id"])
        chosen = None if measured is None else ids_[measured]
        fused.fill(session, ranking=record, posterior=posterior(ids_, measured=chosen))
    shown = served.client.get(f"/v1/rankings/{ranking['id']}").json()
    return {**shown, "ids": ids_}


def test_a_copy_of_a_measured_network_is_never_suggested(served: Served):
    ranking = fused_ranking(served, weights=["d" * 64, "d" * 64, None], measured=0)

    assert ranking["measure_next"] == [ranking["ids"][2]]


def test_copies_are_suggested_once(served: Served):
    ranking = fused_ranking(served, weights=[None, "d" * 64, "d" * 64], measured=None)

    assert ranking["measure_next"] == [ranking["ids"][1]]


def test_fused_says_that_its_intervals_are_wide_without_history(served: Served):
    ranking = fused_ranking(served, weights=[None, None], measured=None)

    assert [warning["code"] for warning in ranking["warnings"]] == ["no_history"]
    assert "accuracies" in ranking["warnings"][0]["remedy"]


def test_fused_with_history_does_not_warn(served: Served):
    records = [{"model": "elsewhere", "dataset": "cars", "value": 0.5}]
    assert served.client.post("/v1/accuracies", json={"accuracies": records}).status_code == 201

    ranking = fused_ranking(served, weights=[None, None], measured=None)

    assert ranking["warnings"] == []


def estimate(served: Served, made: dict[str, Any], **changes: Any) -> dict:
    body = {
        "target": {"model_id": made["target"]},
        "probe_set_id": made["probes"],
        "metric": "attribution",
        **changes,
    }
    answer = served.client.post("/v1/rankings:estimate", json=body)
    assert answer.status_code == 200
    return answer.json()


def a_finished_depara_job(model: str, probes: str, *, seconds: int) -> JobRecord:
    lasting = func.make_interval(0, 0, 0, 0, 0, 0, seconds)
    return JobRecord(
        id="job_1", project="default", method="depara", method_version=1, state="succeeded",
        params={}, inputs={"model_id": model, "dataset_id": probes}, progress={},
        started_at=func.now(), finished_at=func.now() + lasting,
    )  # fmt: skip


def jobs(served: Served) -> int:
    with served.zoo.transaction() as session:
        return session.scalar(select(func.count()).select_from(JobRecord)) or 0


def test_the_estimate_of_a_measured_ranking_is_nothing_to_wait_for(served: Served):
    made = ids(served, copies=[1] * 30)

    answer = estimate(served, made)

    assert (answer["seconds"], answer["steps"], answer["candidates"]) == (0, [], 1)


def test_an_estimate_lists_the_jobs_and_starts_none(served: Served):
    made = ids(served, copies=[1] * 30)
    with served.zoo.transaction() as session:
        for number in range(3):
            a_model(session, name=f"new{number}")
    before = jobs(served)

    answer = estimate(served, made)

    counts = {step["method"]: step["jobs"] for step in answer["steps"]}
    assert counts == {"depara": 3, "ranking": 1}
    assert jobs(served) == before
    with served.zoo.transaction() as session:
        assert session.scalar(select(func.count()).select_from(RankingRecord)) == 0


def test_an_estimate_follows_earlier_jobs_in_proportion_to_their_operations(served: Served):
    made = ids(served, copies=[1] * 30)
    with served.zoo.transaction() as session:
        earlier = a_model(session, name="earlier", flops=1000, state="rejected")
        a_model(session, name="new", flops=4000)
        session.add(a_finished_depara_job(earlier.id, made["probes"], seconds=2))

    answer = estimate(served, made)

    step = next(step for step in answer["steps"] if step["method"] == "depara")
    assert (step["seconds"], step["basis"]) == (pytest.approx(8.0), "earlier_jobs")


def test_an_estimate_counts_no_gradient_where_none_is_needed(served: Served):
    made = ids(served, copies=[1] * 30, scores=(0.9,))
    with served.zoo.transaction() as session:
        session.add(a_finished_depara_job(made["models"][0], made["probes"], seconds=9))

    seconds = {
        metric: estimate(served, made, metric=metric)["steps"][0]["seconds"]
        for metric in ("depara_plus", "dds", "rsa", "linear_cka")
    }

    assert seconds["depara_plus"] == 18.0
    assert {seconds[metric] for metric in ("dds", "rsa", "linear_cka")} == {6.0}


def test_an_estimate_refuses_what_the_ranking_would_refuse(served: Served):
    made = ids(served, copies=[3])
    body = {"target": {"model_id": made["target"]}, "probe_set_id": made["probes"]}

    answer = served.client.post("/v1/rankings:estimate", json=body)

    assert (answer.status_code, answer.json()["code"]) == (422, "too_few_probes")
