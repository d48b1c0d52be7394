"""/v1/concept-searches: which output units of the zoo recognize what a few images show."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations import owned_rows
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.concepts import searches
from service.core.operations.concepts.requests import ConceptSearchRequest
from service.core.tables import ConceptSearchRecord, JobRecord
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
from service.views.concept_searches import (
    ConceptSearchQuery,
    ConceptSearchSummaryView,
    ConceptSearchView,
)
from service.views.paging import ListView

router = APIRouter(
    prefix="/v1/concept-searches", tags=["concept searches"], route_class=ScopedRoute
)


@router.post(
    "",
    status_code=201,
    response_model=ConceptSearchView,
    responses={
        202: {"model": ConceptSearchView, "description": "Pending; the job `job_id` computes it"}
    },
    max_body_size=LONG_LISTS,
)
async def create(body: ConceptSearchRequest, submission: SubmissionDep) -> Response:
    """Find output units that recognize what a dataset shows: 201 if already found, otherwise 202."""

    def read(_job: JobRecord, pending: StoredResponse) -> StoredResponse:
        return _response(_view(submission.app_state, submission.caller, created_id(pending)))

    return await create_and_wait(
        submission,
        ["POST /v1/concept-searches", body.model_dump(mode="json")],
        work=partial(_created, submission.caller, body),
        read=read,
    )


def _created(caller: Caller, body: ConceptSearchRequest, session: Session) -> StoredResponse:
    record = searches.create(session, project=caller.project, request=body)
    session.refresh(record)
    return _response(ConceptSearchView.of(session, record))


def _response(view: ConceptSearchView) -> StoredResponse:
    """201 once the search is ready or failed, otherwise 202 with its present job."""
    headers = {"Location": f"/v1/concept-searches/{view.id}"}
    if view.state == "pending":
        headers[JOB_HEADER] = view.job_id or ""
        return stored_response(view, status=202, headers=headers)
    return stored_response(view, status=201, headers=headers)


@router.get("", response_model=ListView[ConceptSearchSummaryView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[ConceptSearchQuery, Query()]
) -> Response:
    """List the concept searches of the project, newest first, without their units."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/{search_id}", response_model=ConceptSearchView)
def show(
    search_id: Id, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Get a concept search with the units that it found."""
    view = _view(app_state, caller, search_id)
    return body_response(body_of(view.model_dump_json().encode()), if_none_match)


def _view(app_state: AppState, caller: Caller, search_id: str) -> ConceptSearchView:
    with app_state.zoo.transaction() as session:
        record = owned_rows.get(session, ConceptSearchRecord, project=caller.project, id=search_id)
        return ConceptSearchView.of(session, record)
