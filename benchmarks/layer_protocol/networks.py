"""Networks made of steps, so that they can be cut between any two of them."""

# Slices of nn.Sequential, Tensor.split and Module.to(memory_format=…) are untyped in torch.
# mypy: disable-error-code="no-any-return, no-untyped-call, call-overload, return-value"

from collections import OrderedDict
from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn

from benchmarks.real_networks.cifar_resnet import CifarResNet, ResidualBlock

SIDE = 32
_PLAIN = ((16, 1), (24, 2), (24, 1), (48, 2), (48, 1), (64, 2), (64, 1), (64, 1))
_PLAIN_HIDDEN = 64
_RESIDUAL = (16, 24, 24, 48, 48, 64, 64, 64)
Family = Callable[[int], nn.Sequential]


def plain(classes: int) -> nn.Sequential:
    """Eight convolutions with batch norm, a hidden layer, a head: a small VGG with strides."""
    before, side = 3, SIDE
    steps = []
    for width, stride in _PLAIN:
        steps.append(_convolution(before, width, stride))
        before, side = width, side // stride
    hidden = nn.Sequential(
        nn.Flatten(),
        nn.Linear(before * side**2, _PLAIN_HIDDEN, bias=False),
        nn.BatchNorm1d(_PLAIN_HIDDEN),
        nn.ReLU(),
    )
    return stepwise([*steps, hidden], nn.Linear(_PLAIN_HIDDEN, classes))


def residual(classes: int) -> nn.Sequential:
    """One convolution, seven residual blocks, a mean over places, a head."""
    blocks = [ResidualBlock(before, width) for before, width in pairwise(_RESIDUAL)]
    return stepwise([_convolution(3, _RESIDUAL[0], 1), *blocks], _pooled_head(64, classes))


def resnet20(classes: int) -> nn.Sequential:
    """The published CIFAR network of 20 layers, as steps; its weights are not in it yet."""
    return steps_of(CifarResNet(3, classes))


def steps_of(network: CifarResNet) -> nn.Sequential:
    """The same network, sharing its weights, as steps: stem, every block, head."""
    stem = nn.Sequential(network.conv1, network.bn1, nn.ReLU())
    stages = [network.get_submodule(f"layer{number}") for number in (1, 2, 3)]
    blocks = [block for stage in stages for block in stage.children()]
    head = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), network.linear)
    return stepwise([stem, *blocks], head)


def stepwise(steps: list[nn.Module], head: nn.Module) -> nn.Sequential:
    """Steps ``1``, ``2``, … and ``head``; the output of step k can be read as ``k.out``."""
    named = [(str(number), _readable(step)) for number, step in enumerate(steps, start=1)]
    network = nn.Sequential(OrderedDict([*named, ("head", _readable(head))]))
    return network.to(memory_format=torch.channels_last)


def depth(network: nn.Sequential) -> int:
    """Number of places where it can be cut: every step but the head."""
    return len(network) - 1


def layer_names(network: nn.Sequential) -> list[str]:
    """Name of the layer below each cut, first to last."""
    return [f"{number}.out" for number in range(1, depth(network) + 1)]


LOGITS = "head.out"
PLAIN_FEATURE = f"{len(_PLAIN) + 1}.out"


def frozen_part(network: nn.Sequential, cut: int) -> nn.Sequential:
    """The first ``cut`` steps, sharing weights, in evaluation mode and without gradients."""
    return network[:cut].eval().requires_grad_(requires_grad=False)


def fresh_part(family: Family, classes: int, cut: int, *, seed: int) -> nn.Sequential:
    """What stands above a cut, with random weights that depend on seed and cut alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return family(classes)[cut:]


@torch.no_grad()
def features_at_cuts(network: nn.Sequential, inputs: Tensor, *, batch: int = 250) -> list[Tensor]:
    """Outputs of step 0 (the inputs), 1, … of a network that is not learning, each (image, …)."""
    outputs: list[list[Tensor]] = [[] for _ in range(depth(network) + 1)]
    lower = frozen_part(network, depth(network))
    for values in inputs.split(batch):
        outputs[0].append(values)
        for number, step in enumerate(lower, start=1):
            values = step(values)  # noqa: PLW2901 - the image climbs
            outputs[number].append(values)
    return [torch.cat(batches) for batches in outputs]


def _readable(step: nn.Module) -> nn.Sequential:
    return nn.Sequential(OrderedDict(body=step, out=nn.Identity()))


def _convolution(before: int, width: int, stride: int) -> nn.Sequential:
    convolution = nn.Conv2d(before, width, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(width), nn.ReLU())


def _pooled_head(width: int, classes: int) -> nn.Sequential:
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, classes))
