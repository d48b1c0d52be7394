"""Reduction of a student's outputs, one per teacher column, to one logit per label."""

import torch
from torch import Tensor, nn

from workers.torchkit.training.teachers import Head


def by_label(network: nn.Module, head: Head) -> nn.Module:
    """A network with one logit per label: the network itself if columns already are the labels."""
    in_order = [column.label for column in head.columns] == list(range(len(head.labels)))
    return network if in_order else Merged(network, head)


class Merged(nn.Module):
    """The maximum over the columns of each label, in the order of the head's labels."""

    columns: Tensor

    def __init__(self, network: nn.Module, head: Head) -> None:
        super().__init__()
        self.network = network
        columns = [
            [index for index, column in enumerate(head.columns) if column.label == label]
            for label in range(len(head.labels))
        ]
        self._most = max(len(indices) for indices in columns)
        padded = [indices + indices[:1] * (self._most - len(indices)) for indices in columns]
        self.register_buffer("columns", torch.tensor(padded).flatten())

    def forward(self, images: Tensor) -> Tensor:
        """Logits (image, label)."""
        outputs: Tensor = self.network(images)
        selected = outputs.index_select(1, self.columns)
        return selected.reshape(len(selected), -1, self._most).amax(dim=2)
