"""Trains body and head together for a fixed number of steps."""

from torch import Tensor

from service.core.catalogue.fine_tune import FineTuneParams
from workers.contract import TrainingReport
from workers.torchkit.outcomes import Trained
from workers.torchkit.transfers import Source, Transfer

Inputs = Source
Result = Trained


def run(inputs: Inputs, params: FineTuneParams, report: TrainingReport) -> Result:
    """Train, then measure the network after its last step. Raises NotTransferableError."""
    transfer = Transfer(inputs, params)
    head = list[Tensor](transfer.student.head.parameters())
    body = list[Tensor](transfer.body.parameters())
    groups = (
        {1.0: [*head, *body]} if params.body_rate == 1 else {1.0: head, params.body_rate: body}
    )

    def loss() -> dict[str, Tensor]:
        places = transfer.drawn()
        return transfer.loss(transfer.student(transfer.moved(places)), places)

    return transfer.learn(groups, loss, report)
