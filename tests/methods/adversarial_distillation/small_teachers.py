"""Networks that teach in the tests of this room: of whole images, and of pixels."""

import torch
from torch import nn

SIDE = 10


class WholeImages(nn.Module):
    """Answers by which part of an image is bright, after batch normalization or without."""

    def __init__(self, first: nn.Module) -> None:
        super().__init__()
        self.first = first
        self.head = nn.Linear(3, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of an image."""
        maps = torch.relu(self.first(images)).mean(dim=(1, 2))
        thirds = torch.stack(
            [third.mean(dim=1) for third in torch.split(maps, [3, 4, 3], dim=1)], dim=1
        )
        answers: torch.Tensor = self.head(thirds)
        return answers


class EverySecondPixel(nn.Module):
    """Answers every second pixel."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(1, 6, 3, stride=2, padding=1),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 3, 1),
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits of pixels, at half the side."""
        answers: torch.Tensor = self.body(images)
        return answers


def whole_images(*, normalized: bool) -> nn.Module:
    torch.manual_seed(1)
    layers = [nn.Conv2d(1, 6, 3, padding=1), *([nn.BatchNorm2d(6)] if normalized else [])]
    network = WholeImages(nn.Sequential(*layers))
    with torch.no_grad():
        network.head.weight.copy_(6 * torch.eye(3))
    return network
