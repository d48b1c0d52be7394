"""Creates the REST application of a zoo."""

from collections.abc import Sequence
from functools import cache

from fastapi import APIRouter, FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.routing import BaseRoute

from service.container import Zoo
from service.core.strict_json import SHORT
from service.rest import error_handlers
from service.rest.audit_middleware import AuditMiddleware
from service.rest.dependencies import AppState
from service.rest.heads import HeadMiddleware
from service.rest.key_middleware import KeyMiddleware
from service.rest.metrics import Metrics
from service.rest.middleware import RequestContextMiddleware
from service.rest.openapi import document_of
from service.rest.operation_ids import operation_id
from service.rest.routes import (
    accuracies,
    attributions,
    audit,
    clips,
    concept_searches,
    datasets,
    events,
    families,
    health,
    jobs,
    keys,
    layer_selections,
    lineages,
    maps,
    measurements,
    methods,
    models,
    pages,
    predictions,
    quotas,
    rankings,
    sessions,
    units,
    uploads,
)
from service.rest.security_headers import SecurityHeadersMiddleware
from service.rest.tags import TAGS
from service.rest.tus import TusMiddleware
from service.rest.web_files import web_files

# Routes match in this order: the most frequent ones come first.
_ROUTERS = (
    health.router,
    models.router,
    lineages.router,
    families.router,
    uploads.router,
    datasets.router,
    clips.router,
    measurements.router,
    attributions.router,
    predictions.router,
    rankings.router,
    layer_selections.router,
    concept_searches.router,
    units.router,
    accuracies.router,
    maps.router,
    methods.router,
    jobs.router,
    events.router,
    keys.router,
    quotas.router,
    audit.router,
    sessions.router,
    pages.router,
)


@cache
def _shared_routes() -> Sequence[BaseRoute]:
    """The routes of every app. FastAPI analyzes their parameters once, at the first requests.

    None of them refers to an app: a request brings its own.
    """
    api = APIRouter(generate_unique_id_function=operation_id)
    for router in _ROUTERS:
        api.include_router(router)
    return api.routes


def create_app(zoo: Zoo) -> FastAPI:
    """The ASGI application that serves ``zoo``; the caller closes the zoo."""
    metrics = Metrics(zoo)
    app_state = AppState.of(zoo, metrics=metrics)
    metrics.watch(app_state.audit)

    app = FastAPI(
        title="Zooscope",
        version="1",
        description="Model zoo that ranks pretrained networks for a task by attribution maps and DEPARA graphs.",
        docs_url=None,
        redoc_url=None,
        openapi_tags=TAGS,
        routes=list(_shared_routes()),
        # Its spans would name paths and queries; those of RequestContextMiddleware do not.
        telemetry={"tracing": False, "metrics": False, "logs": False},
    )
    app.state.app_state = app_state
    error_handlers.install(app)
    app.mount("/static", pages.static_files)
    app.mount("/web", web_files)
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]
    guarded = ("/v1/",) if zoo.settings.metrics_scope is None else ("/v1/", "/metrics")
    app.add_middleware(HeadMiddleware)
    # Inside RequestContextMiddleware, so that it sees refusals; a route that takes more says so.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=SHORT.size_bytes)
    # Outside the limit, so that a request without a valid key is refused before anything else.
    app.add_middleware(
        KeyMiddleware,
        authenticator=app_state.authenticator,
        key_watch=app_state.key_watch,
        guarded=guarded,
    )
    app.add_middleware(
        AuditMiddleware,
        trail=app_state.audit,
        proxies=zoo.settings.proxies,
        routes=[route for router in _ROUTERS for route in router.routes],
    )
    app.add_middleware(
        RequestContextMiddleware,
        hosts=zoo.settings.hosts,
        metrics=app_state.metrics,
        spans=zoo.spans,
    )
    app.add_middleware(SecurityHeadersMiddleware, proxies=zoo.settings.proxies)
    # Outermost: all others see the method that the client means.
    app.add_middleware(TusMiddleware)
    return app
