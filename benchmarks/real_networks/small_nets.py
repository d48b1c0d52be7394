"""Small networks for 28x28 and 32x32 gray images: LeNet-5, a variational autoencoder, a robust net."""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

from collections import OrderedDict

import torch
from torch import Tensor, nn


class LeNet5(nn.Module):
    """LeNet-5 with ReLU and max pooling; logits, without the log-softmax of its training."""

    def __init__(self) -> None:
        super().__init__()
        self.convnet = nn.Sequential(
            OrderedDict(
                c1=nn.Conv2d(1, 6, 5),
                relu1=nn.ReLU(),
                s2=nn.MaxPool2d(2),
                c3=nn.Conv2d(6, 16, 5),
                relu3=nn.ReLU(),
                s4=nn.MaxPool2d(2),
                c5=nn.Conv2d(16, 120, 5),
                relu5=nn.ReLU(),
            )
        )
        self.fc = nn.Sequential(
            OrderedDict(f6=nn.Linear(120, 84), relu6=nn.ReLU(), f7=nn.Linear(84, 10))
        )

    def forward(self, images: Tensor) -> Tensor:
        """Logits of (n, 1, 32, 32) images."""
        return self.fc(self.convnet(images).flatten(1))


class DigitAutoencoder(nn.Module):
    """A variational autoencoder that decodes the mean of its code, so that it answers the same twice."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1 = nn.Linear(784, 400)
        self.fc21 = nn.Linear(400, 20)
        self.fc22 = nn.Linear(400, 20)
        self.fc3 = nn.Linear(20, 400)
        self.fc4 = nn.Linear(400, 784)

    def forward(self, images: Tensor) -> Tensor:
        """Reconstruction of (n, 1, 28, 28) images, in [0, 1]."""
        code = self.fc21(torch.relu(self.fc1(images.flatten(1))))
        pixels = torch.sigmoid(self.fc4(torch.relu(self.fc3(code))))
        return pixels.view(-1, 1, 28, 28)


def robust_net() -> nn.Sequential:
    """Two strided 4x4 convolutions and two linear layers; logits of (n, 1, 28, 28) images."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 4, 2, 1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, 2, 1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * 7 * 7, 100),
        nn.ReLU(),
        nn.Linear(100, 10),
    )
