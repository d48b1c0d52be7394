"""What all training jobs have in common: teachers, data, the student, the budget, the device."""

from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from service.core.catalogue.card import Inputs, Params

Label = Annotated[str, Field(min_length=1, max_length=200)]


class Body(StrEnum):
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


class Student(Params):
    """The network that is made.

    ``width`` is the channels of the first stage; later stages have twice and four times as many.
    ``side`` is the height and width of its input in pixels; None takes the first teacher's.
    ``labels`` are its outputs in order; None means all of the teachers' labels in their order.
    ``num_classes`` only checks their number. ``init`` is a model of the zoo whose weights it
    starts from, which must have the same build; None draws fresh weights.
    """

    architecture: Body = Body.RESIDUAL
    width: int = Field(16, ge=4, le=256)
    side: int | None = Field(None, ge=8, le=256)
    labels: tuple[Label, ...] | None = Field(None, min_length=1, max_length=10_000)
    num_classes: int | None = Field(None, ge=1, le=10_000)
    init: str | None = Field(None, max_length=100)


class Device(StrEnum):
    """Where a training runs: ``auto`` leaves it to the worker that takes the job."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


class Budget(Params):
    """How long a training lasts: a number of steps, or seconds of training time.

    Only a budget of steps makes a run repeatable to the last bit.
    """

    steps: int | None = Field(None, ge=1, le=1_000_000)
    seconds: float | None = Field(None, gt=0, le=86_400)

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.steps is None) == (self.seconds is None):
            raise ValueError("give either steps or seconds")
        return self


class Course(Params):
    """How a training goes, whatever the method.

    Held-out images are looked at ``evaluations`` times; a checkpoint is kept at least every
    ``seconds_between_checkpoints``. ``held_out`` is the share of ``data``, drawn by ``seed``,
    that measures and never teaches where no ``exam`` is given. ``name`` is the new model's.
    """

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    budget: Budget = Budget(steps=1000)
    batch_size: int = Field(64, ge=8, le=1024)
    held_out: float = Field(0.2, gt=0, lt=1)
    evaluations: int = Field(10, ge=1, le=1000)
    seconds_between_checkpoints: float = Field(30.0, ge=0, le=60)
    seed: int = Field(0, ge=0, lt=2**63)
    device: Device = Device.AUTO


class StudentCourse(Course):
    """A course whose student is a network of its own build."""

    student: Student = Student()


class TeachersAndImages(Inputs):
    """Networks to learn from, images to ask them about, and labelled images to be judged on.

    Without ``exam`` a share of ``data`` is kept from training and judges.
    """

    teachers: tuple[str, ...] = Field(min_length=1, max_length=16)
    data: str
    exam: str | None = None


class TeachersAlone(Inputs):
    """Networks to learn from, and no image to learn from.

    ``exam`` judges the student and is never shown to it; without it quality is not measured.
    """

    teachers: tuple[str, ...] = Field(min_length=1, max_length=16)
    data: None = None
    exam: str | None = None
