"""What all training methods share: teachers, datasets, the student, the budget and the device."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, ConfigDict, Field, field_validator, model_validator

from service.core.catalog.method_spec import JobInputs, LayerName, Params
from service.core.ids import DatasetId, ModelId

Label = Annotated[str, Field(min_length=1, max_length=200)]


def _require_distinct(labels: tuple[str, ...]) -> tuple[str, ...]:
    """The labels, none of which is listed twice."""
    repeated = next((label for label, count in Counter(labels).items() if count > 1), None)
    if repeated is not None:
        raise ValueError(f"list each label once; {repeated!r} is listed more than once")
    return labels


DistinctLabels = Annotated[
    tuple[Label, ...], Field(fail_fast=True), AfterValidator(_require_distinct)
]


class StudentArchitecture(StrEnum):
    """Architecture of a student; its channels follow ``Student.width``.

    ``plain`` and ``residual`` end in global average pooling, ``lenet`` ends in two linear layers
    and has no batch normalization, ``strided`` downsamples with its convolutions and ends in global
    max pooling, ``unet`` predicts every pixel.
    """

    PLAIN = "plain"
    RESIDUAL = "residual"
    LENET = "lenet"
    STRIDED = "strided"
    UNET = "unet"


# How many blocks a student of each architecture has.
STUDENT_BLOCKS: Mapping[StudentArchitecture, int] = {
    StudentArchitecture.PLAIN: 3,
    StudentArchitecture.RESIDUAL: 3,
    StudentArchitecture.LENET: 2,
    StudentArchitecture.STRIDED: 3,
    StudentArchitecture.UNET: 3,
}


class SharedLabels(StrEnum):
    """Target of a label that several teachers have.

    ``probabilities``, the default, takes the softmax of each teacher over all its outputs, then the
    mean over the teachers that have the label. ``logits`` takes the mean, and ``largest`` the
    maximum, of their logits, each minus the mean of its teacher's logits. For labels that are present
    or absent independently, ``probabilities`` takes the mean of the sigmoids.
    """

    PROBABILITIES = "probabilities"
    LOGITS = "logits"
    LARGEST = "largest"


ListedName = Annotated[str, Field(pattern=r"^(timm|torchvision)/[A-Za-z0-9_.]{1,120}$")]


class Student(Params):
    """The network to train."""

    architecture: StudentArchitecture | ListedName = StudentArchitecture.RESIDUAL
    """Architecture: a built-in one, or a timm or torchvision network with random weights, such as
    ``timm/resnet18``. Methods that read the student's inner maps need a built-in one."""
    width: int = Field(16, ge=4, le=256)
    """Number of channels of the first stage; later stages have two and four times as many. Ignored
    by timm and torchvision networks."""
    image_size: int | None = Field(None, ge=8, le=256)
    """Height and width of the input in pixels; None uses the first teacher's."""
    labels: DistinctLabels | None = Field(None, min_length=1, max_length=10_000)
    """Output labels in order; None uses all labels of the teachers in their order."""
    num_classes: int | None = Field(None, ge=1, le=10_000)
    """Expected number of outputs; only checks ``labels`` or the teachers' labels."""
    init: ModelId | None = None
    """Model of the zoo with the same architecture that provides the initial weights; None starts
    from random weights."""


class TrainingDevice(StrEnum):
    """Device of a training; ``auto`` leaves it to the worker that runs the job."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def _one_is_given(schema: dict[str, Any]) -> None:
    """Add to a budget's schema what its validator asks."""
    schema["oneOf"] = [
        {"properties": {"steps": {"type": "integer"}}, "required": ["steps"]},
        {"properties": {"seconds": {"type": "number"}}, "required": ["seconds"]},
    ]


