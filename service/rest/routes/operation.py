"""Health, readiness and figures."""

from fastapi import APIRouter
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from service.rest.parts import AppParts, AppZoo

router = APIRouter(tags=["operation"])
_ALIVE = b'{"status":"ok"}'


@router.get("/healthz", response_model=dict[str, str])
async def alive() -> Response:
    """The process serves."""
    return Response(_ALIVE, media_type="application/json")


@router.get("/readyz", response_model=dict[str, str])
def ready(zoo: AppZoo) -> Response:
    """The database answers and the store can be asked; else 503."""
    with zoo.transaction() as session:
        session.execute(text("SELECT 1"))
    zoo.blobs.exists("0" * 64)
    return JSONResponse({"status": "ready"})


@router.get("/metrics", response_class=Response)
def figures(parts: AppParts) -> Response:
    """Figures in Prometheus' text format."""
    return Response(parts.figures.text(), media_type="text/plain; version=0.0.4")
