"""/v1/quotas: what a project may use, and what it uses."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from service.rest.dependencies import AppZoo, KeyManager, Reader
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.views.quotas import QuotaChangesView, QuotaQuery, QuotasView

router = APIRouter(prefix="/v1/quotas", tags=["quotas"], route_class=ScopedRoute)
ProjectPath = Annotated[
    str, Path(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="Name of a project.")
]


@router.get("", response_model=QuotasView)
def show(zoo: AppZoo, caller: Reader, query: Annotated[QuotaQuery, Query()]) -> Response:
    """Get the quotas of the project: limits, and what is used of them."""
    with zoo.transaction() as session:
        return json_response(query.view(session, caller))


@router.patch("/{project}", response_model=QuotasView)
def change(
    project: ProjectPath, body: QuotaChangesView, zoo: AppZoo, caller: KeyManager
) -> Response:
    """Give a project limits of its own. Operators only."""
    with zoo.transaction() as session:
        return json_response(body.apply(session, caller, project=project))
