"""Trains the source and a new linear layer."""

from service.core.catalog.fine_tune import FineTuneParams
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.transfers import Transfer


def run(inputs: ImageInputs, params: FineTuneParams, report: TrainingReport) -> TrainingResult:
    """The network, evaluated after its last training step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(Transfer(inputs, params, body_rate=params.body_rate), inputs, params, report)
