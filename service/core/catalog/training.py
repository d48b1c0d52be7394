"""What all training jobs have in common: teachers, data, the student, the budget, the device."""

from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import ConfigDict, Field, model_validator

from service.core.catalog.method_spec import DatasetId, JobInputs, LayerName, ModelId, Params

Label = Annotated[str, Field(min_length=1, max_length=200)]


class StudentArchitecture(StrEnum):
    """The build of a student; widths follow ``Student.width``.

    ``plain`` and ``residual`` end in the mean over places, ``lenet`` in two linear layers and has
    no batch normalisation, ``strided`` halves by its convolutions and takes the largest answer
    over places, ``unet`` answers every pixel.
    """

    PLAIN = "plain"
    RESIDUAL = "residual"
    LENET = "lenet"
    STRIDED = "strided"
    UNET = "unet"


ListedName = Annotated[str, Field(pattern=r"^(timm|torchvision)/[A-Za-z0-9_.]{1,120}$")]


class Student(Params):
    """The network that is made."""

    architecture: StudentArchitecture | ListedName = StudentArchitecture.RESIDUAL
    """A build of ours, or a network of a library's own listing with fresh weights, such as
    ``timm/resnet18``; methods that read inner maps of the student need one of ours."""
    width: int = Field(16, ge=4, le=256)
    """Channels of the first stage; later stages have twice and four times as many. Listed
    networks have a width of their own."""
    side: int | None = Field(None, ge=8, le=256)
    """Height and width of its input in pixels; None takes the first teacher's."""
    labels: tuple[Label, ...] | None = Field(None, min_length=1, max_length=10_000)
    """Its outputs in order; None means all of the teachers' labels in their order."""
    num_classes: int | None = Field(None, ge=1, le=10_000)
    """How many outputs there must be; it only checks ``labels`` or the teachers' labels."""
    init: ModelId | None = None
    """A model of the zoo of the same build whose weights it starts from; None draws fresh ones."""


class TrainingDevice(StrEnum):
    """Where a training runs: ``auto`` leaves it to the worker that takes the job."""

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
    """How long a training lasts: a number of steps, or seconds of training time.

    Only a budget of steps makes a run repeatable to the last bit.
    """

    model_config = ConfigDict(json_schema_extra=_one_is_given)

    steps: int | None = Field(None, ge=1, le=1_000_000)
    """Steps of the optimiser; None where ``seconds`` are given."""
    seconds: float | None = Field(None, gt=0, le=86_400)
    """Seconds of training; None where ``steps`` are given."""

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")
        return self


class TrainingConfig(Params):
    """How a training goes, whatever the method."""

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    """Name of the new model; None makes one from what it learned from."""
    budget: Budget = Budget(steps=1000)
    """How long the training lasts."""
    batch_size: int = Field(64, ge=8, le=1024)
    """Images of a step."""
    held_out: float = Field(0.2, gt=0, lt=1)
    """Share of the images that measures and never teaches, where no ``exam`` is given."""
    evaluations: int = Field(10, ge=1, le=1000)
    """How often quality is measured on the way; each time is a point of the curve."""
    seconds_between_checkpoints: float = Field(30.0, ge=0, le=60)
    """Longest time between two checkpoints, from which a stopped training goes on."""
    seed: int = Field(0, ge=0, lt=2**63)
    """Of the first weights, the batches, and the images that are held out."""
    device: TrainingDevice = TrainingDevice.AUTO
    """What the training runs on; ``cuda`` waits for a worker with a GPU."""


class StudentTrainingConfig(TrainingConfig):
    """A course whose student is a network of its own build."""

    student: Student = Student()
    """Build, size and labels of the network that is made."""


class TeachersAndImages(JobInputs):
    """Networks to learn from, images to ask them about, and labelled images to be judged on."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=16)
    """The networks to learn from."""
    data: DatasetId
    """The images they are asked about."""
    exam: DatasetId | None = None
    """The labelled images that judge; None keeps a share of ``data`` from training for it."""


class TeachersOnly(JobInputs):
    """Networks to learn from, and no image to learn from."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=16)
    """The networks to learn from."""
    data: None = None
    """Nothing: the method makes its own images."""
    exam: DatasetId | None = None
    """Labelled images that judge the student and are never shown to it; None measures nothing."""


class SourceAndLabels(JobInputs):
    """A network to start from, and labelled images to learn."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=1)
    """The one network to start from."""
    data: DatasetId
    """The labelled images to learn."""
    exam: DatasetId | None = None
    """The labelled images that judge; None keeps a share of ``data`` from training for it."""


class TransferTrainingConfig(TrainingConfig):
    """A course that goes on from a network of the zoo, cut at a layer."""

    layer: LayerName | None = None
    """Where the source is cut; None means its feature layer."""
    rate: float = Field(2e-3, gt=0, le=1)
    """Largest learning rate."""
    weight_decay: float = Field(1e-3, ge=0, le=1)
    """Pull of the weights towards 0, as AdamW takes it."""
