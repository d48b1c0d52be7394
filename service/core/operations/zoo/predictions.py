"""Asking a network about images: what is refused before anything runs, and the question."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session
from ulid import ULID

from service.core.errors import FieldProblem, InvalidRequestError, TooLargeError
from service.core.operations.zoo import models
from service.core.predict_messages import LARGEST_TOP_K, MOST_IMAGES, OutputKind, PredictRequest
from service.core.tables import ModelRecord

OUTPUT_LAYER = "output"


@dataclass(frozen=True)
class PredictOptions:
    """What is wanted of a network for some images; None leaves the choice to the network."""

    output: OutputKind | None = None
    layer: str | None = None
    top_k: int = 5


def question(
    session: Session,
    *,
    project: str,
    model_id: str,
    images: Sequence[bytes],
    options: PredictOptions,
    most_bytes: int,
    timeout_seconds: float,
) -> tuple[ModelRecord, PredictRequest]:
    """The model and the question to it.

    Raises:
        NotFoundError: No such model.
        ConflictError: It is not ready.
        InvalidRequestError: No images, too many, an unknown layer, or one without use.
        TooLargeError: The images together are longer than ``most_bytes``.
    """
    model = models.get_ready(session, project=project, model_id=model_id)
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
        raise _refused(
            "/images",
            f"{len(images)} images were sent; 1 to {MOST_IMAGES} can be looked at together",
            code="invalid_image_count",
            remedy="send them as form fields called `images`, or one image as the body",
        )
    if sum(map(len, images)) > most_bytes:
        raise TooLargeError(
            f"the images together have more than {most_bytes} bytes",
            remedy="send fewer or smaller images at once",
        )


def _check_options(model: ModelRecord, options: PredictOptions) -> None:
    """Refuse a wish that this network can never fulfil."""
    if not 1 <= options.top_k <= LARGEST_TOP_K:
        raise _refused("/top_k", f"top_k must be 1 to {LARGEST_TOP_K}", code="invalid_top_k")
    if options.layer is None:
        return
    if options.output not in (None, OutputKind.FEATURES):
        raise _refused(
            "/layer",
            f"a layer has no {options.output}",
            code="output_not_supported",
            remedy="leave `layer` out, or ask for features",
        )
    known = [layer["name"] for layer in model.layers]
    if options.layer not in known and options.layer not in (OUTPUT_LAYER, model.feature_layer):
        raise _refused(
            "/layer",
            f"{model.id} has no layer {options.layer!r}",
            code="unknown_layer",
            remedy=f"use one of GET /v1/models/{model.id}/layers",
        )


def _refused(
    pointer: str, detail: str, *, code: str, remedy: str | None = None
) -> InvalidRequestError:
    return InvalidRequestError(
        detail, code=code, remedy=remedy, errors=[FieldProblem(pointer, detail)]
    )


def named(
    model: ModelRecord, classes: list[list[dict[str, float]]]
) -> list[list[dict[str, object]]]:
    """The classes of an answer with their names, where the manifest knows them."""
    names = model.manifest.get("classes") or []
    return [
        [{**one, "name": _name(names, int(one["index"]))} for one in image] for image in classes
    ]


def _name(names: Sequence[str], index: int) -> str | None:
    return names[index] if index < len(names) else None
