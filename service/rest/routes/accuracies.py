"""/v1/accuracies: accuracies that were measured, here or elsewhere."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import AccuracyFilter, NewAccuracies
from service.rest.dependencies import (
    PAGE_SIZE,
    AppParts,
    AppZoo,
    Id,
    IdempotencyKey,
    PageSize,
    PageToken,
    Reader,
    Writer,
)
from service.rest.responses import json_answer, kept, posted
from service.views.accuracies import AccuracyView, AddedAccuraciesView
from service.views.paging import ListView

router = APIRouter(prefix="/v1/accuracies", tags=["accuracies"])
Recorded = Annotated[
    str | None,
    Query(max_length=200, pattern=r"^[^\x00]*$", description="id or name, as it was added"),
]


@router.post(
    "",
    status_code=201,
    response_model=AddedAccuraciesView,
    responses={
        200: {"model": AddedAccuraciesView, "description": "All of them were known already"},
    },
)
def create(
    body: NewAccuracies, zoo: AppZoo, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Keep measured accuracies, all or none.

    What is known already stays as it is; the same measurement with another value is refused.
    """

    def work(session: Session) -> StoredResponse:
        added = accuracies.add(session, project=caller.project, given=body.accuracies)
        items = [AccuracyView.of(row) for row in added.accuracies]
        view = AddedAccuraciesView(items=items, new=added.new)
        return kept(view, status=201 if added.new else 200)

    request = ["POST /v1/accuracies", body.model_dump(mode="json")]
    return posted(zoo, caller, key=key, request=request, work=work)


@router.get("", response_model=ListView[AccuracyView])
def index(
    parts: AppParts,
    caller: Reader,
    model: Recorded = None,
    dataset: Recorded = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """The accuracies of the project, newest first."""
    scope = [caller.project, "accuracies", model, dataset]
    with parts.zoo.transaction() as session:
        found = accuracies.page(
            session,
            project=caller.project,
            where=AccuracyFilter(model, dataset),
            after=parts.tokens.read(page_token, scope=scope),
            limit=page_size,
        )
    token = parts.tokens.make(found.next_after, scope=scope)
    views = [AccuracyView.of(row) for row in found.items]
    return json_answer(ListView[AccuracyView](items=views, next_page_token=token))


@router.delete("/{accuracy_id}", status_code=204)
def remove(accuracy_id: Id, zoo: AppZoo, caller: Writer) -> Response:
    """Delete an accuracy; rankings that were made with it stay as they are."""
    with zoo.transaction() as session:
        accuracies.delete(session, project=caller.project, accuracy_id=accuracy_id)
    return Response(status_code=204)
