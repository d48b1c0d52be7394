"""What all training jobs have in common: the course, and the student that is trained."""

from enum import StrEnum

from pydantic import Field

from service.core.catalogue.card import Params


class Body(StrEnum):
    """The build of a student: plain convolutions, or residual blocks."""

    PLAIN = "plain"
    RESIDUAL = "residual"


class Student(Params):
    """A fresh network: three stages of ``width``, twice and four times as many channels.

    ``side`` is the height and width of its input in pixels.
    """

    architecture: Body = Body.RESIDUAL
    width: int = Field(16, ge=4, le=256)
    side: int = Field(32, ge=8, le=128)


class Course(Params):
    """How long and how fast: ``steps`` of ``batch_size`` images, learning rate up to ``rate``.

    ``held_out`` is the share of images, drawn by ``seed``, that measure and never teach. They are
    looked at every ``steps_between_evaluations``; a checkpoint is kept at least every
    ``seconds_between_checkpoints``. ``name`` is the new model's.
    """

    name: str | None = Field(None, min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")
    steps: int = Field(1000, ge=1, le=1_000_000)
    batch_size: int = Field(64, ge=2, le=1024)
    rate: float = Field(2e-3, gt=0, le=1)
    weight_decay: float = Field(1e-3, ge=0, le=1)
    held_out: float = Field(0.2, gt=0, lt=1)
    steps_between_evaluations: int = Field(100, ge=1, le=100_000)
    seconds_between_checkpoints: float = Field(30.0, ge=0, le=60)
    seed: int = Field(0, ge=0, lt=2**63)
