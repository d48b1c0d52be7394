"""POST /v1/models/{id}:predict: run images or clips through a model."""

import io
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from service.core.errors import InvalidRequestError
from service.core.predict_messages import MOST_IMAGES, MOST_SUPPORT_IMAGES, OutputKind
from service.predict_client import PredictResult
from service.rest.dependencies import AppStateDep, ModelId, Reader
from service.rest.forms import is_form
from service.rest.request_bodies import media_type_of, require_length
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.views.predictions import ClassPredictionView, PredictQuery
from service.views.readings import TextPredictionView

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ScopedRoute)
_SLACK_BYTES = 1024**2
_MOST_FILES = MOST_IMAGES + MOST_SUPPORT_IMAGES + 1
_LARGEST_BODY_BYTES = 64 * 1024**2
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "support": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "support_labels": {"type": "array", "items": {"type": "string", "maxLength": 200}},
        "styles": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "masks": {"type": "array", "items": {"type": "string", "format": "binary"}},
        "stroke_map": {"type": "string", "format": "binary"},
        "clips": {"type": "array", "items": {"type": "string", "format": "binary"}},
    },
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": False,
        "content": {
            "multipart/form-data": {"schema": _FORM, "example": {"images": "<bytes>"}},
            **{f"image/{kind}": _BINARY for kind in ("jpeg", "png", "webp", "bmp")},
            **{f"video/{kind}": _BINARY for kind in ("mp4", "mpeg", "webm", "quicktime")},
        },
    }
}


@router.post(
    "/{model_id}:predict",
    response_model=ClassPredictionView | TextPredictionView,
    responses={
        200: {
            "content": {
                "image/png": _BINARY,
                "image/jpeg": _BINARY,
                "application/zip": _BINARY,
                "application/x-npy": _BINARY,
            },
            "description": "Classes or texts as JSON; one picture, or several in a zip; features as"
            " npy",
        }
    },
    openapi_extra=_BODY,
    max_body_size=_LARGEST_BODY_BYTES,
)
async def predict(
    model_id: ModelId,
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[PredictQuery, Query()],
) -> Response:
    """Run images or clips through a model: one as the body, or up to 64 as form fields `images`.

    Without `output`, a classifier returns its most likely classes, a dense network an image, and
    any other network its features. A few-shot learner compares with labeled images: form fields
    `support`, each with one of `support_labels`, or a `support_dataset` in the query. A stylizer
    paints every image in every one of the form fields `styles`; with `style_weights` or `masks` all
    styles go into one picture; a gray `stroke_map` says where strokes are wide; `sheet` draws all in
    one picture. A reader turns clips into text: up to 16 form fields `clips`, or a
    `clip_dataset` in the query and no body. Nothing is stored.
    """
    files = await _files(request, limit=app_state.zoo.settings.max_image_bytes)
    predict_images = partial(
        app_state.predict_client.predict,
        project=caller.project,
        model_id=model_id,
        images=files.images,
        options=query.options(
            files.support,
            files.labels,
            files.styles,
            files.masks,
            stroke_map=files.stroke_map,
            clips=files.clips,
        ),
    )
    return _response(await run_in_threadpool(predict_images))


@dataclass(frozen=True)
class _Files:
    """The encoded images of a body, its support, styles, masks and stroke map; or its clips."""

    images: list[bytes]
    support: list[bytes] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    styles: list[bytes] = field(default_factory=list)
    masks: list[bytes] = field(default_factory=list)
    clips: list[bytes] = field(default_factory=list)
    stroke_map: bytes | None = None


async def _files(request: Request, *, limit: int) -> _Files:
    """What a body holds. Raises TooLargeError."""
    require_length(request, limit=limit + _SLACK_BYTES)
    if not is_form(request):
        body = await request.body()
        if media_type_of(request.headers).startswith("video/"):
            return _Files([], clips=[body] if body else [])
        return _Files([body] if body else [])
    async with request.form(max_files=_MOST_FILES, max_fields=MOST_SUPPORT_IMAGES + 1) as form:
        _require_known_fields(form.keys())
        images, support, styles, masks, clips, maps = [
            [await file.read() for file in form.getlist(name) if isinstance(file, UploadFile)]
            for name in ("images", "support", "styles", "masks", "clips", "stroke_map")
        ]
        labels = [label for label in form.getlist("support_labels") if isinstance(label, str)]
    if len(maps) > 1:
        raise InvalidRequestError(
            f"the request has {len(maps)} stroke maps",
            code="too_many_stroke_maps",
            remedy="send one stroke map, which holds for every image",
        )
    return _Files(images, support, labels, styles, masks, clips, maps[0] if maps else None)


def _require_known_fields(fields: Iterable[str]) -> None:
    """Raises InvalidRequestError: ``unknown_field``."""
    for name in fields:
        if name not in _FORM["properties"]:
            in_query = name in PredictQuery.model_fields
            raise InvalidRequestError(
                f"the form has an unknown field {name[:100]!r}",
                code="unknown_field",
                remedy=f"send it in the query: `?{name}=…`"
                if in_query
                else f"the fields are {', '.join(_FORM['properties'])}",
            )


def _response(prediction: PredictResult) -> Response:
    if prediction.kind is OutputKind.CLASSES:
        return json_response(ClassPredictionView.of(prediction))
    if prediction.kind is OutputKind.TEXTS:
        return json_response(TextPredictionView.of(prediction))
    if prediction.kind is OutputKind.FEATURES:
        return Response(prediction.parts[0], media_type="application/x-npy")
    suffix = prediction.picture_format
    if len(prediction.parts) == 1:
        return Response(prediction.parts[0], media_type=f"image/{suffix}")
    return Response(_zipped(prediction.parts, suffix), media_type="application/zip")


def _zipped(pictures: tuple[bytes, ...], suffix: str) -> bytes:
    """The files as 0.png, 1.png …, uncompressed since they already are compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for index, picture in enumerate(pictures):
            archive.writestr(f"{index}.{suffix}", picture)
    return buffer.getvalue()
