"""Creates the REST application of a zoo."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.body_limit import RequestBodyLimitMiddleware

from service.container import Zoo
from service.core.home_secrets import Purpose, home_secret
from service.core.paging import PageTokens
from service.predict_client import PredictClient
from service.rest import error_handlers
from service.rest.dependencies import AppState
from service.rest.job_events import EventListener, listening
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
    app_state = app_state_for(zoo)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        del app
        async with listening(app_state.listener):
            yield

    app = FastAPI(
        title="Zooscope",
        version="1",
        description="Model zoo that ranks pretrained networks for a task by attribution maps and DEPARA graphs.",
        lifespan=lifespan,
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


def app_state_for(zoo: Zoo) -> AppState:
    """The state of one REST process."""
    page_token_secret = zoo.settings.page_token_secret
    secret = (
        page_token_secret.get_secret_value().encode()
        if page_token_secret is not None
        else home_secret(zoo.settings.folder, Purpose.PAGE_TOKENS)
    )
    return AppState(
        zoo=zoo,
        upload_service=UploadService(zoo),
        tokens=PageTokens(secret),
        metrics=Metrics(zoo),
        listener=EventListener(zoo),
        predict_client=PredictClient(zoo),
    )
