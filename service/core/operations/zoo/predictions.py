"""Predictions: requests for a model's output on images, checked before anything runs."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from ulid import ULID

from service.core.errors import TooLargeError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import invalid_value
from service.core.predict_messages import LARGEST_TOP_K, MOST_IMAGES, OutputKind, PredictRequest
from service.core.tables import ModelRecord

OUTPUT_LAYER = "output"


@dataclass(frozen=True)
class PredictOptions:
    """The requested output; None takes the default of the model."""

    output: OutputKind | None = None
    layer: str | None = None
    top_k: int = 5


def request_for(
    session: Session,
    *,
    project: str,
    model_id: str,
    images: Sequence[bytes],
    options: PredictOptions,
    most_bytes: int,
    timeout_seconds: float,
) -> tuple[ModelRecord, PredictRequest]:
    """The model and the request to it.

    Raises:
        NotFoundError: The model does not exist.
        ConflictError: It is not ready.
        InvalidRequestError: There are no images or too many, or the layer is unknown or unused.
        TooLargeError: The images have more than ``most_bytes`` bytes together.
    """
    model = owned_rows.get_ready(session, ModelRecord, project=project, id=model_id)
    _check_images(images, most_bytes)
    _check_options(model, options)
    facts = {
        "input": model.manifest["input"],
        "feature_layer": model.feature_layer,
        "task": model.task_kind,
    }
    return model, PredictRequest(
        id=str(ULID()),
        program=model.program_sha256 or "",
        model=facts,
        output=OutputKind.FEATURES if options.layer is not None else options.output,
        layer=options.layer,
        top_k=options.top_k,
        images=tuple(images),
        expires_at=time.time() + timeout_seconds,
    )


def _check_images(images: Sequence[bytes], most_bytes: int) -> None:
    if not images or len(images) > MOST_IMAGES:
        raise invalid_value(
            "/images",
            f"the request has {len(images)} images; the limits are 1 and {MOST_IMAGES}",
            code="invalid_image_count",
            remedy="send them as form fields called `images`, or one image as the body",
        )
    if sum(map(len, images)) > most_bytes:
        raise TooLargeError(
            f"the images have more than {most_bytes} bytes together",
            remedy="send fewer or smaller images at once",
        )


def _check_options(model: ModelRecord, options: PredictOptions) -> None:
    """Accept options that this model supports."""
    if not 1 <= options.top_k <= LARGEST_TOP_K:
        raise invalid_value(
            "/top_k",
            f"top_k is {options.top_k}",
            code="invalid_top_k",
            remedy=f"set top_k to 1 to {LARGEST_TOP_K}",
        )
    if options.layer is None:
        return
    if options.output not in (None, OutputKind.FEATURES):
        raise invalid_value(
            "/layer",
            f"a layer has no output {options.output}",
            code="output_not_supported",
            remedy="omit `layer`, or set `output` to features",
        )
    names = [layer["name"] for layer in model.layers]
    if options.layer not in names and options.layer not in (OUTPUT_LAYER, model.feature_layer):
        raise invalid_value(
            "/layer",
            f"{model.id} has no layer {options.layer!r}",
            code="unknown_layer",
            remedy=f"use one of GET /v1/models/{model.id}/layers",
        )


def named(
    model: ModelRecord, classes: list[list[dict[str, float]]]
) -> list[list[dict[str, object]]]:
    """The predicted classes with their names from the manifest; None for a class without a name."""
    names = model.manifest.get("classes") or []
    return [
        [{**prediction, "name": _name(names, int(prediction["index"]))} for prediction in image]
        for image in classes
    ]


def _name(names: Sequence[str], index: int) -> str | None:
    return names[index] if index < len(names) else None
