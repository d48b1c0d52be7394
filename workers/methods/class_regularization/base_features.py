"""Features of the base images under the frozen source, and the spaces they are compared in."""

from collections.abc import Mapping

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.class_regularization import MOST_UNITS, Whiten
from workers.methods.class_regularization.base_classes import BaseClasses
from workers.methods.class_regularization.network import (
    FeatureSpace,
    plain_space,
    whitened_space,
    whitening_pays,
)
from workers.programs.trainable import TrainableProgram, features_of
from workers.torchkit.training.teachers import Teacher
from workers.torchkit.training.transfers import NotTransferableError

PLAIN, WHITENED = "plain", "whitened"
_AT_ONCE = 256


class BaseFeatures:
    """Features (image, unit) of base classes, computed once, on the source's device.

    Args:
        layer: Where the source is cut.

    Raises:
        NotTransferableError: The layer has too many features.
    """

    def __init__(self, base: BaseClasses, source: Teacher, layer: str) -> None:
        self._base = base
        body = TrainableProgram(source.program, layer).to(source.program.device)
        parts = base.frames.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        self.raw: Float[Tensor, "image unit"] = torch.cat(
            [features_of(body, source.of_frames(part)) for part in parts]
        )
        self.units = self.raw.shape[1]
        if self.units > MOST_UNITS:
            raise NotTransferableError(
                f"layer {layer} has {self.units} features; the limit is {MOST_UNITS}",
                remedy="choose a later layer, or one with rows and columns, which are averaged",
            )
        labels = base.labels.to(self.raw.device)
        self.spaces: Mapping[str, FeatureSpace] = {
            PLAIN: plain_space(self.raw),
            WHITENED: whitened_space(self.raw, labels),
        }
        self._values: Mapping[str, Tensor] = {
            name: space(self.raw) for name, space in self.spaces.items()
        }

    def within(self, space: str) -> Float[Tensor, "image unit"]:
        """Features in one of the spaces."""
        return self._values[space]

    def chosen(self, whiten: Whiten, generator: torch.Generator) -> str:
        """The space of the learner; ``auto`` tries both on base classes."""
        if whiten is Whiten.ON:
            return WHITENED
        if whiten is Whiten.OFF:
            return PLAIN
        pays = whitening_pays(self.raw.cpu(), self._base.labels, generator=generator)
        return WHITENED if pays else PLAIN
