"""Nobody passes the gRPC door without a key that allows it, and every error has one shape."""

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from sqlalchemy.exc import OperationalError

from service.container import Zoo
from service.core.errors import FencedError, RefusedUploadError, ZooError
from service.core.operations.access import keys
from service.core.operations.access.keys import Scope
from service.rest import error_handlers
from service.rpc import errors
from service.rpc.scopes import required_scopes
from service.rpc.servicers.accuracies import AccuracyServicer
from service.rpc.servicers.concepts import ConceptServicer
from service.rpc.servicers.datasets import DatasetServicer
from service.rpc.servicers.jobs import JobServicer, MethodServicer
from service.rpc.servicers.keys import KeyServicer
from service.rpc.servicers.models import ModelServicer
from service.rpc.servicers.transferability import TransferabilityServicer
from service.rpc.stubs.zoo.v1 import (
    accuracy_service_pb2,
    concept_service_pb2,
    dataset_service_pb2,
    job_service_pb2,
    key_service_pb2,
    method_service_pb2,
    model_service_pb2,
    model_service_pb2_grpc,
    transferability_service_pb2,
)
from service.views.foreseen import foreseen
from tests.rpc.channels import Dialled, channel_to, listening, refusal

LIST = model_service_pb2.ListModelsRequest()
PROTOCOL = (
    model_service_pb2,
    dataset_service_pb2,
    transferability_service_pb2,
    concept_service_pb2,
    accuracy_service_pb2,
    job_service_pb2,
    method_service_pb2,
    key_service_pb2,
)
SERVICERS = {
    "ModelService": ModelServicer,
    "DatasetService": DatasetServicer,
    "TransferabilityService": TransferabilityServicer,
    "ConceptService": ConceptServicer,
    "AccuracyService": AccuracyServicer,
    "JobService": JobServicer,
    "MethodService": MethodServicer,
    "KeyService": KeyServicer,
}


def _services() -> list[ServiceDescriptor]:
    return [s for module in PROTOCOL for s in module.DESCRIPTOR.services_by_name.values()]


@pytest.mark.parametrize(
    ("service", "rpc"), [(s.name, method.name) for s in _services() for method in s.methods]
)
def test_every_rpc_has_a_scope_and_reading_needs_no_other(service: str, rpc: str):
    scopes = required_scopes(getattr(SERVICERS[service], rpc))

    reads = rpc.startswith(("Get", "List", "Download", "Watch", "Predict"))
    assert (scopes == (Scope.READ,)) == (reads and service != "KeyService")


def test_an_rpc_without_a_scope_is_refused_to_everybody():
    with pytest.raises(AttributeError):
        required_scopes(print)


def test_both_apis_translate_the_same_errors():
    assert set(errors.STATUS) == set(error_handlers.STATUS) >= set(ZooError.__subclasses__())


@pytest.mark.parametrize("kind", [FencedError, RefusedUploadError])
def test_a_descendant_takes_the_status_of_its_class(kind: type[ZooError]):
    assert errors.status_of(kind("no")) in {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
    }


def test_a_database_that_is_away_is_reported_as_unavailable():
    status = errors.answer_to(
        foreseen(OperationalError("select", {}, Exception()))  # type: ignore[arg-type]
    )

    info = ErrorInfo()
    status.details[0].Unpack(info)
    assert (status.code, info.reason) == (14, "database_unavailable")


@pytest.mark.parametrize("token", [None, "zoo_nobody_nothing", "nonsense", ""])
def test_a_call_without_a_known_key_is_refused(dialled: Dialled, token: str | None):
    with channel_to(dialled.address, token) as channel:
        error = refusal(model_service_pb2_grpc.ModelServiceStub(channel).ListModels, LIST)

    assert (error.status, error.code) == (grpc.StatusCode.UNAUTHENTICATED, "unauthenticated")
    assert error.remedy


def test_a_reader_reads_and_does_nothing_else(dialled: Dialled):
    reader = dialled.with_scopes("read")

    assert list(reader.models.ListModels(LIST).items) == []
    for call, request in (
        (reader.models.DeleteModel, model_service_pb2.DeleteModelRequest(id="mdl_1")),
        (reader.jobs.SubmitJob, job_service_pb2.SubmitJobRequest(method="depara")),
        (reader.models.CreateModel, iter([model_service_pb2.CreateModelRequest()])),
    ):
        error = refusal(call, request)
        assert (error.status, error.code) == (grpc.StatusCode.PERMISSION_DENIED, "forbidden")
    reader.channel.close()


def test_projects_do_not_see_each_other(dialled: Dialled):
    stranger = dialled.with_scopes("read", project="elsewhere")
    from tests.rest.served import a_model

    with dialled.zoo.transaction() as session:
        id_ = a_model(session).id

    error = refusal(stranger.models.GetModel, model_service_pb2.GetModelRequest(id=id_))

    assert error.code == "model_not_found"
    stranger.channel.close()


def test_too_many_calls_with_one_key_are_refused(zoo: Zoo):
    from dataclasses import replace

    strict = replace(zoo, settings=zoo.settings.model_copy(update={"rate_limit": "2/day"}))
    with zoo.transaction() as session:
        key = keys.issue(session, project="default", name="a key", scopes=["read"])
    with listening(strict) as address, channel_to(address, key.token) as channel:
        stub = model_service_pb2_grpc.ModelServiceStub(channel)
        stub.ListModels(LIST)
        stub.ListModels(LIST)

        error = refusal(stub.ListModels, LIST)

    assert (error.status, error.code) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "rate_limited")


def test_values_that_cannot_be_stored_are_refused_and_not_a_crash(dialled: Dialled):
    error = refusal(dialled.models.GetModel, model_service_pb2.GetModelRequest(id="mdl_\x00"))

    assert error.code == "invalid_request"


def test_health_and_reflection_need_no_key(dialled: Dialled):
    with channel_to(dialled.address) as channel:
        health = health_pb2_grpc.HealthStub(channel).Check(
            health_pb2.HealthCheckRequest(service="zoo.v1.JobService")
        )
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        response = next(
            reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(iter([asked]))
        )

    assert health.status == health_pb2.HealthCheckResponse.SERVING
    names = {service.name for service in response.list_services_response.service}
    assert {s.full_name for s in _services()} < names
