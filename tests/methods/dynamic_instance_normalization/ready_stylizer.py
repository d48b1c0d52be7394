"""A stylizer with random weights that sees only the mean color of a style."""

import torch
from torch import nn

from service.core.manifest import StylizerHead, StylizerNetwork
from workers.torchkit.stylization.networks import Conditions, ContentPath

HEAD = StylizerHead(network=StylizerNetwork.DIN, width=4)


class StyleOfColor(nn.Module):
    """Parameters that add the mean color of the style to neutral ones."""

    neutral: torch.Tensor

    def __init__(self, path: ContentPath) -> None:
        super().__init__()
        neutral = torch.cat([shape.neutral() for shape in path.shapes])
        self.register_buffer("neutral", neutral)
        self.output = nn.Linear(3, len(neutral))

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """The parameters."""
        changes: torch.Tensor = self.output(pictures.mean(dim=(2, 3)) - 0.5)
        return changes + self.neutral


class SmallStylizer(nn.Module):
    """The parts that a stylizer has; weights are so large that its pictures have contrast."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.content = ContentPath(HEAD)
        self.style = StyleOfColor(self.content)
        for name, weight in self.content.named_parameters():
            weight.data.mul_(3 if "weight" in name else 1)

    def forward(self, pictures: torch.Tensor) -> torch.Tensor:
        """Pictures in their own styles."""
        painted: torch.Tensor = self.content(pictures, Conditions([self.style(pictures)]))
        return painted
