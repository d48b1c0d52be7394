"""Prediction requests and responses, as messages between an API and a worker."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, NotRequired, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from service.core.errors import InvalidRequestError
from service.core.fingerprints import fingerprint
from service.core.frames import pack, unpack
from service.core.manifest import FewShotHead, InputSpec, Sha256, StylizerHead, TaskKind
from service.core.output_scales import OutputScale
from service.core.reader_manifest import AnyReaderHead
from service.core.readings import ClipAnswer, ClipReadings
from service.core.stylizations import Stylization

MOST_IMAGES = 64
MOST_SUPPORT_IMAGES = 1000
MOST_SUPPORT_CLASSES = 200
LARGEST_TOP_K = 1000
INVALID_FRAME = "invalid_frame"
INTERNAL = "internal"
LayerName = Annotated[str, Field(max_length=1000)]
RequestId = Annotated[str, Field(pattern=r"^[0-9A-HJKMNP-TV-Z]{26}$")]
Message = TypeVar("Message", "ForwardPass", "PredictRequest", "PredictResponse")


class OutputKind(StrEnum):
    """The kind of output.

    ``classes``: the most probable classes of a classifier. ``image``: a dense output as an image.
    ``features``: the activations of a layer. ``texts``: what a reader reads in clips.
    """

    CLASSES = "classes"
    IMAGE = "image"
    FEATURES = "features"
    TEXTS = "texts"


def _an_input(values: dict[str, Any]) -> dict[str, Any]:
    """The values of an input specification, unchanged. Raises ValueError."""
    InputSpec.model_validate(values)
    return values


def _a_head(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a few-shot head, unchanged. Raises ValueError."""
    FewShotHead.model_validate(values)
    return values


