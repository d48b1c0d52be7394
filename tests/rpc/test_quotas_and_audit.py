"""Quotas and the audit log over gRPC: the numbers of a refusal travel with it."""

from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status

from service.core.operations.access import keys
from service.core.operations.quotas import limits
from service.core.operations.quotas.limits import Quota
from service.rpc.stubs.zoo.v1 import (
    audit_service_pb2,
    audit_service_pb2_grpc,
    job_service_pb2,
    quota_service_pb2,
    quota_service_pb2_grpc,
)
from tests.rest.served import a_dataset, a_model
from tests.rpc.channels import Dialled, refusal


def test_quotas_are_set_shown_and_enforced(dialled: Dialled):
    quotas = quota_service_pb2_grpc.QuotaServiceStub(dialled.channel)
    with dialled.zoo.transaction() as session:
        inputs = {
            "model_id": a_model(session).id,
            "dataset_id": a_dataset(dialled.zoo, session).id,
        }

    quotas.SetQuotas(quota_service_pb2.SetQuotasRequest(project="default", queued_jobs=0))
    shown = quotas.GetQuotas(quota_service_pb2.GetQuotasRequest()).quotas
    request = job_service_pb2.SubmitJobRequest(method="depara")
    request.inputs.update(inputs)
    info = ErrorInfo()
    try:
        dialled.jobs.SubmitJob(request)
    except grpc.RpcError as error:
        rpc_status.from_call(error).details[0].Unpack(info)
        status = error.code()

    limit = next(item for item in shown.items if item.quota == quota_service_pb2.QUOTA_QUEUED_JOBS)
    assert (shown.project, limit.limit, limit.used) == ("default", 0, 0)
    assert (status, info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "quota_exceeded")
    numbers = {name: info.metadata[name] for name in ("quota", "limit", "used", "requested")}
    assert numbers == {"quota": "queued_jobs", "limit": "0", "used": "0", "requested": "1"}


def test_a_limit_is_reset_to_the_default(dialled: Dialled):
    quotas = quota_service_pb2_grpc.QuotaServiceStub(dialled.channel)
    with dialled.zoo.transaction() as session:
        keys.issue(session, project="other", name="first", scopes=["read"])
        limits.change(session, project="other", limits={Quota.BYTES: 5}, reset=())

    reset = [quota_service_pb2.QUOTA_BYTES]
    answer = quotas.SetQuotas(quota_service_pb2.SetQuotasRequest(project="other", reset=reset))

    assert not answer.quotas.items[0].HasField("limit")


def test_an_unknown_project_is_refused_with_those_there_are(dialled: Dialled):
    quotas = quota_service_pb2_grpc.QuotaServiceStub(dialled.channel)

    answer = refusal(quotas.SetQuotas, quota_service_pb2.SetQuotasRequest(project="zebra"))

    assert (answer.status, answer.code) == (grpc.StatusCode.NOT_FOUND, "project_not_found")
    assert "the projects are default" in str(answer.remedy)


def test_the_audit_log_is_streamed_from_a_time_on(dialled: Dialled):
    audit = audit_service_pb2_grpc.AuditServiceStub(dialled.channel)
    quotas = quota_service_pb2_grpc.QuotaServiceStub(dialled.channel)
    quotas.SetQuotas(quota_service_pb2.SetQuotasRequest(project="default", models=3))

    whole = [part.event for part in audit.ExportAudit(audit_service_pb2.ExportAuditRequest())]
    tomorrow = Timestamp()
    tomorrow.FromDatetime(datetime.now(UTC) + timedelta(days=1))
    later = list(audit.ExportAudit(audit_service_pb2.ExportAuditRequest(since=tomorrow)))

    event = next(event for event in whole if event.action == "quotas.update")
    assert (event.api, event.outcome, list(event.ids)) == ("grpc", "ok", ["default"])
    assert later == []


def test_only_administrators_read_the_log_and_only_operators_set_quotas(dialled: Dialled):
    reader, other = dialled.with_scopes("read"), dialled.with_scopes("admin", project="other")

    stub = audit_service_pb2_grpc.AuditServiceStub(reader.channel)
    first = refusal(stub.ExportAudit, audit_service_pb2.ExportAuditRequest())
    quotas = quota_service_pb2_grpc.QuotaServiceStub(other.channel)
    second = refusal(quotas.SetQuotas, quota_service_pb2.SetQuotasRequest(project="other"))
    for channel in (reader.channel, other.channel):
        channel.close()

    assert (first.code, second.code) == ("forbidden", "operator_required")
