"""Graph files of a synthetic zoo, written by two processes, with sketches and the truth of queries."""

import hashlib
import multiprocessing
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save

from benchmarks.zoo_scale import synthetic
from service.adapters.object_store import FolderBlobs
from workers.torchkit.similarity.graphs import MAPS, MASK, RANKS
from workers.torchkit.similarity.sketches import graph_sketch

BLOCK = synthetic.FAMILY
PROCESSES = 2


@dataclass(frozen=True)
class DrawnBlock:
    """Consecutive networks: digests of their files, sketches, exact products with all queries."""

    first: int
    digests: list[str]
    sketches: np.ndarray
    node: np.ndarray
    edge: np.ndarray
    file_bytes: int


def blocks(folder: Path, *, first: int, last: int, queries: list[int]) -> Iterator[DrawnBlock]:
    """Networks ``first`` to ``last``, their files written below ``folder``, in any order."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(PROCESSES, _prepare, (folder, queries)) as pool:
        starts = range(first, last, BLOCK)
        spans = [(start, min(start + BLOCK, last)) for start in starts]
        yield from pool.imap_unordered(_block, spans)


_state: dict[str, Any] = {}


def _prepare(folder: Path, queries: list[int]) -> None:
    """What a process keeps: the store, and u and ρ of the queries."""
    torch.set_num_threads(1)
    vectors = [synthetic.flat(synthetic.drawn(number)) for number in queries]
    _state["blobs"] = FolderBlobs(folder)
    for index, name in enumerate(("node", "edge")):
        _state[name] = torch.from_numpy(np.stack([vector[index] for vector in vectors])).T


def _block(span: tuple[int, int]) -> DrawnBlock:
    digests, sketches, nodes, edges, size = [], [], [], [], 0
    for number in range(*span):
        vectors = synthetic.drawn(number)
        digest, size = _written(number, vectors)
        u, rho = synthetic.flat(vectors)
        digests.append(digest)
        sketches.append(graph_sketch(vectors.maps, vectors.ranks).half().numpy())
        nodes.append(u)
        edges.append(rho)
    products = [
        (torch.from_numpy(np.stack(own)) @ _state[asked]).numpy()
        for own, asked in ((nodes, "node"), (edges, "edge"))
    ]
    return DrawnBlock(span[0], digests, np.stack(sketches), *products, size)


def _written(number: int, vectors: synthetic.Vectors) -> tuple[str, int]:
    """Digest and size of the graph file, now in the store; nobody syncs a synthetic file."""
    mask = torch.ones(synthetic.PROBES, dtype=torch.bool)
    tensors = {MAPS: vectors.maps, RANKS: vectors.ranks, MASK: mask}
    about = {"model_id": str(number), "comparable_key": "synthetic", "status": "ok"}
    data = save(tensors, metadata=about)
    digest = hashlib.sha256(data).hexdigest()
    path: Path = _state["blobs"].path(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return digest, len(data)
