"""What can be asked of networks without any training, through the tools that the service uses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Float64, UInt8
from torch import Tensor

from benchmarks.taskonomy.networks import MEAN, SPREAD
from benchmarks.taskonomy.training import TrainedSource, features_of
from benchmarks.taskonomy.transfers import FEW, Bench
from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import Centering
from workers.methods import depara
from workers.methods.transferability_estimators.evidence import logme
from workers.methods.transferability_estimators.spectrum import spectrum_of
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.module_reader import ModuleReader
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.all_pairs import all_pairs
from workers.torchkit.similarity.edges import (
    cosines_of,
    flattened_products,
    present_edges,
    probe_products,
    rank_edges,
    standardized_ranks,
    upper_triangle,
)
from workers.torchkit.similarity.graphs import DeparaGraph

LAYER = "layers"
SIDE = 32


@dataclass(frozen=True)
class SourceSimilarities:
    """Node and edge similarity of every two networks."""

    node: Float64[np.ndarray, "source source"]
    edge: Float64[np.ndarray, "source source"]


def frames_of(pictures: Tensor) -> UInt8[Tensor, "probe side side 3"]:
    """Canonical frames of pictures in [0, 1]."""
    return (pictures.permute(0, 2, 3, 1) * 255).round().to(torch.uint8).contiguous()


def graph_of(source: TrainedSource, probes: Tensor, params: DeparaParams) -> DeparaGraph:
    """A network's graph, by the method that the service runs."""
    planes = source.planes
    reader = ModuleReader(source.encoder, LAYER, input_shape=(planes, SIDE, SIDE))
    preprocessing = Preprocessing(
        planes, SIDE, SIDE, mean=(MEAN,) * planes, std=(SPREAD,) * planes
    )
    inputs = depara.DeparaData(source.name, "probes", reader, preprocessing, probes)
    return depara.run(inputs, params, silent).graph


def parts_of(
    sources: Sequence[TrainedSource], probes: Tensor, params: DeparaParams
) -> SourceSimilarities:
    """Every two networks compared under some settings."""
    graphs = [graph_of(source, probes, params) for source in sources]
    pairs = all_pairs(graphs, nodes=params.nodes)
    return SourceSimilarities(pairs.node.numpy(), pairs.edge.numpy())


def edge_similarities(
    features: Sequence[Float[np.ndarray, "probe unit"]], *, power: float, centering: Centering
) -> Float64[np.ndarray, "source source"]:
    """Edge similarity where eigenvalues of the features' products are taken to a power; 1: as is."""
    vectors = []
    for rows in features:
        mask = torch.ones(len(rows), dtype=torch.bool)
        gram, _sizes = probe_products(torch.from_numpy(rows), mask, centering=centering)
        if power != 1:
            gram = flattened_products(gram, power=power)
        cosines = upper_triangle(cosines_of(gram, mask))
        vectors.append(standardized_ranks(rank_edges(cosines, present_edges(mask))).double())
    stacked = torch.stack(vectors)
    similarities: Float64[np.ndarray, "source source"] = (stacked @ stacked.T).numpy()
    return similarities


def flat_features(source: TrainedSource, frames: Tensor) -> Float[np.ndarray, "probe unit"]:
    """F of every frame, as rows."""
    rows: Float[np.ndarray, "probe unit"] = features_of(source, frames).flatten(1).cpu().numpy()
    return rows


def logme_of(sources: Sequence[TrainedSource], bench: Bench) -> Float64[np.ndarray, " source"]:
    """LogME of every source on the labeled pictures that decoders learn from."""
    labels = bench.answers[:FEW].cpu()
    rows = [features_of(source, bench.frames[:FEW]).flatten(1).cpu() for source in sources]
    return np.array([logme(spectrum_of(features, labels)) for features in rows])
