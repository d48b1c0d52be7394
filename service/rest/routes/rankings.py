"""/v1/rankings: which model to start from."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic_core import to_json
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations import owned_rows
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.rankings import rankings
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import JobRecord, RankingRecord, RankingState
from service.rest.creation import JOB_HEADER, create_and_wait, created_id
from service.rest.dependencies import (
    AppState,
    AppStateDep,
    AppZoo,
    Id,
    IfNoneMatch,
    Reader,
    Submission,
    SubmissionDep,
    Submitter,
)
from service.rest.json_route import LONG_LISTS
from service.rest.ranking_cache import CachedBody, body_of, body_response
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.views.paging import ListView
from service.views.rankings import (
    RankingEstimateView,
    RankingQuery,
    RankingReading,
    RankingSummaryView,
    RankingView,
    ranking_values,
)

router = APIRouter(prefix="/v1/rankings", tags=["rankings"], route_class=ScopedRoute)


@router.post(
    "",
    status_code=201,
    response_model=RankingView,
    responses={
        202: {"model": RankingView, "description": "Pending; the job `job_id` computes it"}
    },
    max_body_size=LONG_LISTS,
)
async def create(body: RankingRequest, submission: SubmissionDep) -> Response:
    """Rank models for a target: 201 if everything is already measured, otherwise 202 with a job."""
    return await create_and_wait(
        submission,
        ["POST /v1/rankings", body.model_dump(mode="json")],
        work=partial(_created, submission.caller, body),
        read=partial(_after_waiting, submission),
    )


@router.post(":estimate", response_model=RankingEstimateView, max_body_size=LONG_LISTS)
def estimate(body: RankingRequest, zoo: AppZoo, caller: Submitter) -> Response:
    """Estimate how long a ranking would take and list the jobs that it would need; starts nothing."""
    with zoo.transaction() as session:
        view = RankingEstimateView.of(session, zoo, project=caller.project, request=body)
    return json_response(view)


def _after_waiting(
    submission: Submission, _job: JobRecord, pending: StoredResponse
) -> StoredResponse:
    """The ranking after the wait; the last job submitted need not be the last to finish."""
    ranking_id = created_id(pending)
    app_state, caller = submission.app_state, submission.caller
    record = app_state.row(RankingRecord, caller, ranking_id)
    status = 202 if record.state == RankingState.PENDING else 201
    body = _body(app_state, caller, ranking_id, RankingReading())
    location = {"Location": pending.headers["Location"]}
    return StoredResponse(status, body.data.decode(), location)


def _created(caller: Caller, body: RankingRequest, session: Session) -> StoredResponse:
    record = rankings.create(session, project=caller.project, request=body)
    session.refresh(record)
    progress = rankings.progress(session, ranking=record)
    values = ranking_values(record, edge_weight=record.edge_weight, progress=progress)
    headers = {"Location": f"/v1/rankings/{record.id}"}
    if record.job_id is not None:
        headers[JOB_HEADER] = record.job_id
    status = 201 if record.state == RankingState.READY else 202
    return StoredResponse(status, to_json(values).decode(), headers)


@router.get("", response_model=ListView[RankingSummaryView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[RankingQuery, Query()]
) -> Response:
    """List the rankings of the project, newest first, without their scores."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/{ranking_id}", response_model=RankingView)
def show(
    ranking_id: Id,
    app_state: AppStateDep,
    caller: Reader,
    reading: Annotated[RankingReading, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get a ranking; `edge_weight` reweights the edges without a new measurement."""
    body = _body(app_state, caller, ranking_id, reading)
    return body_response(body, if_none_match)


def _body(
    app_state: AppState, caller: Caller, ranking_id: str, reading: RankingReading
) -> CachedBody:
    cached = app_state.rankings.get(caller.project, ranking_id, reading)
    if cached is not None:
        return cached
    with app_state.zoo.transaction() as session:
        record = owned_rows.get(session, RankingRecord, project=caller.project, id=ranking_id)
        progress = rankings.progress(session, ranking=record)
    weight = rankings.weight_of(record, reading.edge_weight)
    values = ranking_values(record, edge_weight=weight, progress=progress, limit=reading.limit)
    body = body_of(to_json(values))
    if record.state == RankingState.READY:
        app_state.rankings.put(
            body, project=caller.project, ranking_id=ranking_id, reading=reading
        )
    return body
