"""The measures of PROTOCOL.md, from stored features and maps: each a similarity of every two sources.

Axes: ``source`` one network, ``probe`` one image, ``unit`` one number of a feature.
"""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
import torch
from jaxtyping import Float, Float64
from torch import Tensor
from torch.nn import functional

from service.core.catalog.measurement import Centering, Nodes
from workers.torchkit.similarity.edges import (
    cosines_of,
    flattened_products,
    present_edges,
    probe_products,
    rank_edges,
    standardized_ranks,
    upper_triangle,
)
from workers.torchkit.similarity.relations import relations_of, unbiased_centered, z_scored

Square = Float64[np.ndarray, "source source"]
Features = Float[Tensor, "source probe unit"]
Maps = Float[Tensor, "source probe pixel"]
SIDE = 32
POWERS = (1.0, 0.5, 0.25, 0.125)
_NAMED = {(1, 1.0), (4, 0.25)}  # DEPARA with λ = 1, and depara_plus
PLUS = "depara_plus"
MIXTURES: Mapping[str, Mapping[str, float]] = {
    "dds + depara_plus": {"dds": 1, PLUS: 1},
    "dds + depara_plus + attribution/4": {"dds": 1, PLUS: 1, "attribution": 0.25},
    "dds + rsa": {"dds": 1, "rsa": 1},
    "dds + rsa + linear_cka + depara_plus": {"dds": 1, "rsa": 1, "linear_cka": 1, PLUS: 1},
}


def in_use(features: Features, maps: Maps) -> dict[str, Square]:
    """The metrics of the service."""
    node = node_similarities(maps)
    edge = edge_similarities(features, power=1.0)
    return {
        "attribution": node,
        "depara": node + 0.25 * edge,
        PLUS: node + 4.0 * edge_similarities(features, power=0.25),
        **{
            kind.value: relations(features, kind)
            for kind in (Nodes.RSA, Nodes.DDS, Nodes.LINEAR_CKA)
        },
    }


def every(features: Features, maps: Maps, halfway: Features) -> dict[str, Square]:
    """All candidates."""
    table = in_use(features, maps)
    edges = {power: edge_similarities(features, power=power) for power in POWERS}
    node = table["attribution"]
    table["DEPARA, λ = 1"] = node + edges[1.0]
    for power, edge in edges.items():
        table[f"edges, power {power:g}"] = edge
        for weight in (1, 4, 10):
            if (weight, power) not in _NAMED:
                table[f"nodes + {weight} edges, power {power:g}"] = node + weight * edge
    for name, changed in (("smoothed", smoothed(maps)), ("absolute", maps.abs())):
        table[f"attribution, {name} maps"] = node_similarities(
            functional.normalize(changed, dim=2)
        )
    table |= duality(features)
    lower = in_use(halfway, maps)
    for name in ("dds", PLUS, "rsa"):
        table[f"{name}, half-way up"] = lower[name]
        table[f"{name}, both layers"] = mixed(
            {"a": table[name], "b": lower[name]}, {"a": 1, "b": 1}
        )
    for name, weights in MIXTURES.items():
        table[name] = mixed(table, weights)
    return table


def node_similarities(maps: Maps) -> Square:
    """Mean cosine of two networks' maps."""
    rows = maps.float().flatten(1)
    products: Square = (rows @ rows.T).double().numpy() / maps.shape[1]
    return products


def edge_similarities(features: Features, *, power: float) -> Square:
    """Spearman's correlation of two networks' edges, the spectrum taken to a power."""
    vectors = []
    for rows in features:
        mask = torch.ones(len(rows), dtype=torch.bool)
        gram, _ = probe_products(rows.float(), mask, centering=Centering.CENTERED)
        if power != 1:
            gram = flattened_products(gram, power=power)
        cosines = upper_triangle(cosines_of(gram, mask))
        vectors.append(standardized_ranks(rank_edges(cosines, present_edges(mask))).float())
    return _products(vectors)


def relations(features: Features, kind: Nodes) -> Square:
    """Cosine of the matrices of RSA, DDS or linear CKA."""
    mask = torch.ones(features.shape[1], dtype=torch.bool)
    rows = [relations_of(part.float(), mask, kind).rows.flatten() for part in features]
    return _products([functional.normalize(row, dim=0) for row in rows])


def duality(features: Features) -> dict[str, Square]:
    """DDS with other normalizations, kernels and comparisons; the one in use is not repeated."""
    table = {}
    for normal, prepare in _NORMALS.items():
        kernels: dict[str, list[Tensor]] = {name: [] for name in _KERNELS}
        for rows in features:
            values = prepare(rows.float())
            for name, kernel in _KERNELS.items():
                kernels[name].append(kernel(values))
        for name, squares in kernels.items():
            table[f"DDS: {normal}, {name}, centered"] = _products(map(_centered_vector, squares))
            table[f"DDS: {normal}, {name}, ranks"] = _products(map(_ranked_vector, squares))
    del table["DDS: z-scored, cosine, centered"]
    return table


def smoothed(maps: Maps) -> Maps:
    """Maps averaged over 5 × 5 pixels."""
    planes = maps.float().unflatten(2, (SIDE, SIDE))
    return functional.avg_pool2d(planes, 5, stride=1, padding=2).flatten(2)


def mixed(table: Mapping[str, Square], weights: Mapping[str, float]) -> Square:
    """Weighted sum of measures, each less its mean over pairs of networks, over its deviation."""
    return sum((w * _standard(table[name]) for name, w in weights.items()), np.zeros(()))


def _standard(square: Square) -> Square:
    off = square[~np.eye(len(square), dtype=bool)]
    return (square - off.mean()) / off.std()


def _z_scored(rows: Tensor) -> Tensor:
    return z_scored(rows, torch.ones(len(rows), dtype=torch.bool))


_NORMALS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "raw": lambda rows: rows,
    "centered": lambda rows: rows - rows.mean(dim=0),
    "z-scored": _z_scored,
}


def _cosine(rows: Tensor) -> Tensor:
    unit = functional.normalize(rows, dim=1)
    return unit @ unit.T


def _pearson(rows: Tensor) -> Tensor:
    return _cosine(rows - rows.mean(dim=1, keepdim=True))


def _distances(rows: Tensor) -> Tensor:
    distances = torch.cdist(rows, rows, compute_mode="use_mm_for_euclid_dist")
    return distances / distances[distances > 0].median()


_KERNELS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "cosine": _cosine,
    "Pearson": _pearson,
    "Laplacian": lambda rows: (-_distances(rows)).exp(),
    "Gaussian": lambda rows: (-_distances(rows).square() / 2).exp(),
}


def _centered_vector(square: Tensor) -> Tensor:
    mask = torch.ones(len(square), dtype=torch.bool)
    return functional.normalize(unbiased_centered(square.double(), mask).flatten(), dim=0).float()


def _ranked_vector(square: Tensor) -> Tensor:
    mask = torch.ones(len(square), dtype=torch.bool)
    ranks = rank_edges(upper_triangle(square.double()), present_edges(mask))
    return standardized_ranks(ranks).float()


def _products(vectors: Iterable[Tensor]) -> Square:
    """Inner products of every two vectors."""
    rows = torch.stack(list(vectors))
    products: Square = (rows @ rows.T).double().numpy()
    return products
