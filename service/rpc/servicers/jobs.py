"""JobService and MethodService: runs, and what can be run."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import BoundedSemaphore

from sqlalchemy.orm import Session

from service.core.catalog import method_named, public_methods
from service.core.errors import UnavailableError
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.operations.jobs.requests import JobRequest, submit_request
from service.core.tables import ArtifactRecord, JobEventRecord, JobRecord, JobState
from service.core.tracing import current_trace_id
from service.rpc import to_proto
from service.rpc.context import RpcCall, RpcState
from service.rpc.from_proto import fit, given, page_size, plain, state_name
from service.rpc.idempotency import once
from service.rpc.streaming import pieces
from service.rpc.stubs.zoo.v1 import job_pb2, method_service_pb2
from service.rpc.stubs.zoo.v1 import job_service_pb2 as wire
from service.rpc.stubs.zoo.v1.job_service_pb2_grpc import JobServiceServicer
from service.rpc.stubs.zoo.v1.method_service_pb2_grpc import MethodServiceServicer

_EVENTS_AT_ONCE = 500


class JobServicer(JobServiceServicer):
    """Serves JobService; at most ``watchers`` calls may watch at once, each holds a thread."""

    def __init__(self, parts: RpcState, *, watchers: int) -> None:
        self._parts = parts
        self._zoo = parts.zoo
        self._places = BoundedSemaphore(watchers)

    def SubmitJob(self, request: wire.SubmitJobRequest, call: RpcCall) -> wire.SubmitJobResponse:
        """Run a method."""
        asked = fit(JobRequest, plain(request), where="body")

        def work(session: Session) -> wire.SubmitJobResponse:
            job = submit_request(
                session, project=call.project, request=asked, trace_id=current_trace_id()
            )
            return wire.SubmitJobResponse(job=to_proto.job(job))

        key = asked.model_dump(mode="json")
        return once(self._zoo, call, request=key, shape=wire.SubmitJobResponse, work=work)

    def GetJob(self, request: wire.GetJobRequest, call: RpcCall) -> wire.GetJobResponse:
        """One job."""
        with self._zoo.transaction() as session:
            job = owned_rows.get(session, JobRecord, project=call.project, id=request.id)
        return wire.GetJobResponse(job=to_proto.job(job))

    def ListJobs(self, request: wire.ListJobsRequest, call: RpcCall) -> wire.ListJobsResponse:
        """Jobs that fit, newest first."""
        state = state_name(request, job_pb2.JobState, "JOB_STATE_")
        method = given(request, "method")
        scope = [call.project, "jobs", state, method]
        with self._zoo.transaction() as session:
            found = jobs.page(
                session,
                project=call.project,
                state=None if state is None else JobState(state),
                method=method,
                after=self._parts.tokens.read(given(request, "page_token"), scope=scope),
                limit=page_size(request),
            )
        return wire.ListJobsResponse(
            jobs=[to_proto.job(job) for job in found.items],
            next_page_token=self._parts.tokens.make(found.next_after, scope=scope) or "",
        )

    def CancelJob(self, request: wire.CancelJobRequest, call: RpcCall) -> wire.CancelJobResponse:
        """Cancel a queued job, or ask a running one to stop."""
        with self._zoo.transaction() as session:
            job = jobs.cancel(session, project=call.project, job_id=request.id)
            return wire.CancelJobResponse(job=to_proto.job(job))

    def RetryJob(self, request: wire.RetryJobRequest, call: RpcCall) -> wire.RetryJobResponse:
        """Queue a failed or cancelled job again; a training goes on from its last checkpoint."""

        def work(session: Session) -> wire.RetryJobResponse:
            job = jobs.retry(session, project=call.project, job_id=request.id)
            return wire.RetryJobResponse(job=to_proto.job(job))

        return once(self._zoo, call, request=request.id, shape=wire.RetryJobResponse, work=work)

    def WatchJob(
        self, request: wire.WatchJobRequest, call: RpcCall
    ) -> Iterator[wire.WatchJobResponse]:
        """Events as they happen, until the job is final, the deadline passes or the caller leaves."""
        seq = request.after_seq
        with self._place(), self._parts.listener.subscription(request.id) as subscription:
            call.context.add_callback(subscription.wake)
            while call.context.is_active():
                found, final = self._news(call, request.id, seq)
                for event in found:
                    seq = event.seq
                    yield wire.WatchJobResponse(event=to_proto.event(event))
                if final and not found:
                    return
                if not found:
                    subscription.hear()

    def _news(self, call: RpcCall, job_id: str, seq: int) -> tuple[Sequence[JobEventRecord], bool]:
        """Events behind ``seq``, and whether the job has ended."""
        with self._zoo.transaction() as session:
            final = jobs.is_final(
                owned_rows.get(session, JobRecord, project=call.project, id=job_id)
            )
            return jobs.events_after(session, job_id=job_id, seq=seq, limit=_EVENTS_AT_ONCE), final

    @contextmanager
    def _place(self) -> Iterator[None]:
        """A place among the watchers."""
        if not self._places.acquire(blocking=False):
            raise UnavailableError(
                "too many calls watch jobs here",
                code="too_many_watchers",
                remedy="ask with GetJob now and then, or watch again later",
            )
        try:
            yield
        finally:
            self._places.release()

    def ListArtifacts(
        self, request: wire.ListArtifactsRequest, call: RpcCall
    ) -> wire.ListArtifactsResponse:
        """The files a job produced."""
        with self._zoo.transaction() as session:
            found = jobs.artifacts(session, project=call.project, job_id=request.job_id)
        return wire.ListArtifactsResponse(artifacts=[to_proto.artifact(one) for one in found])

    def DownloadArtifact(
        self, request: wire.DownloadArtifactRequest, call: RpcCall
    ) -> Iterator[wire.DownloadArtifactResponse]:
        """One file that a job produced."""
        with self._zoo.transaction() as session:
            record = owned_rows.get(session, ArtifactRecord, project=call.project, id=request.id)
        yield wire.DownloadArtifactResponse(artifact=to_proto.artifact(record))
        for piece in pieces(self._zoo.blobs.read(record.sha256)):
            yield wire.DownloadArtifactResponse(chunk=piece)


class MethodServicer(MethodServiceServicer):
    """Serves MethodService."""

    def ListMethods(
        self, request: method_service_pb2.ListMethodsRequest, call: RpcCall
    ) -> method_service_pb2.ListMethodsResponse:
        """The methods that can be submitted."""
        del request, call
        found = [to_proto.method(spec.describe()) for spec in public_methods()]
        return method_service_pb2.ListMethodsResponse(methods=found)

    def GetMethod(
        self, request: method_service_pb2.GetMethodRequest, call: RpcCall
    ) -> method_service_pb2.GetMethodResponse:
        """One method with the schemas of what it takes."""
        del call
        found = to_proto.method(method_named(request.name).describe())
        return method_service_pb2.GetMethodResponse(method=found)
