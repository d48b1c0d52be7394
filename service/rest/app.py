"""The REST application: a Zoo in, an ASGI app out."""

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from service.container import Zoo
from service.core.home_secrets import Purpose, home_secret
from service.core.paging import PageTokens
from service.job_events import EventListener
from service.predict_client import PredictClient
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
from service.uploads import UploadService

# Routes are tried in this order: the ones that are asked all the time come first.
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
    """The application that serves ``zoo``; it owns nothing of it."""
    parts = parts_for(zoo)

    app = FastAPI(
        title="Zooscope",
        version="1",
        description="Rank pretrained networks for a task by attribution maps and DEPARA graphs.",
        docs_url=None,
        redoc_url=None,
    )
    app.state.parts = parts
    error_handlers.install(app)
    for router in _ROUTERS:
        app.include_router(router)
    app.mount("/static", pages.static_files)
    app.openapi = lambda: document_of(app)  # type: ignore[method-assign]
    # Inside the surroundings, so that a refusal passes them; routes that take files set their own.
    app.add_middleware(RequestBodyLimitMiddleware, max_body_size=zoo.settings.max_json_bytes)
    app.add_middleware(RequestContextMiddleware, hosts=zoo.settings.hosts, figures=parts.figures)
    return app


def parts_for(zoo: Zoo) -> AppState:
    """What one REST process holds besides the zoo."""
    given = zoo.settings.page_token_secret
    secret = (
        given.get_secret_value().encode()
        if given is not None
        else home_secret(zoo.settings.folder, Purpose.PAGE_TOKENS)
    )
    return AppState(
        zoo=zoo,
        intake=UploadService(zoo),
        tokens=PageTokens(secret),
        figures=Metrics(zoo),
        listener=EventListener(zoo),
        asking=PredictClient(zoo),
    )
