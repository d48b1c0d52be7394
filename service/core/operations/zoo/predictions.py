"""Predictions: requests for a model's output on images or clips, checked before anything runs."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy.orm import Session
from ulid import ULID

from service.core.blobs import VerifiedStore
from service.core.errors import ConflictError, InvalidRequestError, TooLargeError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import invalid_value
from service.core.operations.zoo.readings import ChosenClips, ReadingOptions, clips_for
from service.core.operations.zoo.stylizations import StyleOptions, styles_for
from service.core.operations.zoo.supports import (
    LabeledSupport,
    SupportOptions,
    support_for,
)
from service.core.predict_messages import (
    LARGEST_TOP_K,
    MOST_IMAGES,
    ClassProbability,
    ForwardPass,
    OutputKind,
    PredictRequest,
)
from service.core.tables import ModelRecord

OUTPUT_LAYER = "output"


@dataclass(frozen=True)
class PredictOptions:
    """The requested output; None takes the default of the model."""

    output: OutputKind | None = None
    layer: str | None = None
    top_k: int = 5
    support: SupportOptions = field(default_factory=SupportOptions)
    style: StyleOptions = field(default_factory=StyleOptions)
    reading: ReadingOptions = field(default_factory=ReadingOptions)


@dataclass(frozen=True)
class CheckedPrediction:
    """A request that can be sent, its model, and the clips of a reader."""

    model: ModelRecord
    request: PredictRequest
    clips: ChosenClips | None = None


def request_for(
    session: Session,
    *,
    project: str,
    model_id: str,
    images: Sequence[bytes],
    options: PredictOptions,
    blobs: VerifiedStore,
    most_bytes: int,
    timeout_seconds: float,
) -> CheckedPrediction:
    """The model and the request to it.

    Args:
        blobs: Where images of a stored support, stored styles and stored clips are read from.

    Raises:
        NotFoundError: The model does not exist.
        ConflictError: It is not ready; ``model_unusable``.
        InvalidRequestError: There are no images or too many, the layer is unknown or unused, or
            support, styles or clips do not suit the model.
        TooLargeError: The images or clips have more than ``most_bytes`` bytes together.
    """
    model = owned_rows.get_ready_model(session, project=project, id=model_id)
    clips = clips_for(
        session,
        model=model,
        options=options.reading,
        images=len(images),
        output=_output_of(options),
    )
    _check_options(model, options)
    support = _support(session, project, model, options)
    styles = styles_for(
        session,
        model=model,
        options=options.style,
        contents=len(images),
        output=_output_of(options),
    )
    if clips is None:
        _check_count(images)
    beside = sum(files.size_bytes for files in (support, styles, clips) if files is not None)
    _check_size(sum(map(len, images)) + beside, most_bytes)
    request = PredictRequest(
        id=str(ULID()),
        forward_pass=_forward_pass(model, options),
        top_k=options.top_k,
        images=tuple(images),
        timeout_seconds=timeout_seconds,
        support=None if support is None else support.read(blobs, prior=options.support.prior),
        stylization=None if styles is None else styles.read(blobs),
        readings=None if clips is None else clips.read(blobs),
    )
    return CheckedPrediction(model, request, clips)


def _output_of(options: PredictOptions) -> OutputKind | None:
    """The requested output; a layer has features."""
    return OutputKind.FEATURES if options.layer is not None else options.output


def _support(
    session: Session, project: str, model: ModelRecord, options: PredictOptions
) -> LabeledSupport | None:
    """The support of the request; a learner's features, layers and pictures need none."""
    compares = options.layer is None and options.output in (None, OutputKind.CLASSES)
    if not model.is_few_shot_learner or compares:
        return support_for(session, project=project, model=model, options=options.support)
    if not options.support.is_empty:
        raise invalid_value(
            "/support",
            "a support defines classes, and the request asks for another output",
            code="support_not_taken",
            remedy="omit the support, or request the output classes",
        )
    return None


def _forward_pass(model: ModelRecord, options: PredictOptions) -> ForwardPass:
    """What the model computes. Raises ConflictError: its row is not as this version writes it."""
    try:
        return ForwardPass.of(
            {
                "program": model.upload_sha256 if model.is_reader else model.program_sha256,
                "input": model.manifest.get("input"),
                "task": model.task_kind,
                "feature_layer": model.feature_layer,
                "output": _output_of(options),
                "layer": options.layer,
                "network_output": model.output,
                "scale": model.output_scale,
                "few_shot": model.manifest.get("few_shot"),
                "stylizer": model.manifest.get("stylizer"),
                "reader": model.manifest.get("reader"),
            }
        )
    except InvalidRequestError as error:
        raise ConflictError(
            f"{model.id} cannot be run as it is stored: {error.detail}",
            code="model_unusable",
            remedy="upload the model again with a manifest that this version accepts",
        ) from error


def _check_count(images: Sequence[bytes]) -> None:
    if not images or len(images) > MOST_IMAGES:
        raise invalid_value(
            "/images",
            f"the request has {len(images)} images; the limits are 1 and {MOST_IMAGES}",
            code="invalid_image_count",
            remedy="send them as form fields called `images`, or one image as the body",
        )


def _check_size(size_bytes: int, most_bytes: int) -> None:
    if size_bytes > most_bytes:
        raise TooLargeError(
            f"the files have more than {most_bytes} bytes together",
            remedy="send fewer or smaller files at once",
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
    names: Sequence[str], classes: Sequence[Sequence[ClassProbability]]
) -> list[list[dict[str, object]]]:
    """The predicted classes with their names; None for a class without a name."""
    return [
        [{**prediction, "name": _name(names, prediction["index"])} for prediction in image]
        for image in classes
    ]


def _name(names: Sequence[str], index: int) -> str | None:
    return names[index] if index < len(names) else None
