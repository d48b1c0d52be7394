"""A student with an output for every teacher's column answers label by label."""

import torch
from torch import Tensor, nn

from workers.torchkit.teachers import Head


def by_label(network: nn.Module, head: Head) -> nn.Module:
    """A network that answers label by label: itself, where every label has one column in order."""
    in_order = [one.label for one in head.columns] == list(range(len(head.labels)))
    return network if in_order else Merged(network, head)


class Merged(nn.Module):
    """Of the columns of one label the largest counts; labels stand in the head's order."""

    places: Tensor

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network = network
        columns = [
            [place for place, one in enumerate(head.columns) if one.label == label]
            for label in range(len(head.labels))
        ]
        self._most = max(len(one) for one in columns)
        padded = [one + one[:1] * (self._most - len(one)) for one in columns]
        self.register_buffer("places", torch.tensor(padded).flatten())

    def forward(self, images: Tensor) -> Tensor:
        """One logit for every label."""
        answers: Tensor = self.network(images)
        columns = answers.index_select(1, self.places)
        return columns.reshape(len(columns), -1, self._most).amax(dim=2)
