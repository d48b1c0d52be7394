"""Trains source and linear layer."""

from service.core.catalogue.fine_tune import FineTuneParams
from workers.contract import TrainingReport
from workers.torchkit.outcomes import Trained, WithImages, complete
from workers.torchkit.transfers import Transfer

Inputs = WithImages
Result = Trained


def run(inputs: Inputs, params: FineTuneParams, report: TrainingReport) -> Result:
    """Train, then measure the network after its last step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed number of images.
        DivergedError: Losses stopped being finite.
    """
    return complete(Transfer(inputs, params, body_rate=params.body_rate), inputs, params, report)
