"""Transfer of a network, cut at a layer, to a labeled set: what all ways of training share."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.training import TransferTrainingConfig
from service.core.errors import MethodError
from service.core.manifest import TaskKind
from workers.programs import Program
from workers.programs.trainable import Probed, TrainableProgram, features_of
from workers.torchkit.training.loop import Training
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import Head

_AT_ONCE = 256
_FEWEST_LABELS = 2


class NotTransferableError(MethodError):
    """The network cannot be trained further, or the set cannot be learned from."""

    code = "not_transferable"


class Transfer:
    """Source, student and labeled images of a fine-tuning or a linear probe.

    Attributes:
        source: The network that is cut.
        body: The trainable part of it, a copy.
        network: Body and head.
        frames: The labeled images.
        labels: Index of each image's label; where images have several, 1 in the columns of theirs.
        features: Features (image, unit) of the frames under the source, on its device.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
    """

    def __init__(self, inputs: ImageInputs, config: TransferTrainingConfig) -> None:
        self.source = inputs.teachers[0]
        labels = torch.full((len(inputs.images),), -1) if inputs.labels is None else inputs.labels
        # Where images have several labels, each column says of one label whether they have it.
        several = labels.ndim > 1
        self.task = TaskKind.MULTI_LABEL if several else TaskKind.CLASSIFICATION
        labeled = torch.ones(len(labels), dtype=torch.bool) if several else labels >= 0
        self.frames, self.labels = inputs.images[labeled], labels[labeled]
        self._require_fit()
        self.head = Head(inputs.label_names, ())
        self.spec = self.source.input
        self.trained_on = f"{len(self.frames)} labeled images"
        program = self.source.program
        self._layer = config.layer or program.feature_layer
        self.body = TrainableProgram(program, self._layer)
        self.features = self._frozen_features()
        self.network = Probed(self.body, self.features, labels=len(self.head.labels))
        self.network.to(program.device)
        generator = torch.Generator().manual_seed(config.seed)
        self.training = Training({"student": self.network}, generator)

    @property
    def student(self) -> nn.Module:
        """Body and head."""
        return self.network

    def recipe(self) -> Mapping[str, Any]:
        """The layer of the cut."""
        return {"layer": self._layer}

    def pictures(self) -> Mapping[str, bytes]:
        """No pictures besides the curve."""
        return {}

    def loss(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Cross-entropy with the labels, mean over images; binary, and summed over labels, for several."""
        if self.task is TaskKind.MULTI_LABEL:
            total = functional.binary_cross_entropy_with_logits(
                logits, labels.to(logits.dtype), reduction="sum"
            )
            return total / len(labels)
        return functional.cross_entropy(logits, labels)

    def _frozen_features(self) -> Tensor:
        """Features (image, unit) of all images under the source, on its device."""
        parts = self.frames.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        return torch.cat([features_of(self.body, self.source.of_frames(part)) for part in parts])

    def _require_fit(self) -> None:
        """Checks that there are labels to learn and that the network takes any batch size."""
        several = self.task is TaskKind.MULTI_LABEL
        counts = self.labels.sum(dim=0) if several else self.labels.bincount()
        if int((counts > 0).sum()) < _FEWEST_LABELS:
            raise NotTransferableError(
                "the set has fewer than two labels", remedy="use images of at least two classes"
            )
        require_free_batch(self.source.program)


def require_free_batch(program: Program) -> None:
    """Accept a network that takes any number of images. Raises NotTransferableError."""
    if program.batch is not None:
        raise NotTransferableError(
            f"the network has a fixed batch size of {program.batch}",
            remedy="export it with a free batch axis; `zooscope pack` does where it can",
        )
