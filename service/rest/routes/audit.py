"""/v1/audit: the audit log as JSON lines. Administrators and operators only."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.rest.dependencies import AppStateDep, KeyManager
from service.rest.scoped_route import ScopedRoute
from service.views.audit import AuditQuery

JSON_LINES = "application/x-ndjson"
_LINE = {"itemSchema": {"$ref": "#/components/schemas/AuditEventView"}}
_NEXT = {
    "description": "`page_token` of the next page; absent on the last one.",
    "schema": {"type": "string"},
}
_LINES: dict[str, Any] = {
    "responses": {
        "200": {"content": {JSON_LINES: _LINE}, "headers": {"Next-Page-Token": _NEXT}},
    }
}

router = APIRouter(prefix="/v1/audit", tags=["audit"], route_class=ScopedRoute)


@router.get("", response_class=Response, openapi_extra=_LINES)
def export(
    app_state: AppStateDep, caller: KeyManager, query: Annotated[AuditQuery, Query()]
) -> Response:
    """Export the audit log of the project, oldest call first, one JSON object per line.

    An operator gets the calls of all projects, and those without a valid key.
    """
    with app_state.zoo.transaction() as session:
        page = query.page(session, app_state.tokens, caller=caller)
    lines = "".join(f"{event.model_dump_json()}\n" for event in page.items)
    headers = {} if page.next_page_token is None else {"Next-Page-Token": page.next_page_token}
    return Response(lines, headers=headers, media_type=JSON_LINES)
