"""Trains the source and a new linear layer."""

from collections.abc import Sequence

import torch
from torch import Tensor

from service.core.catalog.fine_tune import FineTuneParams
from service.core.manifest import TaskKind
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.loop import OptimizerGroup, TrainingStage, TrainingStep
from workers.torchkit.training.steps import drawn_frames
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.transfers import Transfer


def run(inputs: ImageInputs, params: FineTuneParams, report: TrainingReport) -> TrainingResult:
    """The network, evaluated after its last training step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(_FineTuning(inputs, params), inputs, params, report)


class _FineTuning(Transfer):
    """Body and head learn together, the body at a share of the head's rate."""

    def __init__(self, inputs: ImageInputs, params: FineTuneParams) -> None:
        super().__init__(inputs, params)
        self._params = params

    def stages(self) -> Sequence[TrainingStage]:
        """One stage: cross-entropy with the labels, binary where images have several."""
        return [TrainingStage("transfer", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        rate, decay = self._params.learning_rate, self._params.weight_decay
        groups = [
            {"params": list(self.network.head.parameters()), "share": 1.0},
            {"params": list(self.body.parameters()), "share": self._params.body_rate},
        ]
        optimizer = torch.optim.AdamW(groups, lr=rate, weight_decay=decay)
        return {"student": OptimizerGroup(optimizer, rate)}, self._step

    def _step(self) -> dict[str, Tensor]:
        """One step on a shifted batch."""
        generator = self.training.generator
        frames, indices = drawn_frames(self.frames, self._params.batch_size, generator=generator)
        logits = self.network(self.source.of_frames(frames))
        loss = self.loss(logits, self.labels[indices].to(logits.device))
        if self.task is TaskKind.MULTI_LABEL:
            loss = loss / self.labels.shape[1]
        return {"label": self.training.learn("student", loss)}
