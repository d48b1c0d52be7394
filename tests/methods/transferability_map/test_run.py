"""All networks of a probe set are placed: matrix, tree, plane, and pictures that can be opened."""

import io
from dataclasses import replace
from importlib import import_module
from xml.etree import ElementTree as Xml

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from PIL import Image

from service.core.catalog.transferability_map import (
    Linkage,
    TransferabilityMapParams,
    picture_file,
)
from service.core.manifest import TaskKind
from service.core.theme import Theme
from tests.workers.torchkit.graph_samples import KEY, random_graph
from workers.methods import transferability_map
from workers.methods.transferability_map import (
    LeftOut,
    TransferabilityMapData,
    TransferabilityMapResult,
)
from workers.methods.transferability_map.run import (
    MapTooLargeError,
    NothingToPlaceError,
    OutOfRangeError,
)
from workers.torchkit.protocols import silent
from workers.torchkit.similarity.edges import draw_edges
from workers.torchkit.similarity.graphs import DeparaGraph, MeasurementStatus
from workers.torchkit.similarity.similarity import compare

pytestmark = pytest.mark.slow


def two_families(size: int = 3) -> list[DeparaGraph]:
    """Networks of a family share most of their maps and features."""
    graphs = []
    for family in range(2):
        shared = torch.randn(20, 30, generator=torch.Generator().manual_seed(family))
        for member in range(size):
            own = torch.Generator().manual_seed(100 + 10 * family + member)
            rows = shared + 0.4 * torch.randn(20, 30, generator=own)
            mask = torch.ones(20, dtype=torch.bool)
            maps = torch.nn.functional.normalize(rows, dim=1).half()
            graphs.append(
                DeparaGraph(f"{family}{member}", KEY, maps, draw_edges(rows, mask).ranks, mask)
            )
    return graphs


