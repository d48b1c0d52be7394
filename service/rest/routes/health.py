"""Health, readiness and figures."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import text
from starlette.responses import JSONResponse, Response

from service.core.home_secrets import CHALLENGE_PATTERN, Purpose, home_secret, proof_of
from service.rest.dependencies import AppStateDep, AppZoo, MetricsReader
from service.rest.json_route import JsonRoute
from service.rest.openapi import body_of

Challenge = Annotated[
    str | None,
    Query(pattern=CHALLENGE_PATTERN, description="32 random bytes in hexadecimal."),
]

router = APIRouter(tags=["operation"], route_class=JsonRoute)
_ALIVE = b'{"status":"ok"}'


@router.get("/healthz", response_model=dict[str, str])
async def alive(request: Request, zoo: AppZoo, challenge: Challenge = None) -> Response:
    """Report that the process is alive; a `challenge` returns a `proof` of its home folder."""
    if challenge is None:
        return Response(_ALIVE, media_type="application/json")
    host, port = request.scope["server"]
    secret = home_secret(zoo.settings.folder, Purpose.IDENTITY)
    proof = proof_of(secret, challenge=challenge, host=host, port=port)
    return JSONResponse({"status": "ok", "proof": proof})


@router.get("/readyz", response_model=dict[str, str])
def ready(zoo: AppZoo) -> Response:
    """Report that the database and the object store answer; 503 otherwise."""
    with zoo.transaction() as session:
        session.execute(text("SELECT 1"))
    zoo.blobs.exists("0" * 64)
    return JSONResponse({"status": "ready"})


@router.get("/metrics", response_class=Response, responses=body_of("text/plain"))
def metrics(app_state: AppStateDep, _: MetricsReader) -> Response:
    """Get metrics in Prometheus' text format; needs a key if ZOO_METRICS_SCOPE names a scope."""
    return Response(app_state.metrics.text(), media_type="text/plain; version=0.0.4")
