"""Sketches of networks that are given as a list of tensors."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor

from service.core.families.sketch import Sketch, WeightTensor
from workers.programs.weight_sketches import sketched_weight

SHAPES = ((8, 3, 3, 3), (16, 8, 3, 3), (16, 16, 3, 3), (16, 64), (5, 16))


def random_tensors(seed: int, shapes: Sequence[tuple[int, ...]] = SHAPES) -> list[Tensor]:
    """Normal numbers in these shapes."""
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(*shape, generator=generator) for shape in shapes]


def stored(tensors: Sequence[Tensor]) -> list[dict[str, Any]]:
    """The tensors as a job's result and a row hold them."""
    return [asdict(sketched_weight(tensor)) for tensor in tensors]


def sketch(tensors: Sequence[Tensor], *, others: int = 5, program: str = "program") -> Sketch:
    """The sketch of a network."""
    weights = tuple(map(WeightTensor.of, stored(tensors)))
    digests = "".join(weight.digest for weight in weights)
    return Sketch(weights, others, hashlib.sha256(digests.encode()).hexdigest(), program)
