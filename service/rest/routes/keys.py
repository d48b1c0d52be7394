"""/v1/keys: API keys and their scopes. Administrators only."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.core.operations.access import keys
from service.core.operations.access.idempotency import StoredResponse
from service.rest.dependencies import (
    Administrator,
    AppStateDep,
    AppZoo,
    Id,
    IdempotencyKey,
)
from service.rest.responses import json_response, respond_once, stored_response
from service.views.keys import IssuedKeyView, KeyView, NewKeyView
from service.views.paging import ListView, PageQuery, list_view

router = APIRouter(prefix="/v1/keys", tags=["keys"])


@router.post("", status_code=201, response_model=IssuedKeyView)
def issue(
    body: NewKeyView, zoo: AppZoo, caller: Administrator, key: IdempotencyKey = None
) -> Response:
    """Issue a key. Only this response contains its `token`."""

    def work(session: Session) -> StoredResponse:
        issued = keys.issue(
            session,
            project=body.project or caller.project,
            name=body.name,
            scopes=body.scopes,
        )
        return stored_response(IssuedKeyView.issued(issued), status=201)

    del key  # A stored response would store the secret; a second request issues a second key.
    return respond_once(zoo, caller, key=None, request=None, work=work)


@router.get("", response_model=ListView[KeyView])
def index(
    app_state: AppStateDep, caller: Administrator, query: Annotated[PageQuery, Query()]
) -> Response:
    """List the keys of the project, newest first, including revoked ones."""
    with app_state.zoo.transaction() as session:
        read = partial(keys.page, session, project=caller.project)
        scope = [caller.project, "keys"]
        view = list_view(read, KeyView.of, query, tokens=app_state.tokens, scope=scope)
    return json_response(view)


@router.delete("/{key_id}", status_code=204)
def revoke(key_id: Id, app_state: AppStateDep, caller: Administrator) -> Response:
    """Revoke a key; other processes notice within five seconds."""
    with app_state.zoo.transaction() as session:
        keys.revoke(session, project=caller.project, key_id=key_id)
    app_state.keys.clear()
    return Response(status_code=204)
