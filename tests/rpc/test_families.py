"""Relatives and their confirmation over gRPC, as over REST."""

import grpc

from service.core.operations.families.recording import record_sketch
from service.rpc.stubs.zoo.v1 import model_service_pb2 as models
from tests.core.families.tensors import random_tensors, stored
from tests.rest.served import a_model
from tests.rpc.channels import Dialled, refusal


def two_relatives(dialled: Dialled) -> tuple[str, str]:
    """Ids of a network and its half precision."""
    tensors = random_tensors(0)
    weights = {"fox": tensors, "hen": [tensor.half().float() for tensor in tensors]}
    ids = []
    with dialled.zoo.transaction() as session:
        for number, (name, values) in enumerate(weights.items()):
            model = a_model(session, name=name, weights_sha256=f"{number:064x}")
            session.flush()
            record_sketch(session, model, weights=stored(values), others=5)
            ids.append(model.id)
    return ids[0], ids[1]


def test_a_family_names_relation_descent_and_evidence(dialled: Dialled):
    fox, _ = two_relatives(dialled)

    (relative,) = dialled.models.GetFamily(models.GetFamilyRequest(id="hen")).relatives

    assert (relative.model_id, relative.relation) == (fox, "half_precision")
    assert (relative.descent, relative.near_copy) == ("ancestor", True)
    assert list(relative.evidence.tensors) == [5, 5]
    assert not relative.HasField("confirmed")


def test_a_confirmed_descent_is_part_of_the_lineage(dialled: Dialled):
    fox, hen = two_relatives(dialled)

    request = models.ConfirmFamilyRequest(id=hen, relative_id="fox")
    relative = dialled.models.ConfirmFamily(request).relative

    assert relative.confirmed == "ancestor"
    assert relative.confirmed_at.seconds > 0
    (answer,) = dialled.models.GetLineage(models.GetLineageRequest(id=hen))
    edges = [(edge.source, edge.target, edge.role) for edge in answer.lineage.edges]
    assert edges == [(fox, hen, "confirmed")]


def test_a_network_without_a_sketch_is_not_measured(dialled: Dialled):
    with dialled.zoo.transaction() as session:
        id_ = a_model(session).id

    error = refusal(dialled.models.GetFamily, models.GetFamilyRequest(id=id_))

    assert (error.status, error.code) == (grpc.StatusCode.NOT_FOUND, "not_measured")
