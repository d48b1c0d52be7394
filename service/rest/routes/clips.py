"""/v1/datasets/{dataset_id}/clips: the clips of a dataset, and pictures of them."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.core.operations.zoo import clips
from service.core.operations.zoo.clips import ClipPicture
from service.rest.dependencies import (
    AppStateDep,
    AppZoo,
    DatasetId,
    IfNoneMatch,
    Position,
    Reader,
)
from service.rest.openapi import body_of
from service.rest.responses import json_response, part_response
from service.rest.scoped_route import ScopedRoute
from service.views.clips import ClipView
from service.views.paging import ListView, PageQuery, list_view

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=ScopedRoute)
_PNG = body_of("image/png", headers=["Cache-Control"])


@router.get("/{dataset_id}/clips", response_model=ListView[ClipView])
def index(
    dataset_id: DatasetId,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """List the clips of a dataset in order, with transcripts and links to their pictures."""
    scope = [caller.project, "clips", dataset_id]
    with app_state.zoo.transaction() as session:
        read = partial(clips.clips, session, project=caller.project, dataset_id=dataset_id)
        view = list_view(read, ClipView.of, query, tokens=app_state.tokens, scope=scope)
    return json_response(view)


@router.get("/{dataset_id}/clips/{index}/poster", response_class=Response, responses=_PNG)
def poster(
    dataset_id: DatasetId,
    index: Position,
    zoo: AppZoo,
    caller: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get the middle frame of a clip with a box around the part that is read, as PNG."""
    with zoo.transaction() as session:
        picture = clips.picture_location(
            session,
            project=caller.project,
            dataset_id=dataset_id,
            position=index,
            picture=ClipPicture.POSTER,
        )
    return part_response(picture, zoo.blobs, if_none_match, media_type="image/png")


@router.get("/{dataset_id}/clips/{index}/mel", response_class=Response, responses=_PNG)
def mel(
    dataset_id: DatasetId,
    index: Position,
    zoo: AppZoo,
    caller: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get a picture of a clip's log-mel frames, time to the right and high tones on top, as PNG."""
    with zoo.transaction() as session:
        picture = clips.picture_location(
            session,
            project=caller.project,
            dataset_id=dataset_id,
            position=index,
            picture=ClipPicture.MEL,
        )
    return part_response(picture, zoo.blobs, if_none_match, media_type="image/png")
