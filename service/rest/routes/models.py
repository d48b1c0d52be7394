"""/v1/models: the networks of the zoo."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.etags import etag_of
from service.core.manifest import ModelManifest, TaskKind
from service.core.operations.access.idempotency import StoredResponse
from service.core.operations.access.keys import Caller
from service.core.operations.zoo import models, uploads
from service.core.operations.zoo.models import ModelFilter
from service.core.tables import ModelRecord
from service.rest.dependencies import (
    PAGE_SIZE,
    AppParts,
    AppState,
    AppZoo,
    Id,
    IdempotencyKey,
    IfMatch,
    IfNoneMatch,
    PageSize,
    PageToken,
    Reader,
    Writer,
)
from service.rest.forms import Form, FormReader, fit, is_form, json_body, unfolded
from service.rest.openapi import creation_body
from service.rest.request_bodies import UNBOUNDED
from service.rest.responses import file_answer, json_answer, kept, known, posted, tagged, unchanged
from service.views.models import (
    LayerListView,
    LayerView,
    ModelChangesView,
    ModelView,
    NewModelView,
)
from service.views.paging import ListView

router = APIRouter(prefix="/v1/models", tags=["models"])
State = Literal["pending", "uploaded", "checking", "ready", "rejected"]
Words = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$")]


@router.post(
    "",
    status_code=201,
    response_model=ModelView,
    openapi_extra=creation_body(NewModelView, ModelManifest),
    max_body_size=UNBOUNDED,
)
async def create(
    request: Request, parts: AppParts, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Add a network: JSON naming a finished upload, or a form with `manifest` and `file`.

    The answer's `state` is `uploaded`; a job checks the file, then it is `ready` or `rejected`.
    """
    settings = parts.zoo.settings
    if is_form(request):
        form = await FormReader(request, parts.intake, limit=settings.max_model_bytes).read()
        return await run_in_threadpool(_from_form, parts, caller, key, form)
    body = unfolded(await json_body(request, limit=settings.max_json_bytes))
    new = fit(NewModelView, body, where="body")
    return await run_in_threadpool(_from_upload, parts, caller, key, new)


def _from_upload(parts: AppState, caller: Caller, key: str | None, new: NewModelView) -> Response:
    return posted(
        parts.zoo,
        caller,
        key=key,
        request=["POST /v1/models", new.model_dump(mode="json")],
        work=lambda session: _created(
            models.create(
                session,
                project=caller.project,
                manifest=new.manifest,
                upload_id=new.upload_id,
                blobs=parts.zoo.blobs,
            )
        ),
    )


def _from_form(parts: AppState, caller: Caller, key: str | None, form: Form) -> Response:
    manifest = fit(ModelManifest, form.manifest, where="manifest")

    def work(session: Session) -> StoredResponse:
        upload = uploads.completed(
            session, project=caller.project, filename=form.filename, received=form.received
        )
        return _created(
            models.create(
                session,
                project=caller.project,
                manifest=manifest,
                upload_id=upload.id,
                blobs=parts.zoo.blobs,
            )
        )

    request = ["POST /v1/models", manifest.model_dump(mode="json"), form.received.sha256]
    return posted(parts.zoo, caller, key=key, request=request, work=work)


def _created(record: ModelRecord) -> StoredResponse:
    view = ModelView.of(record)
    return kept(view, status=201, headers={"Location": f"/v1/models/{view.id}", "ETag": view.etag})


@router.get("", response_model=ListView[ModelView])
def index(
    parts: AppParts,
    caller: Reader,
    state: State | None = None,
    task: TaskKind | None = None,
    tag: Words = None,
    name: Words = None,
    page_size: PageSize = PAGE_SIZE,
    page_token: PageToken = None,
) -> Response:
    """The models of the project, newest first; `name` matches any part of a name."""
    where = ModelFilter(state, task, tag, name)
    scope = [caller.project, "models", state, task, tag, name]
    with parts.zoo.transaction() as session:
        found = models.page(
            session,
            project=caller.project,
            where=where,
            after=parts.tokens.read(page_token, scope=scope),
            limit=page_size,
        )
    token = parts.tokens.make(found.next_after, scope=scope)
    views = [ModelView.of(record) for record in found.items]
    return json_answer(ListView[ModelView](items=views, next_page_token=token))


@router.get("/{model_id}", response_model=ModelView)
def show(model_id: Id, zoo: AppZoo, caller: Reader, seen: IfNoneMatch = None) -> Response:
    """One model."""
    with zoo.transaction() as session:
        view = ModelView.of(models.get(session, project=caller.project, model_id=model_id))
    return tagged(view, etag=view.etag, seen=seen)


@router.patch("/{model_id}", response_model=ModelView)
def change(
    model_id: Id, body: ModelChangesView, zoo: AppZoo, caller: Writer, etag: IfMatch = None
) -> Response:
    """Change name, tags, license or task; needs If-Match with the model's etag."""
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
    return json_answer(view, headers={"ETag": view.etag})


@router.delete("/{model_id}", status_code=204)
def remove(model_id: Id, zoo: AppZoo, caller: Writer, etag: IfMatch = None) -> Response:
    """Remove a model and what was measured of it; needs If-Match with the model's etag."""
    with zoo.transaction() as session:
        models.delete(session, project=caller.project, model_id=model_id, etag=etag)
    return Response(status_code=204)


@router.get("/{model_id}/content", response_class=Response)
def content(model_id: Id, zoo: AppZoo, caller: Reader, seen: IfNoneMatch = None) -> Response:
    """The file as it was uploaded."""
    with zoo.transaction() as session:
        record = models.get(session, project=caller.project, model_id=model_id)
        digest = models.content_digest(record)
    if known(f'"{digest}"', seen):
        return unchanged(f'"{digest}"')
    return file_answer(
        zoo.blobs.read(digest),
        media_type="application/octet-stream",
        size_bytes=record.upload_bytes,
        sha256=digest,
        filename=record.filename or f"{record.id}.bin",
    )


@router.get("/{model_id}/layers", response_model=LayerListView)
def layers(model_id: Id, zoo: AppZoo, caller: Reader, seen: IfNoneMatch = None) -> Response:
    """What can be read or cut at; empty until the model is ready."""
    with zoo.transaction() as session:
        record = models.get(session, project=caller.project, model_id=model_id)
    view = LayerListView(
        model_id=record.id,
        feature_layer=record.feature_layer,
        items=[LayerView.model_validate(layer) for layer in record.layers],
    )
    return tagged(view, etag=etag_of(record), seen=seen)