def _a_stylizer(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a stylizer head, unchanged. Raises ValueError."""
    StylizerHead.model_validate(values)
    return values


def _a_reader(values: dict[str, Any]) -> dict[str, Any]:
    """The values of a reader's head, unchanged. Raises ValueError."""
    _READERS.validate_python(values)
    return values


@dataclass(frozen=True)
class ForwardPass:
    """What a network computes for any images or clips: all that a worker learns about the model.

    Models over the same file differ in everything else here, so only requests with equal passes
    may be served together.

    Attributes:
        program: Digest of the network's executable form; of a reader's weights.
        input: Input specification: size, channels, mean, standard deviation and so on; None for a
            reader.
        task: Kind of task, which decides what a classifier's outputs mean.
        feature_layer: The layer that features come from unless ``layer`` names another.
        output: The requested output; None takes the default for the network's output.
        layer: The layer to read for features; None means the feature layer.
        network_output: Name of the network's output that counts; None means the first.
        scale: What the numbers of that output are; None means that the worker measures it.
        few_shot: How a few-shot learner compares images; None for any other network.
        stylizer: How a stylizer is built; None for any other network.
        reader: How a reader is built; None for any other network.
    """

    program: Sha256
    input: Annotated[dict[str, Any], AfterValidator(_an_input)] | None
    task: TaskKind
    feature_layer: LayerName | None
    output: OutputKind | None
    layer: LayerName | None
    network_output: LayerName | None = None
    scale: OutputScale | None = None
    few_shot: Annotated[dict[str, Any], AfterValidator(_a_head)] | None = None
    stylizer: Annotated[dict[str, Any], AfterValidator(_a_stylizer)] | None = None
    reader: Annotated[dict[str, Any], AfterValidator(_a_reader)] | None = None

    def __post_init__(self) -> None:
        """It takes images or clips. Raises ValueError."""
        if self.input is None and self.reader is None:
            raise ValueError("a network needs an input, a reader its head")

    @cached_property
    def key(self) -> str:
        """Digest of every field: equal for equal passes only."""
        return fingerprint(asdict(self))

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> "ForwardPass":
        """The pass with these JSON values. Raises InvalidRequestError."""
        return _checked(_PASSES, dict(values))


@dataclass(frozen=True)
class Support:
    """Labeled images that define the classes of one request.

    Attributes:
        images: Encoded image files.
        classes: Class of each image.
        names: Name of each class.
        prior: Number of images that the class domain counts as; None means the learned one.
    """

    images: Annotated[tuple[bytes, ...], Field(min_length=1, max_length=MOST_SUPPORT_IMAGES)]
    classes: tuple[Annotated[int, Field(ge=0, lt=MOST_SUPPORT_CLASSES)], ...]
    names: Annotated[tuple[str, ...], Field(min_length=1, max_length=MOST_SUPPORT_CLASSES)]
    prior: Annotated[float, Field(ge=0, le=1e6)] | None = None

    def __post_init__(self) -> None:
        """Every image has one of the names. Raises ValueError."""
        if len(self.images) != len(self.classes) or max(self.classes) >= len(self.names):
            raise ValueError("every support image needs one of the named classes")

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the images, as JSON values."""
        return {name: value for name, value in vars(self).items() if name != "images"}


@dataclass(frozen=True)
class PredictRequest:
    """Images for a network, or clips for a reader.

    Attributes:
        id: Identifies the response.
        forward_pass: What to compute for the images.
        top_k: How many classes to return for each image.
        images: Encoded image files; empty for a reader.
        timeout_seconds: How long the caller waits. No moment of the caller's clock is sent.
        support: The classes of a few-shot learner; None for any other network.
        stylization: What a stylizer paints with; None for any other network.
        readings: The clips of a reader; None for any other network.
    """

    id: RequestId
    forward_pass: ForwardPass
    top_k: Annotated[int, Field(ge=1, le=LARGEST_TOP_K)]
    images: Annotated[tuple[bytes, ...], Field(max_length=MOST_IMAGES)]
    timeout_seconds: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    support: Support | None = None
    stylization: Stylization | None = None
    readings: ClipReadings | None = None

    @property
    def all_files(self) -> tuple[bytes, ...]:
        """The clips; or the images, then those of the support, or styles and masks."""
        if self.readings is not None:
            return self.readings.clips
        if self.stylization is not None:
            return self.images + self.stylization.files
        return self.images + (() if self.support is None else self.support.images)

    def packed(self) -> bytes:
        """The request as bytes."""
        header = {name: value for name, value in vars(self).items() if name != "images"}
        support = None if self.support is None else self.support.facts
        style = None if self.stylization is None else self.stylization.facts
        changes = {
            "forward_pass": asdict(self.forward_pass),
            "support": support,
            "stylization": style,
            "readings": None if self.readings is None else self.readings.facts,
        }
        return pack({**header, **changes}, self.all_files)

    @classmethod
    def unpacked(cls, data: bytes) -> "PredictRequest":
        """The request from bytes. Raises InvalidRequestError."""
        header, images = unpack(data)
        support = header.get("support")
        count = len(images)
        if isinstance(support, dict) and isinstance(support.get("classes"), list):
            count -= len(support["classes"])
            header["support"] = {**support, "images": tuple(images[count:])}
        style = header.get("stylization")
        if isinstance(style, dict):
            count -= Stylization.files_of(style)
            header["stylization"] = Stylization.with_files(style, images[max(0, count) :])
        readings = header.get("readings")
        if isinstance(readings, dict):
            count -= ClipReadings.files_of(readings)
            header["readings"] = ClipReadings.with_files(readings, images[max(0, count) :])
        request = _checked(_REQUESTS, {**header, "images": tuple(images[: max(0, count)])})
        if bool(request.images) is not (request.readings is None):
            raise _malformed("a request has either images or clips")
        return request


def request_id_in(data: bytes) -> str | None:
    """The id of a request, even if nothing else in its message is well-formed; None without one."""
    try:
        header, _ = unpack(data)
        return _REQUEST_IDS.validate_python(header.get("id"))
    except (InvalidRequestError, ValidationError):
        return None


class ErrorDetails(TypedDict):
    """Why a prediction failed; ``pointer`` names the field of the request that is wrong."""

    code: str
    detail: str
    remedy: NotRequired[str | None]
    pointer: NotRequired[str | None]


class ClassProbability(TypedDict):
    """A class by its index, and how likely it is."""

    index: Annotated[int, Field(ge=0)]
    probability: float
    distance: NotRequired[float]


class SupportClass(TypedDict):
    """What a few-shot prediction made of the support images of one class.

    ``distinct`` counts different pictures; ``spread`` is their mean squared distance to the
    descriptor, None for a single one.
    """

    shots: Annotated[int, Field(ge=1)]
    distinct: Annotated[int, Field(ge=1)]
    spread: float | None


class SupportFacts(TypedDict):
    """What a few-shot prediction says beside the classes.

    ``outside`` tells for each image whether it is far from all classes.
    """

    classes: list[SupportClass]
    outside: list[bool]
    notes: list[Annotated[str, Field(max_length=1000)]]


@dataclass(frozen=True)
class PredictResponse:
    """The output of a network for the images or clips of one request.

    Attributes:
        kind: The kind of output; None for an error.
        classes: For ``classes``: those of each image, most probable first.
        parts: For ``image`` one PNG per image; for ``features`` one npy file for all images; for
            ``texts`` one PNG of the attention per clip that was read.
        error: {code, detail, remedy, pointer}, or None.
        support: What a few-shot learner says beside the classes.
        texts: For ``texts``: what the reader made of each clip.
    """

    kind: OutputKind | None
    classes: list[list[ClassProbability]] = field(default_factory=list)
    parts: tuple[bytes, ...] = ()
    error: ErrorDetails | None = None
    support: SupportFacts | None = None
    texts: list[ClipAnswer] = field(default_factory=list)

    def packed(self) -> bytes:
        """The response as bytes."""
        return pack(self.facts, self.parts)

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the parts, as JSON values."""
        return {name: value for name, value in vars(self).items() if name != "parts"}

    @classmethod
    def unpacked(cls, data: bytes) -> "PredictResponse":
        """The response from bytes. Raises InvalidRequestError."""
        header, parts = unpack(data)
        return cls.of(header, parts)

    @classmethod
    def of(cls, values: Mapping[str, Any], parts: Sequence[bytes]) -> "PredictResponse":
        """The response with these JSON values and parts. Raises InvalidRequestError."""
        response = _checked(_RESPONSES, {**values, "parts": tuple(parts)})
        if (response.kind is None) == (response.error is None):
            raise _malformed("a response has either a kind or an error")
        return response

    def fits(self, request: PredictRequest) -> bool:
        """Whether this answers the request: an error, or the requested output for every image."""
        if self.kind is None:
            return True
        if request.readings is not None or self.kind is OutputKind.TEXTS:
            return self._texts_fit(request.readings)
        images, style = len(request.images), request.stylization
        pictures = images if style is None else style.pictures_of(images)
        expected = {
            OutputKind.CLASSES: (images, 0),
            OutputKind.IMAGE: (0, pictures),
            OutputKind.FEATURES: (0, 1),
        }
        wanted = request.forward_pass.output
        amounts = len(self.classes), len(self.parts)
        return (
            wanted in (None, self.kind)
            and amounts == expected[self.kind]
            and self._support_fits(request)
        )

    def _texts_fit(self, readings: ClipReadings | None) -> bool:
        """Whether there is a text or a problem for every clip, and a picture for every text."""
        if readings is None or self.kind is not OutputKind.TEXTS or self.classes:
            return False
        readable = [answer for answer in self.texts if answer["reading"] is not None]
        whole = all(
            (answer["reading"] is None) is not (answer["problem"] is None) for answer in self.texts
        )
        amounts = len(self.texts), len(self.parts)
        return whole and amounts == (len(readings.clips), len(readable))

    def _support_fits(self, request: PredictRequest) -> bool:
        """Whether there are facts about every class and image of a few-shot request, or none."""
        if self.support is None or request.support is None:
            return self.support is None and request.support is None
        about, names = self.support["classes"], request.support.names
        return (len(about), len(self.support["outside"])) == (len(names), len(request.images))


_READERS: TypeAdapter[AnyReaderHead] = TypeAdapter(AnyReaderHead)
_REQUEST_IDS = TypeAdapter(RequestId)
_PASSES = TypeAdapter(ForwardPass)
_REQUESTS = TypeAdapter(PredictRequest)
_RESPONSES = TypeAdapter(PredictResponse)


def _checked(adapter: TypeAdapter[Message], fields: dict[str, Any]) -> Message:
    """The message with these fields. Raises InvalidRequestError."""
    try:
        return adapter.validate_python(fields)
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise _malformed(f"{'/'.join(map(str, first['loc']))}: {first['msg']}") from error


def _malformed(reason: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"the message of a prediction is malformed: {reason}",
        code=INVALID_FRAME,
        remedy="run the service and its workers in the same version",
    )
