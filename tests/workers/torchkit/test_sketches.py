"""Sketches keep inner products within their promise and are the same on every machine."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from tests.workers.torchkit.graph_samples import random_features
from workers.torchkit.edges import draw_edges
from workers.torchkit.similarity import edge_similarity
from workers.torchkit.sketches import (
    EDGE_SKETCH_SIZE,
    NODE_SKETCH_SIZE,
    count_sketch,
    edge_sketch,
    mixed,
    node_sketch,
)


def slow_sketch(vector: list[float], size: int, salt: int) -> list[float]:
    """One value at a time, in Python's own integers."""
    whole = 2**64
    buckets = [0.0] * size
    for k, value in enumerate(vector):
        state = ((k + 1) * 0x9E3779B97F4A7C15 + salt) % whole
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) % whole
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) % whole
        state ^= state >> 31
        buckets[state * size // whole] += value if state & 1 else -value
    return buckets


def unit_vectors(count: int, length: int, shared: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(1, length, generator=generator)
    rows = shared * common + torch.randn(count, length, generator=generator)
    return torch.nn.functional.normalize(rows, dim=1)


def test_the_hash_is_splitmix() -> None:
    # First outputs for seed 0 as published with the generator.
    published = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]

    assert mixed(np.arange(3, dtype=np.uint64), 0).tolist() == published


def test_a_sketch_is_its_slow_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.torchkit.sketches._BLOCK", 7)
    vector = torch.randn(50, generator=torch.Generator().manual_seed(0))

    sketch = count_sketch(vector, 8, salt=3)

    assert_close(sketch, torch.tensor(slow_sketch(vector.tolist(), 8, 3)))


@pytest.mark.parametrize("size", [NODE_SKETCH_SIZE, EDGE_SKETCH_SIZE])
@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_inner_products_are_unbiased_and_as_exact_as_promised(size: int, shared: float) -> None:
    left, right = unit_vectors(2, 5_000, shared)
    exact = float(left @ right)

    # Vectors of one zoo share the hash, so their errors hang together: draw the hash anew.
    errors = torch.tensor(
        [
            float(count_sketch(left, size, salt=salt) @ count_sketch(right, size, salt=salt))
            - exact
            for salt in range(400)
        ]
    )

    promised = ((1 + exact**2) / size) ** 0.5
    assert float(errors.square().mean().sqrt()) == pytest.approx(promised, rel=0.15)
    assert abs(float(errors.mean())) < 4 * promised / 400**0.5


def test_sketches_of_a_graph_estimate_both_similarities() -> None:
    probes, mask = 200, torch.ones(200, dtype=torch.bool)
    ranks = [draw_edges(random_features(probes, seed=s, shared=0.7), mask).ranks for s in (1, 2)]
    maps = [
        torch.nn.functional.normalize(random_features(probes, 64, seed=s), dim=1) for s in (1, 2)
    ]

    edge = edge_sketch(ranks[0]) @ edge_sketch(ranks[1])
    node = node_sketch(maps[0].half(), mask) @ node_sketch(maps[1].half(), mask)

    assert float(edge) == pytest.approx(float(edge_similarity(ranks[0], ranks[1])), abs=0.2)
    assert float(node) == pytest.approx(float((maps[0] * maps[1]).sum(dim=1).mean()), abs=0.14)
    assert (len(edge_sketch(ranks[0])), len(node_sketch(maps[0], mask))) == (512, 1024)


def test_missing_probes_do_not_shorten_a_node_sketch() -> None:
    mask = torch.arange(40) < 30
    maps = torch.nn.functional.normalize(random_features(40, 64), dim=1) * mask.unsqueeze(1)

    assert float(node_sketch(maps, mask).norm()) == pytest.approx(1.0, abs=0.15)


def test_constant_edges_have_a_sketch_of_zeros() -> None:
    assert_close(edge_sketch(torch.full((10,), 11, dtype=torch.int32)), torch.zeros(512))
