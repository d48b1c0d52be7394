"""/v1/layer-selections: which layer of one network to build on."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations import owned_rows, stored_answers
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.layers import selections
from service.core.operations.layers.requests import LayerReading, LayerSelectionRequest
from service.core.tables import JobRecord, LayerSelectionRecord, LayerSelectionState
from service.rest.creation import JOB_HEADER, create_and_wait, created_id
from service.rest.dependencies import (
    AppState,
    AppStateDep,
    Id,
    IfNoneMatch,
    Reader,
    SubmissionDep,
)
from service.rest.json_route import LONG_LISTS
from service.rest.ranking_cache import body_of, body_response
from service.rest.responses import json_response, stored_response
from service.rest.scoped_route import ScopedRoute
from service.views.layer_selections import (
    LayerSelectionQuery,
    LayerSelectionSummaryView,
    LayerSelectionView,
    layer_selection_view,
)
from service.views.paging import ListView

router = APIRouter(
    prefix="/v1/layer-selections", tags=["layer selections"], route_class=ScopedRoute
)


@router.post(
    "",
    status_code=201,
    response_model=LayerSelectionView,
    responses={
        202: {"model": LayerSelectionView, "description": "Pending; the job `job_id` computes it"}
    },
    max_body_size=LONG_LISTS,
)
async def create(body: LayerSelectionRequest, submission: SubmissionDep) -> Response:
    """Compare the layers of a source model with a target: 201 if already computed, otherwise 202."""

    def read(_job: JobRecord, pending: StoredResponse) -> StoredResponse:
        view = _view(submission.app_state, submission.caller, created_id(pending), body.weight)
        location = {"Location": pending.headers["Location"]}
        return stored_response(view, status=201, headers=location)

    return await create_and_wait(
        submission,
        ["POST /v1/layer-selections", body.model_dump(mode="json")],
        work=partial(_created, submission.caller, body),
        read=read,
    )


def _created(caller: Caller, body: LayerSelectionRequest, session: Session) -> StoredResponse:
    record = selections.create(session, project=caller.project, request=body)
    session.refresh(record)
    progress = stored_answers.progress(session, record)
    view = layer_selection_view(record, edge_weight=body.weight, progress=progress)
    # The stored selection has no weight; the URL of this reading includes it.
    headers = {"Location": f"/v1/layer-selections/{record.id}?edge_weight={body.weight:g}"}
    if record.state == LayerSelectionState.READY:
        return stored_response(view, status=201, headers=headers)
    return stored_response(view, status=202, headers={**headers, JOB_HEADER: record.job_id or ""})


@router.get("", response_model=ListView[LayerSelectionSummaryView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[LayerSelectionQuery, Query()]
) -> Response:
    """List the layer selections of the project, newest first, without their scores."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/{selection_id}", response_model=LayerSelectionView)
def show(
    selection_id: Id,
    app_state: AppStateDep,
    caller: Reader,
    reading: Annotated[LayerReading, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get a selection for `scarce` or `ample` data or by an `edge_weight`; `ample` by default."""
    view = _view(app_state, caller, selection_id, reading.weight)
    return body_response(body_of(view.model_dump_json().encode()), if_none_match)


def _view(
    app_state: AppState, caller: Caller, selection_id: str, weight: float
) -> LayerSelectionView:
    with app_state.zoo.transaction() as session:
        record = owned_rows.get(
            session, LayerSelectionRecord, project=caller.project, id=selection_id
        )
        progress = stored_answers.progress(session, record)
    return layer_selection_view(record, edge_weight=weight, progress=progress)
