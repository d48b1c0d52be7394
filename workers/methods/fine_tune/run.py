"""Trains the source and a new linear layer."""

from service.core.catalogue.fine_tune import FineTuneParams
from workers.contract import TrainingReport
from workers.torchkit.outcomes import Trained, WithImages, complete
from workers.torchkit.transfers import Transfer

Inputs = WithImages
Result = Trained


def run(inputs: Inputs, params: FineTuneParams, report: TrainingReport) -> Result:
    """The network, evaluated after its last training step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(Transfer(inputs, params, body_rate=params.body_rate), inputs, params, report)
