"""The members of a family: a base, what was made from it, and strangers that look like it."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

from benchmarks.families.nets import ARCHITECTURES, HeadedNetwork, RenamedNetwork

BASE_STEPS, SHORT_STEPS, LONG_STEPS = 200, 40, 200
BATCH = 32
OTHER_DRAW = 10_000


@dataclass(frozen=True)
class FamilyRecipe:
    """A training: which digits, how long, how fast, with which decay and which seed of batches."""

    digits: tuple[int, ...]
    steps: int
    learning_rate: float
    decay: float
    seed: int


@dataclass(frozen=True)
class FamilyMember:
    """A network and its true relation to the base; None for a stranger."""

    name: str
    network: nn.Module
    relation: str | None


FIRST, LAST = tuple(range(5)), tuple(range(5, 10))


@cache
def digits() -> tuple[Tensor, Tensor]:
    """Scanned digits (1 797, 1, 8, 8) and their labels."""
    scanned = load_digits()
    images = torch.from_numpy(scanned.images.astype(np.float32) / 8 - 1)[:, None]
    return images, torch.from_numpy(scanned.target.astype(np.int64))


def trained(
    network: HeadedNetwork, recipe: FamilyRecipe, *, teacher: nn.Module | None = None
) -> HeadedNetwork:
    """The network after AdamW on the recipe's digits; a teacher's logits replace labels."""
    images, labels = digits()
    chosen = torch.isin(labels, torch.tensor(recipe.digits)).nonzero()[:, 0]
    generator = torch.Generator().manual_seed(recipe.seed)
    wanted = [p for p in network.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(wanted, lr=recipe.learning_rate, weight_decay=recipe.decay)
    network.train()
    for _ in range(recipe.steps):
        batch = chosen[torch.randint(len(chosen), (BATCH,), generator=generator)]
        logits = network(images[batch])
        if teacher is None:
            loss = functional.cross_entropy(logits, labels[batch] - recipe.digits[0])
        else:
            with torch.no_grad():
                target = teacher(images[batch])
            loss = functional.mse_loss(logits, target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return network.eval()


def fresh(architecture: str, seed: int) -> HeadedNetwork:
    """An untrained network."""
    torch.manual_seed(seed)
    return ARCHITECTURES[architecture](len(FIRST))


def base_recipe(seed: int) -> FamilyRecipe:
    """How a base learns the first five digits; every other one with weight decay."""
    return FamilyRecipe(FIRST, BASE_STEPS, 3e-3, 0.05 if seed % 2 else 0.0, seed)


def base(architecture: str, seed: int) -> HeadedNetwork:
    """The root of a family."""
    return trained(fresh(architecture, seed), base_recipe(seed))


def members(architecture: str, seed: int, root: HeadedNetwork) -> Iterator[FamilyMember]:
    """All other members of a family, then its strangers."""
    yield from _tuned(root, seed)
    yield from _compressed(root, seed)
    yield FamilyMember("re-exported", RenamedNetwork(copy.deepcopy(root)).eval(), "re_exported")
    if any(isinstance(module, nn.BatchNorm2d) for module in root.modules()):
        yield FamilyMember("folded", folded(root), "re_exported")
    yield from _strangers(architecture, seed, root)


def _tuned(root: HeadedNetwork, seed: int) -> Iterator[FamilyMember]:
    """Descendants that learned on."""
    short = FamilyRecipe(LAST, SHORT_STEPS, 1e-3, 0.0, seed + 1)
    long = FamilyRecipe(LAST, LONG_STEPS, 3e-3, 0.05 if seed % 3 else 0.0, seed + 2)
    yield FamilyMember("fine-tuned, short", trained(_new_head(root, seed), short), "fine_tuned")
    yield FamilyMember("fine-tuned, long", trained(_new_head(root, seed), long), "fine_tuned")
    same_head = FamilyRecipe(FIRST, SHORT_STEPS, 1e-3, 0.0, seed + 3)
    yield FamilyMember(
        "trained on, same head", trained(copy.deepcopy(root), same_head), "fine_tuned"
    )
    probe = _new_head(root, seed).requires_grad_(requires_grad=False)
    probe.head.requires_grad_()
    probe.body.eval()
    yield FamilyMember("new head alone", _probe(probe, short), "shares_backbone")


def _probe(network: HeadedNetwork, recipe: FamilyRecipe) -> HeadedNetwork:
    """The network with a trained head; batch statistics stay too."""
    statistics = {k: v.clone() for k, v in network.body.state_dict().items()}
    tuned = trained(network, recipe)
    tuned.body.load_state_dict(statistics)
    return tuned


def _new_head(root: HeadedNetwork, seed: int) -> HeadedNetwork:
    network = copy.deepcopy(root)
    torch.manual_seed(seed + OTHER_DRAW)
    network.head = nn.Linear(network.head.in_features, len(LAST))
    return network


def _compressed(root: HeadedNetwork, seed: int) -> Iterator[FamilyMember]:
    """Smaller forms of the base."""
    for share in (0.3, 0.8):
        yield FamilyMember(f"pruned {share:.0%}", pruned(root, share), "pruned")
    tuned = trained(pruned(root, 0.8), FamilyRecipe(FIRST, SHORT_STEPS, 1e-3, 0.0, seed + 4))
    zeros = pruned(root, 0.8)
    with torch.no_grad():
        for weight, mask in zip(tuned.parameters(), zeros.parameters(), strict=True):
            if weight.ndim > 1:
                weight.mul_(mask != 0)
    yield FamilyMember("pruned 80%, trained on", tuned, "pruned")
    yield FamilyMember("half precision", copy.deepcopy(root).half().float(), "half_precision")
    yield FamilyMember("bfloat16", copy.deepcopy(root).bfloat16().float(), "half_precision")
    yield FamilyMember("int8 rows", on_grid(root, 127), "quantized")
    yield FamilyMember("int4 rows", on_grid(root, 7), "quantized")


def pruned(root: HeadedNetwork, share: float) -> HeadedNetwork:
    """The network without this share of the smallest entries of each weight."""
    network = copy.deepcopy(root)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                bound = weight.abs().flatten().kthvalue(max(1, int(share * weight.numel()))).values
                weight.mul_(weight.abs() > bound)
    return network


def on_grid(root: HeadedNetwork, largest: int) -> HeadedNetwork:
    """The network with every row of each weight on an even grid of 2 · largest + 1 levels."""
    network = copy.deepcopy(root)
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                rows = weight.flatten(1)
                step = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / largest
                weight.copy_(((rows / step).round() * step).view_as(weight))
    return network


def folded(root: HeadedNetwork) -> HeadedNetwork:
    """The network with its normalizations folded into the convolutions, as exporters do."""
    network = copy.deepcopy(root).eval()
    for module in network.modules():
        if isinstance(module, nn.Sequential):
            children = list(module)
            for index in range(len(children) - 1):
                pair = children[index], children[index + 1]
                if isinstance(pair[0], nn.Conv2d) and isinstance(pair[1], nn.BatchNorm2d):
                    module[index] = fuse_conv_bn_eval(*pair)
                    module[index + 1] = nn.Identity()
    return network


def _strangers(architecture: str, seed: int, root: HeadedNetwork) -> Iterator[FamilyMember]:
    """Networks of the same architecture that never saw the weights of the base."""
    other = fresh(architecture, seed + OTHER_DRAW)
    recipe = base_recipe(seed)
    yield FamilyMember("distilled", trained(copy.deepcopy(other), recipe, teacher=root), None)
    yield FamilyMember("from scratch, same batches", trained(other, recipe), None)
    start = FamilyRecipe(LAST, BASE_STEPS, 3e-3, recipe.decay, seed + 5)
    yield FamilyMember(
        "same first weights, other digits", trained(fresh(architecture, seed), start), "unknown"
    )
