"""/v1/models: the models of the zoo."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.container import Zoo
from service.core.etags import etag_of
from service.core.manifest import ModelManifest
from service.core.model_references import ALIAS_PATTERN
from service.core.operations import model_names, names, owned_rows
from service.core.operations.access.keys import Caller
from service.core.operations.zoo import models
from service.core.tables import ModelRecord
from service.rest.creation import UploadKind, create_from_upload
from service.rest.dependencies import (
    AppStateDep,
    AppZoo,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    ModelId,
    Name,
    Reader,
    Writer,
)
from service.rest.openapi import STORED_FILE, creation_body
from service.rest.request_bodies import UNBOUNDED
from service.rest.responses import (
    etag_response,
    file_response,
    json_response,
)
from service.rest.scoped_route import ScopedRoute
from service.views.models import (
    LayerListView,
    ModelChangesView,
    ModelQuery,
    ModelView,
    NewModelView,
)
from service.views.paging import CountedListView

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ScopedRoute)
AliasInPath = Annotated[str, Path(pattern=ALIAS_PATTERN, description="Alias, such as `prod`.")]


def _created(
    zoo: Zoo, session: Session, caller: Caller, manifest: ModelManifest, upload_id: str
) -> ModelView:
    record = models.create(
        session,
        project=caller.project,
        manifest=manifest,
        upload_id=upload_id,
        blobs=zoo.blobs,
    )
    return ModelView.of(record)


_UPLOADED = UploadKind(
    "/v1/models",
    NewModelView,
    ModelManifest,
    _created,
    lambda settings: settings.max_model_bytes,
)


@router.post(
    "",
    status_code=201,
    response_model=ModelView,
    openapi_extra=creation_body(NewModelView, ModelManifest),
    max_body_size=UNBOUNDED,
)
async def create(
    request: Request, app_state: AppStateDep, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Create a model from JSON with an `upload_id`, or from a form with `manifest` and `file`.

    One upload makes one model or dataset; a second use is a 409 (`upload_used`).
    The new model's `state` is `uploaded`; a job checks the file and sets `ready` or `rejected`.
    """
    return await create_from_upload(request, app_state, caller, key=key, kind=_UPLOADED)


@router.get("", response_model=CountedListView[ModelView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[ModelQuery, Query()]
) -> Response:
    """List the models of the project, newest first; `q` searches, `name` matches any part of a name."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/by-name/{model_name:path}", response_model=ModelView)
def show_by_name(
    model_name: Name, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Get the newest ready model of a name; or `name:3`, `name@prod`. A name may contain slashes."""
    with app_state.zoo.transaction() as session:
        row_id = names.id_with_name(session, ModelRecord, project=caller.project, name=model_name)
        view = ModelView.of(
            owned_rows.get(session, ModelRecord, project=caller.project, id=row_id)
        )
    return etag_response(view, etag=view.etag, if_none_match=if_none_match)


@router.get("/{model_id}", response_model=ModelView)
def show(
    model_id: ModelId, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Get a model."""
    view = ModelView.of(app_state.row(ModelRecord, caller, model_id))
    return etag_response(view, etag=view.etag, if_none_match=if_none_match)


@router.patch("/{model_id}", response_model=ModelView)
def change(
    model_id: ModelId, body: ModelChangesView, zoo: AppZoo, caller: Writer, etag: IfMatch = None
) -> Response:
    """Update name, tags, license or task; requires If-Match with the model's ETag."""
    with zoo.transaction() as session:
        view = ModelView.of(
            models.update(
                session,
                project=caller.project,
                model_id=model_id,
                changes=body.changes,
                etag=etag,
            )
        )
    return json_response(view, headers={"ETag": view.etag})


@router.delete("/{model_id}", status_code=204)
def remove(model_id: ModelId, zoo: AppZoo, caller: Writer, etag: IfMatch = None) -> Response:
    """Delete a model and its measurements; requires If-Match with the model's ETag."""
    with zoo.transaction() as session:
        models.delete(session, project=caller.project, model_id=model_id, etag=etag)
    return Response(status_code=204)


@router.put("/{model_id}/aliases/{alias}", response_model=ModelView)
def set_alias(model_id: ModelId, alias: AliasInPath, zoo: AppZoo, caller: Writer) -> Response:
    """Give a model an alias such as `prod`; another version of its name that has it loses it."""
    with zoo.transaction() as session:
        view = ModelView.of(
            model_names.set_alias(session, project=caller.project, model_id=model_id, alias=alias)
        )
    return json_response(view, headers={"ETag": view.etag})


@router.delete("/{model_id}/aliases/{alias}", status_code=204)
def remove_alias(model_id: ModelId, alias: AliasInPath, zoo: AppZoo, caller: Writer) -> Response:
    """Remove an alias of a model; the model stays."""
    with zoo.transaction() as session:
        model_names.remove_alias(session, project=caller.project, model_id=model_id, alias=alias)
    return Response(status_code=204)


@router.get("/{model_id}/content", response_class=Response, responses=STORED_FILE)
def content(
    model_id: ModelId, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Download the file as the zoo stores it: as it was uploaded, a `pt2` without its pickles."""
    record = app_state.row(ModelRecord, caller, model_id)
    digest = models.content_digest(record, app_state.zoo.blobs)
    return file_response(
        app_state.zoo.blobs,
        if_none_match,
        media_type="application/octet-stream",
        size_bytes=record.upload_bytes,
        sha256=digest,
        filename=record.filename or f"{record.id}.bin",
    )


@router.get("/{model_id}/layers", response_model=LayerListView)
def layers(
    model_id: ModelId, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """List the layers that you can read or cut at; empty until the model is ready."""
    record = app_state.row(ModelRecord, caller, model_id)
    view = LayerListView.of(record)
    return etag_response(view, etag=etag_of(record), if_none_match=if_none_match)