class Budget(Params):
    """Length of a training: a number of steps, or seconds of training time.

    Only a budget in steps makes a run reproducible bit for bit.
    """

    model_config = ConfigDict(json_schema_extra=_one_is_given)

    steps: int | None = Field(None, ge=1, le=1_000_000)
    """Number of optimizer steps; None if ``seconds`` is set."""
    seconds: float | None = Field(None, gt=0, le=86_400)
    """Training time in seconds; None if ``steps`` is set."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")
        return self


_ROUNDING = 1e-9


def fewest_steps(shares: Sequence[float]) -> int:
    """The steps that a training needs for each of its stages to get one, by their shares of it."""
    return math.ceil(sum(shares) / min(shares) - _ROUNDING)


class TrainingConfig(Params):
    """Settings that all training methods share."""

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Name of the new model; None derives one from its sources and the method."""
    budget: Budget = Budget(steps=1000)
    """Length of the training."""
    batch_size: int = Field(64, ge=8, le=1024)
    """Number of images per step."""
    validation_fraction: float = Field(0.2, gt=0, lt=1)
    """Share of the images held out for validation if there is no ``eval_dataset_id``."""
    num_evaluations: int = Field(10, ge=1, le=1000)
    """Number of evaluations during training; each adds a point to the learning curve."""
    checkpoint_interval_seconds: float = Field(30.0, ge=0, le=60)
    """Longest time between two checkpoints; a stopped training resumes from the last one."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Seed for weight initialization, batch order and the validation split."""
    device: TrainingDevice = TrainingDevice.AUTO
    """Device of the training; ``cuda`` waits for a worker with a GPU."""


class StudentTrainingConfig(TrainingConfig):
    """Settings of a training that creates a new network."""

    student: Student = Student()
    """Architecture, size and labels of the student."""


class TeachersAndImages(JobInputs):
    """Networks to learn from, images to learn on, and labeled images to evaluate on."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=16)
    """The networks to learn from."""
    dataset_id: DatasetId
    """The images to learn on; they need no labels."""
    eval_dataset_id: DatasetId | None = None
    """Labeled images to evaluate on; None holds out a share of ``dataset_id``."""


class TeachersOnly(JobInputs):
    """Networks to learn from, and no images to learn from."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=16)
    """The networks to learn from."""
    dataset_id: None = None
    """Always None: the method generates its own images."""
    eval_dataset_id: DatasetId | None = None
    """Labeled images to evaluate on, never used for training; None skips evaluation."""

    @field_validator("dataset_id", mode="before")
    @classmethod
    def _without_images(cls, value: Any) -> Any:
        if value is not None:
            raise ValueError(
                "this method generates its own images and learns from no dataset; leave dataset_id"
                " out, and name labeled images to evaluate on as eval_dataset_id"
            )
        return value


class SourceAndLabels(JobInputs):
    """A network to start from, and labeled images to learn."""

    source_model_id: ModelId
    """The network to start from."""
    dataset_id: DatasetId
    """The labeled images to learn."""
    eval_dataset_id: DatasetId | None = None
    """Labeled images to evaluate on; None holds out a share of ``dataset_id``."""


class TransferTrainingConfig(TrainingConfig):
    """Settings of a training that starts from a network of the zoo, cut at a layer."""

    layer: LayerName | None = None
    """Layer at which the source is cut; None means its feature layer."""


class AdamWTransferConfig(TransferTrainingConfig):
    """Settings of a training by AdamW that starts from a network of the zoo, cut at a layer."""

    learning_rate: float = Field(2e-3, gt=0, le=1)
    """Peak learning rate of AdamW."""
    weight_decay: float = Field(1e-3, ge=0, le=1)
    """Weight decay of AdamW."""


def starts_from_a_source(inputs: Mapping[str, Any]) -> bool:
    """Whether a training cuts one network at a layer, instead of learning from outputs."""
    return "source_model_id" in inputs


def reads_layers_only(inputs: Mapping[str, Any]) -> bool:
    """Whether a training reads layers of its networks, so that their outputs may mean anything."""
    return starts_from_a_source(inputs) or "style_dataset_id" in inputs


def source_ids(inputs: Mapping[str, Any]) -> list[str]:
    """Ids of the networks that a training learns from: its teachers, or its one source."""
    return (
        [inputs["source_model_id"]] if starts_from_a_source(inputs) else list(inputs["teachers"])
    )