@pytest.fixture
def undrawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sixteen pictures of a map take ten times as long as the map."""
    # The method's function has the module's name, so the module is asked for by its path.
    run_module = import_module(f"{transferability_map.__name__}.run")
    monkeypatch.setattr(run_module, "pictures_of", lambda _drawing: {})


def inputs_of(graphs: list[DeparaGraph]) -> TransferabilityMapData:
    """Graphs that nobody has placed or compared before."""
    return TransferabilityMapData(
        models=tuple(graph.model_id for graph in graphs),
        names=tuple(f"net ${graph.model_id}$ & co" for graph in graphs),
        tasks=tuple(list(TaskKind)[index % 3] for index in range(len(graphs))),
        parameters=tuple(
            None if index == 1 else 10 ** (3 + index) for index in range(len(graphs))
        ),
        probes="noise $x$",
        graphs=tuple(graphs),
        similarities=None,
        coordinates=(None,) * len(graphs),
        left_out=(),
    )


def result_of(graphs: list[DeparaGraph], **params: object) -> TransferabilityMapResult:
    typed_params = TransferabilityMapParams.model_validate(params)
    return transferability_map.run(inputs_of(graphs), typed_params, silent)


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("linkage", Linkage)
def test_families_stand_together_in_tree_and_plane(linkage: Linkage) -> None:
    result = result_of(two_families(), linkage=linkage)

    assert {frozenset(result.tree.order[:3]), frozenset(result.tree.order[3:])} == {
        frozenset((0, 1, 2)),
        frozenset((3, 4, 5)),
    }
    points = result.layout.points
    within = np.linalg.norm(points[0] - points[1])
    between = np.linalg.norm(points[0] - points[4])
    assert within < between


@pytest.mark.usefixtures("undrawn")
def test_scores_are_nodes_plus_weighted_edges() -> None:
    graphs = two_families(2)

    result = result_of(graphs, edge_weight=0.5)

    pair = compare(graphs[0], graphs[2])
    expected = (pair.node_similarity or 0) + 0.5 * (pair.edge_similarity or 0)
    assert result.scores[0, 2] == pytest.approx(expected, abs=1e-6)
    assert_allclose(result.scores, result.scores.T)
    assert_allclose(result.scores.diagonal(), 1.5)


def test_pictures_open_and_are_the_same_every_time() -> None:
    first, second = result_of(two_families()), result_of(two_families())

    assert set(first.pictures) == {
        picture_file(name, kind, theme)
        for name in ("matrix", "tree", "layout", "neighbors")
        for kind in ("png", "svg")
        for theme in Theme
    }
    assert first.pictures == second.pictures
    for name, data in first.pictures.items():
        if name.endswith("png"):
            with Image.open(io.BytesIO(data)) as picture:
                assert min(picture.size) > 400
        else:
            words = " ".join(Xml.fromstring(data).itertext())
            assert "net $00$ & co" in words
            assert "seen through “noise $x$” · λ = 0.25" in words


@pytest.mark.usefixtures("undrawn")
def test_stored_similarities_make_the_same_map_as_graphs() -> None:
    graphs = two_families()
    first = result_of(graphs)
    again = replace(inputs_of(graphs), graphs=(), similarities=first.similarities)

    second = transferability_map.run(again, TransferabilityMapParams(), silent)

    assert_allclose(second.scores, first.scores, rtol=0, atol=0)
    assert (second.tree, second.groups, second.neighbors) == (
        first.tree,
        first.groups,
        first.neighbors,
    )
    assert_allclose(second.layout.points, first.layout.points, rtol=0, atol=0)


@pytest.mark.usefixtures("undrawn")
def test_networks_with_a_place_keep_it() -> None:
    graphs = two_families()
    first = result_of(graphs[:5])
    points = tuple((float(x), float(y)) for x, y in first.layout.points)

    second = transferability_map.run(
        replace(inputs_of(graphs), coordinates=(*points, None)), TransferabilityMapParams(), silent
    )

    assert_allclose(second.layout.points[:5], first.layout.points, rtol=0, atol=0)


@pytest.mark.usefixtures("undrawn")
def test_families_are_the_clusters_and_the_neighbors() -> None:
    result = result_of(two_families())

    assert sorted([set(result.groups[:3]), set(result.groups[3:])], key=min) == [{0}, {1}]
    assert {len(near) for near in result.neighbors} == {5}
    assert {neighbor.index for neighbor in result.neighbors[0][:2]} == {1, 2}


@pytest.mark.usefixtures("undrawn")
def test_left_out_networks_are_passed_on() -> None:
    sick = LeftOut("sick", MeasurementStatus.DEGENERATE)
    inputs = replace(inputs_of(two_families(1)), left_out=(sick,))

    result = transferability_map.run(inputs, TransferabilityMapParams(), silent)

    assert result.left_out == (sick,)


@pytest.mark.parametrize(
    ("options", "code"),
    [({"k": 6}, "k_out_of_range"), ({"clusters": 7}, "clusters_out_of_range")],
)
def test_more_than_there_are_is_refused(options: dict[str, int], code: str) -> None:
    with pytest.raises(OutOfRangeError) as refusal:
        result_of(two_families(), **options)
    assert refusal.value.code == code


def test_pairs_without_common_probes_are_unknown_and_the_map_is_drawn() -> None:
    blind = random_graph("blind", invalid=(0, 1))
    blinder = random_graph("blinder", seed=1, invalid=(5, 6))

    result = result_of([*two_families(2), blind, blinder])

    assert np.isnan(result.scores[4, 5])
    assert sorted(result.tree.order) == list(range(6))
    assert np.isfinite(result.layout.points).all()


def test_one_network_is_a_map() -> None:
    result = result_of(two_families(1)[:1])

    assert result.tree.order == (0,)
    assert len(result.pictures) == 16


def test_no_network_is_not() -> None:
    with pytest.raises(NothingToPlaceError):
        result_of([])


def test_more_networks_than_a_matrix_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # The method's function has the module's name, so the module is asked for by its path.
    monkeypatch.setattr(import_module(f"{transferability_map.__name__}.run"), "LARGEST_MAP", 3)

    with pytest.raises(MapTooLargeError):
        result_of(two_families(2))
