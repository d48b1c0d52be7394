"""Creates the REST application of a zoo."""

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from service.container import Zoo
from service.rest import error_handlers
from service.rest.dependencies import AppState
from service.rest.metrics import Metrics
from service.rest.middleware import RequestContextMiddleware
from service.rest.openapi import document_of
from service.rest.routes import (
    accuracies,
    attributions,
    datasets,
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
    rankings,
    uploads,
)

# Routes match in this order: the most frequent ones come first.
_ROUTERS = (
    health.router,
    models.router,
    lineages.router,
    uploads.router,
    datasets.router,
    measurements.router,
    attributions.router,
    predictions.router,
    rankings.router,
    layer_selections.router,
    accuracies.router,
    maps.router,
    methods.router,
    jobs.router,
    keys.router,
    pages.router,
)


def create_app(zoo: Zoo) -> FastAPI:
    """The ASGI application that serves ``zoo``; the caller closes the zoo."""
    app_state = AppState.of(zoo, metrics=Metrics(zoo))

    app = FastAPI(
        title="Zooscope",
        version="1",
        description="Model zoo that ranks pretrained networks for a task by attribution maps and DEPARA graphs.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.app_state = app_state
    error_handlers.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", pages.static_files)
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]
    # Inside RequestContextMiddleware, so that it sees refusals; upload routes set their own limit.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=zoo.settings.max_json_bytes)
    app.add_middleware(
        RequestContextMiddleware, hosts=zoo.settings.hosts, metrics=app_state.metrics
    )
    return app
