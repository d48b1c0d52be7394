"""Over gRPC, too, names stand for ids, and lists are searched, sorted and counted."""

import json

import grpc

from service.rpc.stubs.zoo.v1 import dataset_service_pb2 as datasets
from service.rpc.stubs.zoo.v1 import key_service_pb2, key_service_pb2_grpc
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as transferability
from tests.rest.served import a_dataset, a_model
from tests.rpc.channels import Dialled, refusal


def test_lists_are_searched_sorted_and_counted(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        for name in ("beta", "alpha", "gamma"):
            a_model(session, name=name, tags=["greek"] if name != "gamma" else [])

    request = models.ListModelsRequest(q="greek", sort="name", include=["total", "facets"])
    answer = dialled.models.ListModels(request)
    plain = dialled.models.ListModels(models.ListModelsRequest())

    assert [model.name for model in answer.items] == ["alpha", "beta"]
    assert (answer.total, plain.HasField("total")) == (2, False)
    tags = next(facet for facet in answer.facets if facet.name == "tag")
    assert [(value.value, value.count) for value in tags.values] == [("greek", 2)]


def test_a_name_stands_for_an_id_in_every_place(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        fox = a_model(session, name="timm/fox").id
        dataset_id = a_dataset(dialled.zoo, session, name="farm").id

    shown = dialled.models.GetModel(models.GetModelRequest(id="timm/fox")).model
    images = dialled.datasets.GetDataset(datasets.GetDatasetRequest(id="farm")).dataset
    request = transferability.RankRequest(metric="logme")
    request.target.dataset_id = "farm"
    ranking = dialled.transferability.Rank(request).ranking
    listed = dialled.transferability.ListRankings(transferability.ListRankingsRequest()).items

    assert (shown.id, images.id, ranking.target_dataset_id) == (fox, dataset_id, dataset_id)
    assert [item.id for item in listed] == [ranking.id]


def test_unknown_and_ambiguous_names_are_refused_as_over_rest(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        a_model(session, name="fox")
        ids = [a_dataset(dialled.zoo, session, name="fox").id for _ in range(2)]

    unknown = refusal(dialled.models.GetModel, models.GetModelRequest(id="fx"))
    ambiguous = refusal(dialled.datasets.GetDataset, datasets.GetDatasetRequest(id="fox"))

    assert (unknown.status, unknown.code) == (grpc.StatusCode.NOT_FOUND, "model_not_found")
    assert "did you mean fox?" in (unknown.remedy or "")
    assert ambiguous.code == "ambiguous_name"
    assert {row["id"] for row in json.loads(ambiguous.metadata["candidates"])} == set(ids)


def test_every_caller_can_read_its_own_key(dialled: Dialled):
    reader = dialled.with_scopes("read")
    keys = key_service_pb2_grpc.KeyServiceStub(reader.channel)

    answer = keys.GetOwnKey(key_service_pb2.GetOwnKeyRequest())

    assert (list(answer.key.scopes), list(answer.held_scopes)) == (["read"], ["read"])
