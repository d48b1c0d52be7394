"""Trains the linear layer on frozen features."""

from service.core.catalog.linear_probe import LinearProbeParams
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.transfers import Transfer


def run(inputs: ImageInputs, params: LinearProbeParams, report: TrainingReport) -> TrainingResult:
    """The network, evaluated after its last training step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(Transfer(inputs, params, body_rate=0.0), inputs, params, report)
