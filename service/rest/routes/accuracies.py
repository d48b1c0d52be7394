"""/v1/accuracies: measured accuracies, from this zoo or elsewhere."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import AccuracyFilter, NewAccuracies
from service.rest.dependencies import (
    PAGE_SIZE,
    AppStateDep,
    AppZoo,
    Id,
    IdempotencyKey,
    PageSize,
    PageToken,
    Reader,
    Writer,
)
from service.rest.responses import json_response, respond_once, stored_response
from service.views.accuracies import AccuracyView, AddedAccuraciesView
from service.views.paging import ListView

router = APIRouter(prefix="/v1/accuracies", tags=["accuracies"])
Recorded = Annotated[
    str | None,
    Query(max_length=200, pattern=r"^[^\x00]*$", description="Id or name, as recorded."),
]


@router.post(
    "",
    status_code=201,
    response_model=AddedAccuraciesView,
    responses={
        200: {"model": AddedAccuraciesView, "description": "All accuracies were already recorded"},
    },
)
def create(
    body: NewAccuracies, zoo: AppZoo, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Record measured accuracies, all or none.

    Recorded accuracies stay unchanged; the same measurement with a different value is an error.
    """

    def work(session: Session) -> StoredResponse:
        added = accuracies.add(session, project=caller.project, measurements=body.accuracies)
        items = [AccuracyView.of(row) for row in added.accuracies]
        view = AddedAccuraciesView(items=items, new=added.new)
        return stored_response(view, status=201 if added.new else 200)

    request = ["POST /v1/accuracies", body.model_dump(mode="json")]
    return respond_once(zoo, caller, key=key, request=request, work=work)


@router.get("", response_model=ListView[AccuracyView])
def index(
    app_state: AppStateDep,
    caller: Reader,
    model: Recorded = None,
    dataset: Recorded = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """List the accuracies of the project, newest first."""
    scope = [caller.project, "accuracies", model, dataset]
    with app_state.zoo.transaction() as session:
        page = accuracies.page(
            session,
            project=caller.project,
            where=AccuracyFilter(model, dataset),
            after=app_state.tokens.read(page_token, scope=scope),
            limit=page_size,
        )
    token = app_state.tokens.make(page.next_after, scope=scope)
    views = [AccuracyView.of(record) for record in page.items]
    return json_response(ListView[AccuracyView](items=views, next_page_token=token))


@router.delete("/{accuracy_id}", status_code=204)
def remove(accuracy_id: Id, zoo: AppZoo, caller: Writer) -> Response:
    """Delete an accuracy; rankings that used it stay unchanged."""
    with zoo.transaction() as session:
        accuracies.delete(session, project=caller.project, accuracy_id=accuracy_id)
    return Response(status_code=204)
