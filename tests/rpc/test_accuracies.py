"""Accuracies are stored and listed as over REST, and rankings that use them are returned in full."""

import grpc

from service.core.operations.rankings import fused
from service.core.tables import RankingRecord
from service.rpc.stubs.zoo.v1 import accuracy_service_pb2 as wire
from service.rpc.stubs.zoo.v1.transferability_service_pb2 import GetRankingRequest, RankRequest
from tests.rest.served import a_dataset, a_model
from tests.rpc.channels import Dialled, refusal


def test_records_are_kept_listed_and_forgotten(dialled: Dialled):
    row = wire.NewAccuracy(model="oak", dataset="leaves", value=0, seed=2**53 + 1)

    added = dialled.accuracies.AddAccuracies(wire.AddAccuraciesRequest(accuracies=[row]))

    listed = dialled.accuracies.ListAccuracies(wire.ListAccuraciesRequest(model="oak"))
    assert added.new == 1
    assert list(listed.items) == list(added.items)
    assert (listed.items[0].seed, listed.items[0].protocol) == (2**53 + 1, "other")
    dialled.accuracies.DeleteAccuracy(wire.DeleteAccuracyRequest(id=added.items[0].id))
    assert not dialled.accuracies.ListAccuracies(wire.ListAccuraciesRequest()).items


def test_an_invalid_row_is_named(dialled: Dialled):
    rows = [wire.NewAccuracy(model="oak", dataset="leaves", value=value) for value in (0.5, 7)]

    error = refusal(dialled.accuracies.AddAccuracies, wire.AddAccuraciesRequest(accuracies=rows))

    assert error.status is grpc.StatusCode.INVALID_ARGUMENT
    assert error.fields == ("/body/accuracies/1",)


def test_a_ranking_by_history_has_its_findings_and_baselines(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        target = a_dataset(dialled.zoo, session).id
        fox, hen = (a_model(session, name=name).id for name in ("fox", "hen"))
    rows = [
        wire.NewAccuracy(model=name, dataset="sea", value=value)
        for name, value in (("fox", 0.9), ("hen", 0.5))
    ]
    dialled.accuracies.AddAccuracies(wire.AddAccuraciesRequest(accuracies=rows))
    asked = RankRequest(target={"dataset_id": target}, metric="fused", estimators="known")
    pending = dialled.transferability.Rank(asked).ranking
    posterior = {
        "estimates": [
            {
                "model": model, "mean": mean, "deviation": 0.1, "low": 0.0, "high": 1.0,
                "p_best": mean, "expected_regret": 0.0, "measured": None,
            }
            for model, mean in ((fox, 0.75), (hen, 0.25))
        ],
        "best_set": [fox], "best_set_probability": 0.75, "expected_regret": 0.0,
        "measure_next": [fox], "evidence": {"history": 1.0},
    }  # fmt: skip
    with dialled.zoo.transaction() as session:
        ranking = session.get_one(RankingRecord, pending.id)
        fused.fill(session, ranking=ranking, posterior=posterior)

    message = dialled.transferability.GetRanking(GetRankingRequest(id=pending.id)).ranking

    first = message.items[0]
    assert (first.model_id, first.mean, first.p_best, first.interval[1]) == (fox, 0.75, 0.75, 1)
    assert not first.HasField("valid_probes")
    assert (list(message.best_set.model_ids), message.best_set.coverage) == ([fox], 0.8)
    assert (list(message.measure_next), dict(message.evidence)) == ([fox], {"history": 1.0})
    assert [item.model_id for item in message.baselines[0].items] == [fox, hen]
    assert message.baselines[2].reason.code == "no_upstream_accuracy"
    assert (message.target_dataset_id, message.HasField("target_model_id")) == (target, False)
