"""The true transfer accuracy that a ranking predicts: linear heads on frozen features."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.manifest import InputSpec
from workers.tools.demo_zoo.images import TARGET_DIGITS, Digits, Pictures
from workers.tools.demo_zoo.training import network_input

LABELS_PER_DIGIT = 3
DRAWS = 12
DECAY = 1e-2
ITERATIONS = 60
SMALLEST_STD = 1e-3


def transfer_accuracy(encoder: nn.Module, spec: InputSpec, digits: Digits) -> float:
    """Mean test accuracy on the target of linear heads on frozen features.

    Each of twelve heads learns from a new draw of three labeled images per digit. With more
    labels, all networks of this zoo do well and there is nothing to rank.
    """
    labeled, tests = (_features(encoder, part, spec) for part in (digits.labeled, digits.tests))
    lowest = min(TARGET_DIGITS)
    classes, truth = digits.labeled.labels - lowest, digits.tests.labels - lowest
    generator = torch.Generator().manual_seed(0)
    scores = []
    for _ in range(DRAWS):
        drawn = _few_of_each(classes, generator)
        predictions = _predictions(labeled[drawn], classes[drawn], tests)
        scores.append((predictions == truth).double().mean())
    return torch.stack(scores).mean().item()


def _features(encoder: nn.Module, pictures: Pictures, spec: InputSpec) -> Tensor:
    """(n, features), without gradients."""
    with torch.no_grad():
        features: Tensor = encoder(network_input(pictures.frames, spec)).flatten(1)
    return features


def _few_of_each(classes: Tensor, generator: torch.Generator) -> Tensor:
    """Indices of a few random images of every class."""
    indices_by_class = [
        (classes == label).nonzero().squeeze(1) for label in range(int(classes.max()) + 1)
    ]
    return torch.cat(
        [
            indices[torch.randperm(len(indices), generator=generator)[:LABELS_PER_DIGIT]]
            for indices in indices_by_class
        ]
    )


def _predictions(features: Tensor, classes: Tensor, tests: Tensor) -> Tensor:
    """Predicted classes of the tests, from a head trained on standardized features."""
    mean, std = features.mean(dim=0), features.std(dim=0).clamp_min(SMALLEST_STD)
    head = _head((features - mean) / std, classes)
    with torch.no_grad():
        predictions: Tensor = head((tests - mean) / std).argmax(dim=1)
    return predictions


def _head(features: Tensor, classes: Tensor) -> nn.Linear:
    """The linear layer that minimizes penalized cross-entropy; it starts at zero, without a seed."""
    head = nn.Linear(features.shape[1], int(classes.max()) + 1)
    nn.init.zeros_(head.weight)
    nn.init.zeros_(head.bias)
    optimizer = torch.optim.LBFGS(
        head.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe"
    )

    def objective() -> Tensor:
        optimizer.zero_grad()
        value = functional.cross_entropy(head(features), classes)
        value = value + DECAY * head.weight.square().sum()
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer.step(objective)  # type: ignore[no-untyped-call]
    return head
