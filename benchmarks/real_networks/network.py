"""What is known about a published network."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from torch import nn

from service.core.manifest import Architecture, InputSpec, ModelFormat, ModelManifest, TaskKind


class Check(StrEnum):
    """Which of the real image sets tells whether a network was rebuilt correctly."""

    CIFAR10 = "CIFAR-10 test"
    MNIST = "MNIST test"
    FASHION = "Fashion-MNIST test"
    IMAGENET = "ImageNet samples"
    CAMVID = "CamVid test"
    PLATES = "plates"
    DIGIT_COPY = "MNIST test, pixels"
    NONE = "no labeled images here"


@dataclass(frozen=True)
class RealNetwork:
    """A published network.

    ``group`` is what it was trained to do, on which kind of images, ``family`` its architecture;
    ``claimed`` is the published figure in per cent (None: none). ``background`` counts classes before the first real one.
    """

    name: str
    weights: str
    build: Callable[[Path], nn.Module]
    task: TaskKind
    group: str
    family: str
    input: InputSpec
    trained_on: str
    license: str
    check: Check
    claimed: float | None = None
    background: int = 0
    classes: tuple[str, ...] | None = None
    feature_layer: str | None = None
    architecture: Architecture | None = None

    def module(self, data: Path) -> nn.Module:
        """The network with its weights, in evaluation mode."""
        return self.build(data / "weights" / self.weights)

    def manifest(self) -> ModelManifest:
        """What its owner says when uploading it."""
        form = ModelFormat.PT2 if self.architecture is None else ModelFormat.SAFETENSORS
        return ModelManifest(
            name=self.name,
            format=form,
            task=self.task,
            input=self.input,
            architecture=self.architecture,
            classes=self.classes,
            feature_layer=self.feature_layer,
            trained_on=self.trained_on,
            license=self.license,
            tags=(self.group,),
        )
