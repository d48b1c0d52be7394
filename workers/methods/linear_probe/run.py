"""Trains the linear layer on frozen features."""

from service.core.catalogue.linear_probe import LinearProbeParams
from workers.contract import TrainingReport
from workers.torchkit.outcomes import Trained, WithImages, complete
from workers.torchkit.transfers import Transfer

Inputs = WithImages
Result = Trained


def run(inputs: Inputs, params: LinearProbeParams, report: TrainingReport) -> Result:
    """The network, evaluated after its last training step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(Transfer(inputs, params, body_rate=0.0), inputs, params, report)
