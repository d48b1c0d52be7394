"""Sketches keep inner products within their promise and are the same on every machine."""

from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from service.core.catalog.depara import DeparaParams
from service.core.sketches import EDGE_SKETCH_SIZE, NODE_SKETCH_SIZE, error_of, query_of
from tests.workers.torchkit.graph_samples import KEY, random_features
from tests.workers.torchkit.small_networks import (
    PLAIN,
    convolutional,
    reader_of,
    seeded,
    some_images,
)
from workers.methods import depara
from workers.methods.depara import DeparaData
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.edges import draw_edges
from workers.torchkit.similarity.graphs import DeparaGraph
from workers.torchkit.similarity.similarity import compare
from workers.torchkit.similarity.sketches import (
    count_sketch,
    edge_sketch,
    graph_sketch,
    node_sketch,
    splitmix64,
)

PLACES = [24, 130, 526, 782, 930, 1036, 1055, 1073, 1095, 1283, 1334, 1374, 1391, 1507, 1521]
VALUES = [
    -0.4472136,
    0.4472136,
    0.4472136,
    -0.4472136,
    -0.4472136,
    0.0825723,
    0.0275241,
    0.1376205,
    -0.0825723,
    -0.1376205,
    -0.0275241,
    0.1926687,
    0.1926687,
    -0.2477169,
    -0.2477169,
]


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

    assert splitmix64(np.arange(3, dtype=np.uint64), 0).tolist() == published


def test_a_sketch_is_its_slow_twin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.torchkit.similarity.sketches._BLOCK", 7)
    vector = torch.randn(50, generator=torch.Generator().manual_seed(0))

    sketch = count_sketch(vector, 8, salt=3)

    assert_close(sketch, torch.tensor(slow_sketch(vector.tolist(), 8, 3)))


@pytest.mark.parametrize("size", [NODE_SKETCH_SIZE, EDGE_SKETCH_SIZE])
@pytest.mark.parametrize("shared", [0.0, 1.0])
def test_inner_products_are_unbiased_and_as_exact_as_promised(size: int, shared: float) -> None:
    left, right = unit_vectors(2, 5_000, shared)
    exact = float(left @ right)

    # Vectors of one zoo share the hash, so their errors hang together: draw the hash again.
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


def test_cosines_of_sketches_are_surer_the_nearer() -> None:
    left, right = unit_vectors(2, 5_000, 2.0)
    exact = float(left @ right)

    def cosine(salt: int) -> float:
        sketches = [count_sketch(vector, NODE_SKETCH_SIZE, salt=salt) for vector in (left, right)]
        return float(torch.nn.functional.cosine_similarity(*sketches, dim=0))

    errors = torch.tensor([cosine(salt) - exact for salt in range(400)])

    assert exact == pytest.approx(0.8, abs=0.02)
    promised = (1 - exact**2) / NODE_SKETCH_SIZE**0.5
    assert float(errors.square().mean().sqrt()) == pytest.approx(promised, rel=0.15)


def graphs_of_one_zoo(count: int) -> list[DeparaGraph]:
    """Random graphs of six families, from strangers to near copies."""
    mask = torch.ones(40, dtype=torch.bool)
    graphs = []
    for number in range(count):
        blur = 0.3 * (number // 6)
        maps, features = (
            random_features(40, units, seed=number % 6, shared=0.3)
            + blur * random_features(40, units, seed=100 + number, shared=0.0)
            for units in (64, 6)
        )
        unit = torch.nn.functional.normalize(maps, dim=1).half()
        graphs.append(DeparaGraph(str(number), KEY, unit, draw_edges(features, mask).ranks, mask))
    return graphs


def graphs_of_networks(count: int) -> list[DeparaGraph]:
    """Real networks, untrained, that look at the same pictures."""
    images = some_images(24)
    graphs = []
    for seed in range(count):
        inputs = DeparaData(
            str(seed), KEY, reader_of(seeded(convolutional(), seed)), PLAIN, images
        )
        graphs.append(depara.run(inputs, DeparaParams(), silent).graph)
    return graphs


@pytest.mark.parametrize("drawn", [graphs_of_one_zoo, graphs_of_networks])
@pytest.mark.parametrize("edge_weight", [0.0, 0.25, 1.0, 10.0])
def test_estimates_exceed_their_bound_at_most_once_in_a_hundred(
    drawn: Callable[[int], list[DeparaGraph]], edge_weight: float
) -> None:
    graphs = drawn(24)
    sketches = [graph_sketch(graph.maps, graph.ranks) for graph in graphs]
    misses = 0

    for left, right in combinations(range(24), 2):
        exact = compare(graphs[left], graphs[right])
        query = query_of(sketches[left].tolist(), edge_weight=edge_weight)
        node = float(torch.tensor(query.node) @ sketches[right])
        edge = float(torch.tensor(query.edge) @ sketches[right])
        deviation = error_of(node, edge, edge_weight=edge_weight)
        assert exact.node_similarity is not None
        assert exact.edge_similarity is not None
        score = exact.node_similarity + edge_weight * exact.edge_similarity
        misses += abs(node + edge_weight * edge - score) > deviation

    assert misses <= 276 / 100


def test_a_query_orders_as_the_weighed_parts_do() -> None:
    graphs = graphs_of_one_zoo(8)
    sketches = torch.stack([graph_sketch(graph.maps, graph.ranks) for graph in graphs])

    for edge_weight in (0.0, 0.25, 7.0, 1e6):
        query = query_of(sketches[0].tolist(), edge_weight=edge_weight)
        node, edge, score = (
            sketches @ torch.tensor(vector) for vector in (query.node, query.edge, query.score)
        )
        assert_close(
            score * max(1.0, edge_weight), node + edge_weight * edge, rtol=1e-4, atol=1e-4
        )
        assert max(map(abs, query.score)) <= 2.0


def test_a_quarter_asks_with_the_stored_vector_itself() -> None:
    graph = graphs_of_one_zoo(1)[0]
    sketch = graph_sketch(graph.maps, graph.ranks)

    assert query_of(sketch.tolist(), edge_weight=0.25).score == pytest.approx(sketch.tolist())


def test_sketches_are_the_same_in_every_version() -> None:
    ranks = torch.arange(1, 11, dtype=torch.int32) * 2
    maps = torch.eye(5, 40)

    sketch = graph_sketch(maps, ranks)

    # Found by the first version; stored sketches of old zoos are compared with new ones.
    indices = sketch.nonzero().squeeze(1).tolist()
    assert indices == PLACES
    assert_close(sketch[indices], torch.tensor(VALUES), atol=1e-6, rtol=0)


def test_missing_probes_do_not_shorten_a_node_sketch() -> None:
    mask = torch.arange(40) < 30
    maps = torch.nn.functional.normalize(random_features(40, 64), dim=1) * mask.unsqueeze(1)

    assert float(node_sketch(maps).norm()) == pytest.approx(1.0)


def test_constant_edges_have_a_sketch_of_zeros() -> None:
    assert_close(edge_sketch(torch.full((10,), 11, dtype=torch.int32)), torch.zeros(512))
