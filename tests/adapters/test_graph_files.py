"""Graph files compared within a request give what the workers' own comparison gives."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save

from service.adapters.graph_files import GraphFiles
from service.adapters.object_store import FolderBlobs
from service.core.catalog.measurement import RankVariant
from tests.workers.torchkit.graph_samples import random_graph
from workers.torchkit.similarity.graphs import DeparaGraph, to_metadata, to_tensors
from workers.torchkit.similarity.similarity import compare

GRAPHS = {
    "fox": random_graph("fox", seed=1),
    "hen": random_graph("hen", seed=2),
    "owl": random_graph("owl", seed=3, invalid=(4,)),
    "cow": random_graph("cow", seed=4, invalid=(0, 9)),
    "bat": random_graph("bat", seed=5, invalid=(1, 2, 3, 5)),
}


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "blobs")


def stored(blobs: FolderBlobs, folder: Path, graph: DeparaGraph) -> str:
    data = save(to_tensors(graph), metadata=to_metadata(graph))
    digest = hashlib.sha256(data).hexdigest()
    (folder / digest).write_bytes(data)
    blobs.add(folder / digest, sha256=digest)
    return digest


@pytest.mark.parametrize("variant", RankVariant)
@pytest.mark.parametrize("target", ["fox", "owl"])
def test_similarities_equal_those_of_the_workers(
    blobs: FolderBlobs, tmp_path: Path, target: str, variant: RankVariant
):
    digests = {name: stored(blobs, tmp_path, graph) for name, graph in GRAPHS.items()}

    similarities = GraphFiles(blobs).compare(
        digests[target], list(digests.values()), variant=variant, min_valid=0.9
    )

    for name, graph in GRAPHS.items():
        result, exact = (
            similarities[digests[name]],
            compare(GRAPHS[target], graph, variant=variant),
        )
        if exact.node_similarity is None:
            assert (result.node_similarity, result.edge_similarity) == (None, None)
        else:
            assert result.node_similarity == pytest.approx(exact.node_similarity, abs=1e-6)
            assert result.edge_similarity == pytest.approx(exact.edge_similarity, abs=1e-6)
    assert similarities[digests["bat"]].node_similarity is None


def test_a_graph_has_similarity_1_to_itself(blobs: FolderBlobs, tmp_path: Path):
    fox = stored(blobs, tmp_path, GRAPHS["fox"])

    similarities = GraphFiles(blobs).compare(
        fox, [fox], variant=RankVariant.MIDRANK, min_valid=0.9
    )

    assert similarities[fox].node_similarity == pytest.approx(1.0, abs=1e-3)
    assert similarities[fox].edge_similarity == pytest.approx(1.0)


def test_only_the_first_files_are_compared_if_files_are_large(blobs: FolderBlobs, tmp_path: Path):
    digests = [stored(blobs, tmp_path, graph) for graph in GRAPHS.values()]
    size = len(save(to_tensors(GRAPHS["fox"]), metadata=to_metadata(GRAPHS["fox"])))
    for most, expected in ((3 * size + 100, digests[1:3]), (2 * size - 100, []), (10, [])):
        files = GraphFiles(blobs, most_bytes=most)

        similarities = files.compare(
            digests[0], digests[1:], variant=RankVariant.MIDRANK, min_valid=0.9
        )

        assert list(similarities) == expected


def test_missing_or_invalid_files_are_skipped(blobs: FolderBlobs, tmp_path: Path):
    fox, hen = (stored(blobs, tmp_path, GRAPHS[name]) for name in ("fox", "hen"))
    (tmp_path / "junk").write_bytes(b"\x89PNG and so on")
    blobs.add(tmp_path / "junk", sha256="1" * 64)
    files = GraphFiles(blobs)

    similarities = files.compare(
        fox, ["0" * 64, "1" * 64, hen], variant=RankVariant.MIDRANK, min_valid=0.9
    )
    without = files.compare("0" * 64, [hen], variant=RankVariant.MIDRANK, min_valid=0.9)

    assert list(similarities) == [hen]
    assert without == {}


def test_constant_edges_have_similarity_0(blobs: FolderBlobs, tmp_path: Path):
    fox = GRAPHS["fox"]
    flat = DeparaGraph("flat", fox.comparable_key, fox.maps, fox.ranks.clip(7, 7), fox.mask)
    digests = [stored(blobs, tmp_path, graph) for graph in (fox, flat)]

    similarities = GraphFiles(blobs).compare(
        digests[0], digests[1:], variant=RankVariant.MIDRANK, min_valid=0.9
    )[digests[1]]

    assert similarities.edge_similarity == 0.0
    assert similarities.node_similarity == pytest.approx(float(np.float32(1.0)), abs=1e-3)
