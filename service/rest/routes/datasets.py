"""/v1/datasets: datasets of images."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from service.container import Zoo
from service.core.manifest import DatasetManifest
from service.core.operations import names, owned_rows
from service.core.operations.access.keys import Caller
from service.core.operations.zoo import datasets
from service.core.tables import DatasetRecord
from service.rest.creation import UploadKind, create_from_upload
from service.rest.dependencies import (
    AppStateDep,
    AppZoo,
    DatasetId,
    IdempotencyKey,
    IfNoneMatch,
    Name,
    Position,
    Reader,
    Writer,
)
from service.rest.openapi import body_of, creation_body
from service.rest.request_bodies import UNBOUNDED
from service.rest.responses import (
    etag_response,
    json_response,
    part_response,
)
from service.rest.scoped_route import ScopedRoute
from service.views.datasets import (
    MASK_MEDIA_TYPE,
    DatasetQuery,
    DatasetView,
    ImageView,
    NewDatasetView,
)
from service.views.paging import CountedListView, ListView, PageQuery, list_view

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], route_class=ScopedRoute)


def _created(
    zoo: Zoo, session: Session, caller: Caller, manifest: DatasetManifest, upload_id: str
) -> DatasetView:
    del zoo
    record = datasets.create(
        session,
        project=caller.project,
        manifest=manifest,
        upload_id=upload_id,
    )
    return DatasetView.of(record)


_UPLOADED = UploadKind(
    "/v1/datasets",
    NewDatasetView,
    DatasetManifest,
    _created,
    lambda settings: settings.max_dataset_bytes,
)


@router.post(
    "",
    status_code=201,
    response_model=DatasetView,
    openapi_extra=creation_body(NewDatasetView, DatasetManifest),
    max_body_size=UNBOUNDED,
)
async def create(
    request: Request, app_state: AppStateDep, caller: Writer, key: IdempotencyKey = None
) -> Response:
    """Create a dataset from JSON with an `upload_id`, or from a form with `manifest` and the files.

    A form has one `file` (zip, tar or Parquet) or many `files`, whose names may include folders.
    One upload makes one model or dataset; a second use is a 409 (`upload_used`).
    The new dataset's `state` is `uploaded`; a job reads the images and sets `ready` or `rejected`.
    """
    return await create_from_upload(request, app_state, caller, key=key, kind=_UPLOADED)


@router.get("", response_model=CountedListView[DatasetView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[DatasetQuery, Query()]
) -> Response:
    """List the datasets of the project, newest first; `q` searches, `name` matches any part of a name."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/by-name/{dataset_name:path}", response_model=DatasetView)
def show_by_name(
    dataset_name: Name, app_state: AppStateDep, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """Get the dataset with exactly this name, which may contain slashes."""
    with app_state.zoo.transaction() as session:
        row_id = names.id_with_name(
            session, DatasetRecord, project=caller.project, name=dataset_name
        )
        view = DatasetView.of(
            owned_rows.get(session, DatasetRecord, project=caller.project, id=row_id)
        )
    return etag_response(view, etag=view.etag, if_none_match=if_none_match)


@router.get("/{dataset_id}", response_model=DatasetView)
def show(
    dataset_id: DatasetId,
    app_state: AppStateDep,
    caller: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get a dataset."""
    record = app_state.row(DatasetRecord, caller, dataset_id)
    view = DatasetView.of(record)
    return etag_response(view, etag=view.etag, if_none_match=if_none_match)


@router.delete("/{dataset_id}", status_code=204)
def remove(dataset_id: DatasetId, zoo: AppZoo, caller: Writer) -> Response:
    """Delete a dataset and every measurement on it."""
    with zoo.transaction() as session:
        datasets.delete(session, project=caller.project, dataset_id=dataset_id)
    return Response(status_code=204)


@router.get("/{dataset_id}/images", response_model=ListView[ImageView])
def images(
    dataset_id: DatasetId,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[PageQuery, Query()],
) -> Response:
    """List the images of a dataset in order."""
    scope = [caller.project, "images", dataset_id]
    with app_state.zoo.transaction() as session:
        read = partial(datasets.images, session, project=caller.project, dataset_id=dataset_id)
        view = list_view(read, ImageView.of, query, tokens=app_state.tokens, scope=scope)
    return json_response(view)


@router.get(
    "/{dataset_id}/images/{index}",
    response_class=Response,
    responses=body_of("*/*", headers=["Cache-Control"]),
)
def image(
    dataset_id: DatasetId,
    index: Position,
    zoo: AppZoo,
    caller: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get an image as it was uploaded."""
    with zoo.transaction() as session:
        location = datasets.image_location(
            session, project=caller.project, dataset_id=dataset_id, position=index
        )
    return part_response(location, zoo.blobs, if_none_match, media_type=location.image.media_type)


@router.get(
    "/{dataset_id}/masks/{index}",
    response_class=Response,
    responses=body_of(MASK_MEDIA_TYPE, headers=["Cache-Control"]),
)
def mask(
    dataset_id: DatasetId,
    index: Position,
    zoo: AppZoo,
    caller: Reader,
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get the mask of an image: a PNG of its size, whose values are indices of the dataset's `labels`.

    255 is a pixel without a class. The palette of the PNG only gives each class a color.
    """
    with zoo.transaction() as session:
        location = datasets.mask_location(
            session, project=caller.project, dataset_id=dataset_id, position=index
        )
    return part_response(location, zoo.blobs, if_none_match, media_type=MASK_MEDIA_TYPE)
