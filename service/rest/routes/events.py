"""/v1/events: what changes in the project, as it happens."""

import math
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Header, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from service.core.operations.project_events import POSITION_PATTERN
from service.project_feed import ProjectFeed
from service.rest.dependencies import AppState, AppStateDep, Reader
from service.rest.event_streams import closing_event, stream_schema
from service.rest.job_events import next_events
from service.rest.scoped_route import ScopedRoute
from service.views.events import ProjectEventView

_EVENT = 'id: 1041-77\nevent: models\ndata: {"kind": "models", "change": "created"}\n\n'

router = APIRouter(prefix="/v1", tags=["events"], route_class=ScopedRoute)


async def _feed(
    app_state: AppStateDep,
    caller: Reader,
    last_event_id: Annotated[
        str | None,
        Header(pattern=POSITION_PATTERN, description="Resume after this event."),
    ] = None,
) -> ProjectFeed:
    """The feed to stream, checked before any event is sent."""
    begin = partial(
        ProjectFeed.after, app_state.zoo, project=caller.project, event_id=last_event_id
    )
    return await run_in_threadpool(begin)


@router.get(
    "/events",
    response_class=EventSourceResponse,
    openapi_extra=stream_schema("ProjectEventView", example=_EVENT),
)
async def events(
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    feed: Annotated[ProjectFeed, Depends(_feed)],
) -> AsyncIterator[ServerSentEvent]:
    """Stream the changes in the project, from now on or after `Last-Event-ID`; it does not end.

    The first message has only an `id` to resume after; 409 `events_expired` after an hour. When the
    stream cannot continue, its last event is of the type `error`; its data is a problem document.
    """
    yield ServerSentEvent(id=str(feed.position))
    try:
        with app_state.key_watch.stream(caller) as stream:
            async for event in _events(app_state, feed, stream.require_valid_key):
                yield event
    except Exception as error:
        last = closing_event(error, request)
        if last is None:
            raise
        yield last


async def _events(
    app_state: AppState, feed: ProjectFeed, require_valid_key: Callable[[], None]
) -> AsyncIterator[ServerSentEvent]:
    """The events of a project. Raises UnauthenticatedError."""
    with next_events(app_state.listener, feed.project) as next_event:
        while True:
            require_valid_key()
            new_events = await run_in_threadpool(feed.read)
            for event in new_events:
                view = ProjectEventView.of(event)
                yield ServerSentEvent(raw_data=view.model_dump_json(), event=view.kind, id=view.id)
            if not new_events:
                await next_event(math.inf)
