"""Versions, aliases and the duration of a ranking over gRPC, as over REST."""

import grpc

from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as rankings
from tests.rest.served import a_dataset, a_model
from tests.rpc.channels import Dialled, refusal


def test_an_alias_names_one_version_until_it_moves(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        first, second = (a_model(session, name="fox", name_version=n).id for n in (1, 2))

    for id_ in (first, second):
        dialled.models.SetModelAlias(models.SetModelAliasRequest(id=id_, alias="prod"))

    by_alias = dialled.models.GetModel(models.GetModelRequest(id="fox@prod")).model
    by_version = dialled.models.GetModel(models.GetModelRequest(id="fox:1")).model
    assert (by_alias.id, by_alias.version, list(by_alias.aliases)) == (second, 2, ["prod"])
    assert (by_version.id, list(by_version.aliases)) == (first, [])


def test_a_removed_alias_names_nothing(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        id_ = a_model(session, name="fox").id
    dialled.models.SetModelAlias(models.SetModelAliasRequest(id=id_, alias="prod"))

    dialled.models.DeleteModelAlias(models.DeleteModelAliasRequest(id=id_, alias="prod"))

    error = refusal(dialled.models.GetModel, models.GetModelRequest(id="fox@prod"))
    assert (error.status, error.code) == (grpc.StatusCode.NOT_FOUND, "model_not_found")
    assert "fox:1" in error.remedy


def test_the_facts_of_a_network_say_what_it_returns_and_who_shares_its_weights(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        facts = {"outputs": [{"name": "logits", "shape": [2]}], "output": "logits"}
        facts |= {"output_scale": "probabilities", "weights_sha256": "a" * 64}
        first, second = (a_model(session, name=name, **facts).id for name in ("fox", "hen"))

    model = dialled.models.GetModel(models.GetModelRequest(id=first)).model

    assert [(output.name, list(output.shape)) for output in model.outputs] == [("logits", [2])]
    assert (model.output, model.output_scale) == ("logits", "probabilities")
    assert list(model.same_weights_as) == [second]


def test_the_time_of_a_ranking_is_estimated_without_a_job(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        target, candidate = (a_model(session, name=name) for name in ("fox", "hen"))
        asked = rankings.RankRequest(
            target=rankings.RankTarget(model_id=target.id), probe_set_id=probes.id
        )
        del candidate

    estimate = dialled.transferability.EstimateRanking(
        rankings.EstimateRankingRequest(ranking=asked)
    ).estimate

    assert {step.method: step.jobs for step in estimate.steps} == {"depara": 2, "ranking": 1}
    assert (estimate.candidates, estimate.other_jobs) == (1, 0)
