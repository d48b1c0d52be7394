"""Layers are selected over gRPC as over REST: the same selection, the same words, the same refusals."""

from typing import Any

import grpc
import pytest

from service.core.operations.layers import selections
from service.core.tables import LayerSelectionRecord
from service.rpc.stubs.zoo.v1 import layer_selection_pb2
from service.rpc.stubs.zoo.v1 import transferability_service_pb2 as wire
from tests.rest.served import a_dataset, a_model
from tests.rest.test_layer_selections import LAYERS, PARTS
from tests.rpc.channels import Dialled, refusal

STATES = layer_selection_pb2.LayerSelectionState


@pytest.fixture
def zoo_ids(dialled: Dialled) -> dict[str, str]:
    with dialled.zoo.transaction() as session:
        probes = a_dataset(dialled.zoo, session)
        fox = a_model(session, name="fox", layers=LAYERS, feature_layer="pool")
        hen = a_model(session, name="hen", layers=LAYERS, output_kind="vector")
        return {"probes": probes.id, "fox": fox.id, "hen": hen.id}


def request(zoo_ids: dict[str, str], **changes: Any) -> wire.SelectLayerRequest:
    asked = wire.SelectLayerRequest(
        source_model_id=zoo_ids["fox"],
        target=wire.RankTarget(model_id=zoo_ids["hen"]),
        probe_set_id=zoo_ids["probes"],
    )
    asked.MergeFrom(wire.SelectLayerRequest(**changes))
    return asked


def record_of(dialled: Dialled, selection_id: str) -> LayerSelectionRecord:
    with dialled.zoo.transaction() as session:
        return session.get_one(LayerSelectionRecord, selection_id)


def test_a_selection_is_pending_then_ready_and_read_by_its_weight(
    dialled: Dialled, zoo_ids
) -> None:
    call = dialled.transferability
    first = call.SelectLayer(request(zoo_ids)).selection
    with dialled.zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, first.id)
        selections.finish(record, layers=PARTS, measured={})

    again = call.SelectLayer(request(zoo_ids, data="scarce")).selection
    nodes = call.GetLayerSelection(
        wire.GetLayerSelectionRequest(id=first.id, edge_weight=0)
    ).selection

    assert first.state == STATES.LAYER_SELECTION_STATE_PENDING
    assert first.progress.message == "waiting"
    assert (again.id, again.state) == (first.id, STATES.LAYER_SELECTION_STATE_READY)
    assert (again.edge_weight, again.choice.layer, again.choice.runner_up) == (10, "pool", "act")
    assert again.choice.margin == pytest.approx(3.2 - 1.5)
    assert (nodes.choice.layer, nodes.choice.score) == ("fc", 0.9)
    assert again.baselines.deepest == "pool"
    assert not again.layers[2].HasField("score")
    assert list(again.layers[0].shape) == [4]


def test_layers_may_be_named_or_all(dialled: Dialled, zoo_ids) -> None:
    named = request(zoo_ids, names={"values": ["fc", "conv"]})
    everything = request(zoo_ids, range="all")

    ids = [
        dialled.transferability.SelectLayer(asked).selection.id for asked in (named, everything)
    ]

    assert [record_of(dialled, id_).candidates for id_ in ids] == [
        ["conv", "fc"],
        ["conv", "act", "pool"],
    ]


def test_refusals_carry_the_same_codes(dialled: Dialled, zoo_ids) -> None:
    call = dialled.transferability
    nowhere = request(zoo_ids, names={"values": ["nowhere"]})
    bad = request(zoo_ids, edge_weight=-1)

    unknown = refusal(call.SelectLayer, nowhere)
    weight = refusal(call.SelectLayer, bad)
    missing = refusal(call.GetLayerSelection, wire.GetLayerSelectionRequest(id="lay_0"))
    reader = refusal(dialled.with_scopes("read").transferability.SelectLayer, request(zoo_ids))

    assert (unknown.status, unknown.code) == (grpc.StatusCode.INVALID_ARGUMENT, "unknown_layer")
    assert unknown.fields == ("/layers/0",)
    assert weight.status is grpc.StatusCode.INVALID_ARGUMENT
    assert (missing.status, missing.code) == (
        grpc.StatusCode.NOT_FOUND,
        "layer_selection_not_found",
    )
    assert reader.status is grpc.StatusCode.PERMISSION_DENIED
