"""Pages for a browser: the front page and Swagger UI. They load nothing from another host."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

_FOLDER = Path(__file__).parents[1] / "pages"
# Swagger UI draws its arrows as data: images of its style sheet, and shows an image that a call
# answered with (a heat map, say) from a blob: address. Neither leaves the browser.
_POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)
static_files = StaticFiles(directory=_FOLDER)


@router.get("/", response_class=FileResponse)
async def front() -> FileResponse:
    """The front page."""
    return _page("front.html")


@router.get("/docs", response_class=FileResponse)
async def documentation() -> FileResponse:
    """The REST API, to read and to try."""
    return _page("docs.html")


def _page(name: str) -> FileResponse:
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return FileResponse(_FOLDER / name, headers=headers)
