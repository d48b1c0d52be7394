"""Transfer of a network, cut at a layer, to a labeled set: all weights or the head only."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.training import TransferTrainingConfig
from service.core.errors import MethodError
from service.core.manifest import TaskKind
from workers.programs.trainable import Probed, TrainableProgram, features_of
from workers.torchkit.training.loop import OptimizerGroup, Training, TrainingStage, TrainingStep
from workers.torchkit.training.steps import drawn_frames
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import Head

_AT_ONCE = 256
_FEWEST_LABELS = 2


class NotTransferableError(MethodError):
    """The network cannot be trained further, or the set cannot be learned from."""

    code = "not_transferable"


class Transfer:
    """Source, student and labeled images of a fine-tuning or a linear probe.

    Args:
        body_rate: Learning rate of the source's weights over that of the head; 0 freezes them.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
    """

    task = TaskKind.CLASSIFICATION

    def __init__(
        self, inputs: ImageInputs, course: TransferTrainingConfig, *, body_rate: float
    ) -> None:
        self._source = inputs.teachers[0]
        self._course, self._body_rate = course, body_rate
        labels = torch.full((len(inputs.images),), -1) if inputs.labels is None else inputs.labels
        labeled = labels >= 0
        self._frames, self._labels = inputs.images[labeled], labels[labeled]
        self._require_fit()
        self.head = Head(inputs.label_names, ())
        self.spec = self._source.input
        self.trained_on = f"{len(self._frames)} labeled images"
        program = self._source.program
        self._body = TrainableProgram(program, course.layer or program.feature_layer)
        self._features = self._frozen_features()
        self._network = Probed(self._body, self._features, labels=len(self.head.labels))
        self._network.to(program.device)
        generator = torch.Generator().manual_seed(course.seed)
        self.training = Training({"student": self._network}, generator)

    @property
    def student(self) -> nn.Module:
        """Body and head."""
        return self._network

    def stages(self) -> Sequence[TrainingStage]:
        """One stage: cross-entropy with the labels."""
        return [TrainingStage("transfer", 1.0, self._begin)]

    def pictures(self) -> Mapping[str, bytes]:
        """No pictures besides the curve."""
        return {}

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        groups = [{"params": list(self._network.head.parameters()), "share": 1.0}]
        if self._body_rate > 0:
            groups.append({"params": list(self._body.parameters()), "share": self._body_rate})
        decay = self._course.weight_decay
        optimizer = torch.optim.AdamW(groups, lr=self._course.learning_rate, weight_decay=decay)
        turn = self._turn if self._body_rate > 0 else self._turn_of_head
        return {"student": OptimizerGroup(optimizer, self._course.learning_rate)}, turn

    def _turn(self) -> dict[str, Tensor]:
        """One step of body and head on a shifted batch."""
        frames, indices = drawn_frames(
            self._frames, self._course.batch_size, generator=self.training.generator
        )
        return self._learned(self._network(self._source.of_frames(frames)), indices)

    def _turn_of_head(self) -> dict[str, Tensor]:
        """One step of the head on the precomputed features."""
        count, generator = len(self._frames), self.training.generator
        indices = torch.randperm(count, generator=generator)[: self._course.batch_size]
        features = self._features[indices.to(self._features.device)]
        return self._learned(self._network.answer(features), indices)

    def _learned(self, logits: Tensor, indices: Tensor) -> dict[str, Tensor]:
        loss = functional.cross_entropy(logits, self._labels[indices].to(logits.device))
        return {"label": self.training.learn("student", loss)}

    def _frozen_features(self) -> Tensor:
        """Features (image, unit) of all images under the source, on its device."""
        parts = self._frames.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        return torch.cat([features_of(self._body, self._source.of_frames(part)) for part in parts])

    def _require_fit(self) -> None:
        """Checks that there are labels to learn and that the network takes any batch size."""
        counts = self._labels.bincount()
        if int((counts > 0).sum()) < _FEWEST_LABELS:
            raise NotTransferableError(
                "the set has fewer than two labels", remedy="use images of at least two classes"
            )
        batch = self._source.program.batch
        if batch is not None:
            raise NotTransferableError(
                f"the network has a fixed batch size of {batch}",
                remedy="export it with a free batch axis; `zooscope pack` does where it can",
            )
