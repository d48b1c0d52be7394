"""The truth that a ranking tries to foresee: how well a network's frozen features serve the target."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.manifest import InputSpec
from workers.demo_zoo.images import TARGET_DIGITS, Digits, Pictures
from workers.demo_zoo.training import network_input

LABELS_PER_DIGIT = 3
DRAWS = 12
DECAY = 1e-2
ITERATIONS = 60
SMALLEST_STD = 1e-3


def transfer_accuracy(encoder: nn.Module, spec: InputSpec, digits: Digits) -> float:
    """Mean share of the target's test images that linear heads on frozen features get right.

    Each of twelve heads learns from three labeled images of each digit, drawn anew: with more
    labels every network of this zoo does well, and nothing is left to rank.
    """
    labeled, tests = (_features(encoder, part, spec) for part in (digits.labeled, digits.tests))
    lowest = min(TARGET_DIGITS)
    classes, truth = digits.labeled.labels - lowest, digits.tests.labels - lowest
    generator = torch.Generator().manual_seed(0)
    scores = []
    for _ in range(DRAWS):
        drawn = _few_of_each(classes, generator)
        answers = _answers(labeled[drawn], classes[drawn], tests)
        scores.append((answers == truth).double().mean())
    return torch.stack(scores).mean().item()


def _features(encoder: nn.Module, pictures: Pictures, spec: InputSpec) -> Tensor:
    """(n, features), without gradients."""
    with torch.no_grad():
        features: Tensor = encoder(network_input(pictures.frames, spec)).flatten(1)
    return features


def _few_of_each(classes: Tensor, generator: torch.Generator) -> Tensor:
    """Places of a few images of every class."""
    found = [(classes == one).nonzero().squeeze(1) for one in range(int(classes.max()) + 1)]
    return torch.cat(
        [one[torch.randperm(len(one), generator=generator)[:LABELS_PER_DIGIT]] for one in found]
    )


def _answers(features: Tensor, classes: Tensor, tests: Tensor) -> Tensor:
    """Classes that a head trained on standardized features gives to the tests."""
    mean, std = features.mean(dim=0), features.std(dim=0).clamp_min(SMALLEST_STD)
    head = _head((features - mean) / std, classes)
    with torch.no_grad():
        answers: Tensor = head((tests - mean) / std).argmax(dim=1)
    return answers


def _head(features: Tensor, classes: Tensor) -> nn.Linear:
    """The linear layer of least penalized cross entropy; it starts at zero, so needs no seed."""
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
