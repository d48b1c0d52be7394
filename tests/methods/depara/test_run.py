"""One network becomes one graph: the paper's nodes and edges, and a verdict when there are none."""

import pytest
import torch
from torch import Tensor, nn
from torch.testing import assert_close

from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import Centering, Channel
from tests.methods.oracles import depara as oracle
from tests.methods.oracles import relations
from tests.workers.torchkit.small_networks import (
    PLAIN,
    SIDE,
    convolutional,
    reader_of,
    seeded,
    some_images,
)
from workers.methods import depara
from workers.methods.depara import DeparaData, DeparaResult
from workers.torchkit.attribution.canonical import to_network_input
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.graphs import MeasurementStatus
from workers.torchkit.similarity.similarity import compare

PROBES = some_images(10)


class SilentOnDark(nn.Module):
    """A feature of zeros for every image that is dark on average."""

    def forward(self, images: Tensor) -> Tensor:
        """The mean of every plane, where the image is bright."""
        bright = (images.mean(dim=(1, 2, 3), keepdim=True) > 0).to(images.dtype)
        return (images * bright).mean(dim=(2, 3))


class WithoutGradient(nn.Module):
    """A feature through which no gradient passes."""

    def forward(self, images: Tensor) -> Tensor:
        """Small versions of the image, without their history."""
        return torch.nn.functional.adaptive_avg_pool2d(images, 2).detach().flatten(1)


class Blind(nn.Module):
    """A feature that hardly depends on the image: a constant and a whisper."""

    def forward(self, images: Tensor) -> Tensor:
        """Three large numbers, and what is lost beside them in float32."""
        return images.mean(dim=(2, 3)) * 1e-8 + 1.0


def result_of(network: nn.Module, *, layer: str = "6", **params: object) -> DeparaResult:
    inputs = DeparaData("fox", "key", reader_of(network, layer), PLAIN, PROBES)
    return depara.run(inputs, DeparaParams.model_validate(params), silent)


def behind(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, nn.Identity())


def test_nodes_and_edges_are_those_of_the_equations() -> None:
    network = convolutional()
    cut = network[:7]
    images = to_network_input(PROBES, PLAIN)

    result = result_of(network, centering=Centering.RAW, channel=Channel.KEEP)

    features = cut(images)
    for probe, image in enumerate(images):
        leaf = image.clone().requires_grad_()
        cut(leaf[None]).norm().backward()
        assert leaf.grad is not None
        node = (image * leaf.grad).flatten()
        assert oracle.cosine(node.tolist(), result.graph.maps[probe].tolist()) > 0.99999
    slow = oracle.midranks(oracle.edges(features.double().tolist()))
    assert_close(result.graph.ranks / 2, torch.tensor(slow), atol=1.0, rtol=0)


def test_flattening_changes_edges_and_leaves_maps_alone() -> None:
    natural = result_of(convolutional())

    flattened = result_of(convolutional(), spectrum="flattened")

    assert_close(flattened.graph.maps, natural.graph.maps)
    assert not torch.equal(flattened.graph.ranks, natural.graph.ranks)


@pytest.mark.parametrize("nodes", ["rsa", "dds", "linear_cka"])
def test_relations_stand_where_maps_would_and_need_no_gradient(nodes: str) -> None:
    fox, hen = convolutional(), seeded(convolutional(), seed=5)
    images = to_network_input(PROBES, PLAIN)
    features = [
        nn.Sequential(*list(network.children())[:7])(images).detach().double().numpy()
        for network in (fox, hen)
    ]

    results = [result_of(network, nodes=nodes) for network in (fox, hen)]
    detached = result_of(behind(WithoutGradient()), layer="0", nodes=nodes)

    similarity = compare(results[0].graph, results[1].graph).node_similarity
    assert similarity == pytest.approx(relations.MEASURES[nodes](*features), abs=2e-3)
    assert results[0].graph.maps.shape == (10, 10)
    assert (results[0].grid, results[0].sketch is None) == (1, False)
    assert detached.graph.status is MeasurementStatus.OK


@pytest.mark.parametrize("nodes", ["rsa", "dds", "linear_cka"])
def test_a_feature_without_relations_is_degenerate(nodes: str) -> None:
    result = result_of(behind(Blind()), layer="0", nodes=nodes)

    assert result.graph.status is MeasurementStatus.DEGENERATE
    assert result.sketch is None


def test_a_result_says_how_it_was_measured() -> None:
    result = result_of(convolutional())

    assert (result.graph.model_id, result.graph.comparable_key) == ("fox", "key")
    assert (result.graph.status, result.detail) == (MeasurementStatus.OK, None)
    assert (result.valid_probes, result.grid) == (10, SIDE)
    assert result.graph.maps.dtype == torch.float16
    assert result.graph.maps.shape == (10, SIDE * SIDE)
    assert result.graph.ranks.shape == (45,)
    assert result.sketch is not None
    assert len(result.sketch) == 1536
    assert result.timing.maps > 0


def test_a_copy_of_a_network_is_its_nearest_neighbor() -> None:
    fox, copy = (result_of(convolutional()).graph for _ in range(2))
    hen = result_of(seeded(convolutional(), seed=5)).graph

    to_copy, to_hen = compare(fox, copy), compare(fox, hen)

    assert to_copy.node_similarity == pytest.approx(1.0, abs=1e-3)
    assert to_copy.edge_similarity == pytest.approx(1.0, abs=1e-6)
    assert (to_hen.node_similarity or 0) < 0.9
    assert (to_hen.edge_similarity or 0) < 0.9


def test_the_same_run_gives_the_same_graph() -> None:
    first, second = (result_of(convolutional()).graph for _ in range(2))

    assert_close(first.maps, second.maps, rtol=0, atol=0)
    assert_close(first.ranks, second.ranks, rtol=0, atol=0)


def test_probes_without_a_map_are_masked_and_too_many_make_it_degenerate() -> None:
    dark = PROBES.clone()
    dark[[2, 5]] = 0
    inputs = DeparaData("fox", "key", reader_of(behind(SilentOnDark()), "0"), PLAIN, dark)

    lenient, strict = (
        depara.run(inputs, DeparaParams(min_valid=share), silent) for share in (0.5, 0.9)
    )

    assert lenient.graph.status is MeasurementStatus.OK
    assert lenient.graph.mask.nonzero().squeeze(1).tolist() == [0, 1, 3, 4, 6, 7, 8, 9]
    assert (lenient.graph.maps[[2, 5]] == 0).all()
    assert strict.graph.status is MeasurementStatus.DEGENERATE
    assert "only 8 of 10" in (strict.detail or "")


def test_a_network_that_cannot_tell_probes_apart_has_constant_edges() -> None:
    result = result_of(behind(Blind()), layer="0")

    assert result.graph.status is MeasurementStatus.CONSTANT_EDGES
    assert result.detail == "the feature is the same for every probe"
    assert result.valid_probes == 10
    assert result.sketch is not None
    assert_close(result.sketch[1024:], torch.zeros(512))
