"""/v1/keys: API keys and their scopes. Administrators and operators only."""

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations.access import key_administration
from service.core.operations.access.idempotency import StoredResponse
from service.rest.dependencies import (
    AnyKey,
    AppStateDep,
    AppZoo,
    Id,
    IdempotencyKey,
    KeyManager,
)
from service.rest.responses import json_response, respond_once, stored_response
from service.rest.scoped_route import ScopedRoute
from service.views.keys import IssuedKeyView, KeyQuery, KeyView, NewKeyView, OwnKeyView
from service.views.paging import ListView

router = APIRouter(prefix="/v1/keys", tags=["keys"], route_class=ScopedRoute)


@router.post("", status_code=201, response_model=IssuedKeyView)
def create(
    body: NewKeyView, zoo: AppZoo, caller: KeyManager, key: IdempotencyKey = None
) -> Response:
    """Create a key. Only this response contains its `token`.

    With the scope `admin`, the key is for your own project and has only scopes that yours has; with
    the scope `operator`, `project` and `scopes` are free, and the first key of a project creates it.
    """

    def work(session: Session) -> StoredResponse:
        created = key_administration.create(session, caller, body.request)
        return stored_response(IssuedKeyView.issued(created), status=201)

    del key  # A stored response would store the secret; a second request creates a second key.
    return respond_once(zoo, caller, key=None, request=None, work=work)


@router.get("", response_model=ListView[KeyView])
def index(
    app_state: AppStateDep, caller: KeyManager, query: Annotated[KeyQuery, Query()]
) -> Response:
    """List the keys of a project, newest first, including revoked and expired ones."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, caller=caller))


@router.get("/self", response_model=OwnKeyView)
def show_self(app_state: AppStateDep, caller: AnyKey) -> Response:
    """Get the key that this request carries: its project, its scopes and its expiry."""
    with app_state.zoo.transaction() as session:
        return json_response(OwnKeyView.of_caller(session, caller))


@router.delete("/{key_id}", status_code=204)
def revoke(key_id: Id, app_state: AppStateDep, caller: KeyManager) -> Response:
    """Revoke a key; while Redis does not answer, other processes notice within five seconds."""
    with app_state.zoo.transaction() as session:
        key_administration.revoke(session, caller, key_id=key_id)
    app_state.authenticator.revoked(key_id)
    return Response(status_code=204)
