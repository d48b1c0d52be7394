"""POST /v1/models/{id}:predict: run images through a model."""

import io
import zipfile
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import Response

from service.core.predict_messages import MOST_IMAGES, OutputKind
from service.predict_client import PredictResult
from service.rest.dependencies import AppStateDep, Id, Reader
from service.rest.forms import is_form
from service.rest.request_bodies import require_length
from service.rest.responses import json_response
from service.views.predictions import ClassPredictionView, PredictQuery

router = APIRouter(prefix="/v1/models", tags=["models"])
_SLACK_BYTES = 1024**2
_LARGEST_BODY_BYTES = 64 * 1024**2
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "images": {"type": "array", "items": {"type": "string", "format": "binary"}},
    },
    "required": ["images"],
}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {"schema": _FORM},
            **{f"image/{kind}": _BINARY for kind in ("jpeg", "png", "webp", "bmp")},
        },
    }
}


@router.post(
    "/{model_id}:predict",
    response_model=ClassPredictionView,
    responses={
        200: {
            "content": {
                "image/png": _BINARY,
                "application/zip": _BINARY,
                "application/x-npy": _BINARY,
            },
            "description": "Classes as JSON; one PNG, or several in a zip; features as npy",
        }
    },
    openapi_extra=_BODY,
    max_body_size=_LARGEST_BODY_BYTES,
)
async def predict(
    model_id: Id,
    request: Request,
    app_state: AppStateDep,
    caller: Reader,
    query: Annotated[PredictQuery, Query()],
) -> Response:
    """Run images through a model: send one as the body, or up to 64 as form fields `images`.

    Without `output`, a classifier returns its most likely classes, a dense network an image, and
    any other network its features. Nothing is stored.
    """
    images = await _images(request, limit=app_state.zoo.settings.max_image_bytes)
    predict_images = partial(
        app_state.predict_client.predict,
        project=caller.project,
        model_id=model_id,
        images=images,
        options=query.options,
    )
    return _response(await run_in_threadpool(predict_images))


async def _images(request: Request, *, limit: int) -> list[bytes]:
    """The encoded images of a body. Raises TooLargeError."""
    require_length(request, limit=limit + _SLACK_BYTES)
    if not is_form(request):
        body = await request.body()
        return [body] if body else []
    async with request.form(max_files=MOST_IMAGES + 1, max_fields=MOST_IMAGES) as form:
        files = [file for file in form.getlist("images") if isinstance(file, UploadFile)]
        return [await file.read() for file in files]


def _response(prediction: PredictResult) -> Response:
    if prediction.kind is OutputKind.CLASSES:
        return json_response(ClassPredictionView.of(prediction))
    if prediction.kind is OutputKind.FEATURES:
        return Response(prediction.parts[0], media_type="application/x-npy")
    if len(prediction.parts) == 1:
        return Response(prediction.parts[0], media_type="image/png")
    return Response(_zipped(prediction.parts), media_type="application/zip")


def _zipped(pictures: tuple[bytes, ...]) -> bytes:
    """The PNG files as 0.png, 1.png …, uncompressed since PNG already is compressed."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for index, picture in enumerate(pictures):
            archive.writestr(f"{index}.png", picture)
    return buffer.getvalue()
