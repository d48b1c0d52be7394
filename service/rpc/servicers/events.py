"""EventService: what changes in the project."""

from collections.abc import Iterator
from threading import Event

from pydantic import BaseModel, Field

from service.api_state import ApiState
from service.core.operations.access.keys import Scope
from service.core.operations.project_events import POSITION_PATTERN
from service.job_events import POLL_SECONDS
from service.project_feed import ProjectFeed
from service.rpc.context import RpcCall, Servicer
from service.rpc.from_proto import request_of
from service.rpc.scopes import requires
from service.rpc.stubs.zoo.v1 import event_service_pb2 as wire
from service.rpc.stubs.zoo.v1.event_service_pb2_grpc import EventServiceServicer
from service.rpc.to_proto import to_proto
from service.rpc.watchers import Watchers
from service.views.events import ProjectEventView


class _WatchRequest(BaseModel):
    """Where to resume."""

    after_id: str | None = Field(default=None, pattern=POSITION_PATTERN)


class EventServicer(Servicer, EventServiceServicer):
    """Serves EventService; its calls count among the ``watchers``."""

    def __init__(self, parts: ApiState, *, watchers: Watchers) -> None:
        super().__init__(parts)
        self._watchers = watchers

    @requires(Scope.READ)
    def WatchEvents(
        self, request: wire.WatchEventsRequest, call: RpcCall
    ) -> Iterator[wire.WatchEventsResponse]:
        """Events as they happen, until the deadline passes or the key ends."""
        after = request_of(_WatchRequest, request, where="body").after_id
        feed = ProjectFeed.after(self._zoo, project=call.project, event_id=after)
        happened = Event()
        with (
            self._watchers.admitted(),
            self._parts.listener.subscription(call.project, happened.set),
        ):
            call.context.add_callback(happened.set)
            yield wire.WatchEventsResponse(id=str(feed.position))
            while call.context.is_active():
                call.stream.require_valid_key()
                events = feed.read()
                for event in events:
                    message = to_proto(ProjectEventView.of(event), wire.ProjectEvent)
                    yield wire.WatchEventsResponse(id=message.id, event=message)
                if not events:
                    happened.wait(POLL_SECONDS)
                    happened.clear()
