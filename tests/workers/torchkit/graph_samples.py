"""Graphs of random networks that share something, drawn from a seed."""

import torch
from torch import Tensor

from workers.torchkit.similarity.edges import draw_edges
from workers.torchkit.similarity.graphs import DeparaGraph

KEY = "probes and settings"


def random_features(probes: int, units: int = 6, *, seed: int = 0, shared: float = 0.5) -> Tensor:
    """Features that agree in part between seeds: a common piece and one of their own."""
    common = torch.randn(probes, units, generator=torch.Generator().manual_seed(1000))
    own = torch.randn(probes, units, generator=torch.Generator().manual_seed(seed))
    return shared * common + (1 - shared) * own


def random_graph(
    name: str,
    *,
    probes: int = 20,
    pixels: int = 30,
    seed: int = 0,
    invalid: tuple[int, ...] = (),
) -> DeparaGraph:
    """A graph with unit maps; ``invalid`` probes are masked."""
    mask = torch.ones(probes, dtype=torch.bool)
    mask[list(invalid)] = False
    raw = random_features(probes, pixels, seed=seed) * mask.unsqueeze(1)
    maps = torch.nn.functional.normalize(raw, dim=1)
    edges = draw_edges(random_features(probes, seed=seed) * mask.unsqueeze(1), mask)
    return DeparaGraph(name, KEY, maps.half(), edges.ranks, edges.mask)
