"""What a training hands back: the student, what to declare of it, and how good it is."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from service.core.manifest import ModelManifest


@dataclass(frozen=True)
class Trained:
    """A student in evaluation mode on the CPU, after its last step.

    Attributes:
        quality: Shares of held-out images by name; what could not be measured is absent.
        history: ``step`` and named numbers of every evaluation.
        teacher: Parameters and FLOPs of the networks learned from.
        curve: PNG of the history.
    """

    network: nn.Module
    manifest: ModelManifest
    quality: Mapping[str, float]
    history: tuple[Mapping[str, float], ...]
    trained_on: int
    held_out: int
    teacher: Mapping[str, int]
    seconds: float
    curve: bytes
