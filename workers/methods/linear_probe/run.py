"""Trains the linear layer for a fixed number of steps."""

from torch import Tensor

from service.core.catalogue.linear_probe import LinearProbeParams
from workers.contract import TrainingReport
from workers.programs.trainable import frozen
from workers.torchkit.outcomes import Trained
from workers.torchkit.transfers import Source, Transfer

Inputs = Source
Result = Trained


def run(inputs: Inputs, params: LinearProbeParams, report: TrainingReport) -> Result:
    """Train, then measure the network after its last step. Raises NotTransferableError."""
    transfer = Transfer(inputs, params)
    frozen(transfer.body)

    def loss() -> dict[str, Tensor]:
        places = transfer.drawn()
        features = transfer.lesson_features[places.to(transfer.lesson_features.device)]
        return transfer.loss(transfer.student.answer(features), places)

    return transfer.learn({1.0: list(transfer.student.head.parameters())}, loss, report)
