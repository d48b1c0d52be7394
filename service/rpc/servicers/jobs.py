"""JobService and MethodService: runs, and what can be run."""

from collections.abc import Iterator
from threading import Event

from sqlalchemy.orm import Session

from service.api_state import ApiState
from service.core.catalog import method_named, public_methods
from service.core.operations.access.keys import Scope
from service.core.operations.jobs import jobs
from service.core.operations.jobs.requests import JobRequest, submit_request
from service.core.tables import ArtifactRecord, JobRecord
from service.core.tracing import current_trace_id
from service.job_events import POLL_SECONDS, news
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.idempotency import once
from service.rpc.messages import MessageSize
from service.rpc.scopes import requires
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import job_pb2, method_service_pb2
from service.rpc.stubs.zoo.v1 import job_service_pb2 as wire
from service.rpc.stubs.zoo.v1.job_service_pb2_grpc import JobServiceServicer
from service.rpc.stubs.zoo.v1.method_service_pb2_grpc import MethodServiceServicer
from service.rpc.to_proto import to_proto
from service.rpc.watchers import Watchers
from service.views.jobs import ArtifactView, JobEventView, JobQuery, JobView, MethodView
from service.views.paging import ListView


class JobServicer(Servicer, JobServiceServicer):
    """Serves JobService; calls that watch count among the ``watchers``."""

    def __init__(self, parts: ApiState, *, watchers: Watchers) -> None:
        super().__init__(parts)
        self._watchers = watchers

    @requires(Scope.JOBS, size=MessageSize.LONG)
    def SubmitJob(self, request: wire.SubmitJobRequest, call: RpcCall) -> wire.SubmitJobResponse:
        """Run a method."""
        new = request_of(JobRequest, request, where="body")

        def work(session: Session) -> wire.SubmitJobResponse:
            job = submit_request(
                session, project=call.project, request=new, trace_id=current_trace_id()
            )
            return wire.SubmitJobResponse(job=_job(job))

        return once(self._zoo, call, request=new, shape=wire.SubmitJobResponse, work=work)

    @requires(Scope.READ)
    def GetJob(self, request: wire.GetJobRequest, call: RpcCall) -> wire.GetJobResponse:
        """One job."""
        job = self._parts.row(JobRecord, call.caller, request.id)
        return wire.GetJobResponse(job=_job(job))

    @requires(Scope.READ)
    def ListJobs(self, request: wire.ListJobsRequest, call: RpcCall) -> wire.ListJobsResponse:
        """Jobs that fit, newest first."""
        query = request_of(JobQuery, request, where="query")
        with self._zoo.transaction() as session:
            view = query.page(session, self._parts.tokens, project=call.project)
        return to_proto(view, wire.ListJobsResponse)

    @requires(Scope.JOBS)
    def CancelJob(self, request: wire.CancelJobRequest, call: RpcCall) -> wire.CancelJobResponse:
        """Cancel a queued job, or ask a running one to stop."""
        with self._zoo.transaction() as session:
            job = jobs.cancel(session, project=call.project, job_id=request.id)
            return wire.CancelJobResponse(job=_job(job))

    @requires(Scope.JOBS)
    def RetryJob(self, request: wire.RetryJobRequest, call: RpcCall) -> wire.RetryJobResponse:
        """Queue a failed or cancelled job again; a training resumes from its last checkpoint."""

        def work(session: Session) -> wire.RetryJobResponse:
            job = jobs.retry(session, project=call.project, job_id=request.id)
            return wire.RetryJobResponse(job=_job(job))

        return once(self._zoo, call, request=request.id, shape=wire.RetryJobResponse, work=work)

    @requires(Scope.READ)
    def WatchJob(
        self, request: wire.WatchJobRequest, call: RpcCall
    ) -> Iterator[wire.WatchJobResponse]:
        """Events as they happen, until the job is final, the deadline passes or the key ends."""
        seq = request.after_seq
        happened = Event()
        with (
            self._watchers.admitted(),
            self._parts.listener.subscription(request.id, happened.set),
        ):
            call.context.add_callback(happened.set)
            while call.context.is_active():
                call.stream.require_valid_key()
                events, final = news(self._zoo, project=call.project, job_id=request.id, seq=seq)
                for event in events:
                    seq = event.seq
                    message = to_proto(JobEventView.of(event), job_pb2.JobEvent)
                    yield wire.WatchJobResponse(event=message)
                if final and not events:
                    return
                if not events:
                    happened.wait(POLL_SECONDS)
                    happened.clear()

    @requires(Scope.READ)
    def ListArtifacts(
        self, request: wire.ListArtifactsRequest, call: RpcCall
    ) -> wire.ListArtifactsResponse:
        """The files a job produced."""
        with self._zoo.transaction() as session:
            records = jobs.artifacts(session, project=call.project, job_id=request.job_id)
        view = ListView[ArtifactView](items=[ArtifactView.of(record) for record in records])
        return to_proto(view, wire.ListArtifactsResponse)

    @requires(Scope.READ)
    def DownloadArtifact(
        self, request: wire.DownloadArtifactRequest, call: RpcCall
    ) -> Iterator[wire.DownloadArtifactResponse]:
        """One file that a job produced."""
        record = self._parts.row(ArtifactRecord, call.caller, request.id)
        artifact = to_proto(ArtifactView.of(record), job_pb2.Artifact)
        yield wire.DownloadArtifactResponse(artifact=artifact)
        for piece in pieces(self._zoo.blobs.read(record.sha256)):
            yield wire.DownloadArtifactResponse(chunk=piece)


class MethodServicer(MethodServiceServicer):
    """Serves MethodService."""

    @requires(Scope.READ)
    def ListMethods(
        self, request: method_service_pb2.ListMethodsRequest, call: RpcCall
    ) -> method_service_pb2.ListMethodsResponse:
        """The methods that can be submitted."""
        del request, call
        methods = [MethodView(**spec.describe()) for spec in public_methods()]
        view = ListView[MethodView](items=methods)
        return to_proto(view, method_service_pb2.ListMethodsResponse)

    @requires(Scope.READ)
    def GetMethod(
        self, request: method_service_pb2.GetMethodRequest, call: RpcCall
    ) -> method_service_pb2.GetMethodResponse:
        """One method with the schemas of what it takes."""
        del call
        view = MethodView(**method_named(request.name).describe())
        method = to_proto(view, method_service_pb2.Method)
        return method_service_pb2.GetMethodResponse(method=method)


def _job(record: JobRecord) -> job_pb2.Job:
    return to_proto(JobView.of(record), job_pb2.Job)
