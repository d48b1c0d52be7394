"""Pages for a browser: the zoo's own page and Swagger UI. They load nothing from other hosts."""

from pathlib import Path

from fastapi import APIRouter, Request
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from service.rest.web_files import front_response

_SERVICE = Path(__file__).parents[2]
_PAGES = _SERVICE / "rest" / "pages"
# A browser asks whether a file has changed before it uses its copy.
_REVALIDATED = {"Cache-Control": "no-cache"}


class _RevalidatedFiles(StaticFiles):
    """Static files that a browser revalidates."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The response for a path."""
        response = await super().get_response(path, scope)
        response.headers.update(_REVALIDATED)
        return response


router = APIRouter(include_in_schema=False)
static_files = _RevalidatedFiles(directory=_PAGES)


@router.get("/", response_class=Response)
async def front(request: Request) -> Response:
    """The zoo's page."""
    return front_response(request.headers)


@router.get("/docs", response_class=FileResponse)
async def documentation() -> FileResponse:
    """Interactive documentation of the REST API."""
    return FileResponse(_PAGES / "docs.html", headers=_REVALIDATED)
