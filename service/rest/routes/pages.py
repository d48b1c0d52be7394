"""Pages for a browser: the front page and Swagger UI. They load nothing from other hosts."""

from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse
from starlette.staticfiles import StaticFiles

_FOLDER = Path(__file__).parents[1] / "pages"
# Swagger UI uses data: images in its style sheet, and shows the image in a response (a heat map,
# say) from a blob: URL. Neither leaves the browser.
_POLICY = "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'"

router = APIRouter(include_in_schema=False)
static_files = StaticFiles(directory=_FOLDER)


@router.get("/", response_class=FileResponse)
async def front() -> FileResponse:
    """The front page."""
    return _page("front.html")


@router.get("/docs", response_class=FileResponse)
async def documentation() -> FileResponse:
    """Interactive documentation of the REST API."""
    return _page("docs.html")


def _page(name: str) -> FileResponse:
    headers = {"Content-Security-Policy": _POLICY, "X-Content-Type-Options": "nosniff"}
    return FileResponse(_FOLDER / name, headers=headers)
