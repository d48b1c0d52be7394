"""/v1/accuracies: measured accuracies, from this zoo or elsewhere."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracies
from service.rest.dependencies import (
    AppStateDep,
    AppZoo,
    Id,
    IdempotencyKey,
    Reader,
    Writer,
)
from service.rest.json_route import LONG_LISTS
from service.rest.responses import json_response, respond_once, stored_response
from service.rest.scoped_route import ScopedRoute
from service.views.accuracies import AccuracyQuery, AccuracyView, AddedAccuraciesView
from service.views.paging import ListView

router = APIRouter(prefix="/v1/accuracies", tags=["accuracies"], route_class=ScopedRoute)


@router.post(
    "",
    status_code=201,
    response_model=AddedAccuraciesView,
    responses={
        200: {"model": AddedAccuraciesView, "description": "All accuracies were already recorded"},
    },
    max_body_size=LONG_LISTS,
)
def create(
    body: NewAccuracies, zoo: AppZoo, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Record measured accuracies, all or none.

    Recorded accuracies stay unchanged; the same measurement with a different value is an error.
    """

    def work(session: Session) -> StoredResponse:
        added = accuracies.add(session, project=caller.project, measurements=body.accuracies)
        view = AddedAccuraciesView.of(added.accuracies, new=added.new)
        return stored_response(view, status=201 if added.new else 200)

    request = ["POST /v1/accuracies", body.model_dump(mode="json")]
    return respond_once(zoo, caller, key=key, request=request, work=work)


@router.get("", response_model=ListView[AccuracyView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[AccuracyQuery, Query()]
) -> Response:
    """List the accuracies of the project, newest first."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.delete("/{accuracy_id}", status_code=204)
def remove(accuracy_id: Id, zoo: AppZoo, caller: Writer) -> Response:
    """Delete an accuracy; rankings that used it stay unchanged."""
    with zoo.transaction() as session:
        accuracies.delete(session, project=caller.project, accuracy_id=accuracy_id)
    return Response(status_code=204)
