"""Matrices leave the store a few rows at a time, and numpy reads what arrives."""

import io
import json
import struct
import tracemalloc
from array import array
from itertools import repeat

import numpy as np
import pytest

from service.core import matrices
from service.core.matrices import ArrayColumn, Read, as_csv, as_npz, matrices_in, scores_of

SIDE = 7


def reader_of(**parts: np.ndarray) -> Read:
    """A safetensors file that answers with ranges of itself."""
    header, data = {}, b""
    for name, part in parts.items():
        kind = {"float64": "F64", "int64": "I64"}[str(part.dtype)]
        offsets = [len(data), len(data) + part.nbytes]
        header[name] = {"dtype": kind, "shape": list(part.shape), "data_offsets": offsets}
        data += part.tobytes()
    encoded = json.dumps(header).encode()
    file = struct.pack("<Q", len(encoded)) + encoded + data
    return lambda start, length: file[start : start + length]


@pytest.fixture
def parts() -> dict[str, np.ndarray]:
    numbers = np.random.default_rng(0)
    node, edge = numbers.normal(size=(2, SIDE, SIDE))
    node[2, 3] = np.nan
    return {"node": node, "edge": edge, "valid": np.full((SIDE, SIDE), 200)}


@pytest.mark.parametrize("block_bytes", [1, 100, 2**20])
def test_numpy_reads_the_archive_whatever_the_size_of_a_piece(
    parts: dict[str, np.ndarray], block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "_BLOCK_BYTES", block_bytes)
    columns = {
        "names": ArrayColumn.of_words(["fox", "Füchsin 🦊", ""]),
        "order": ArrayColumn.of_integers([2, 0, 1]),
        "points": ArrayColumn.of_rows([(0.1, 0.2)], width=2),
        "linkage": ArrayColumn.of_rows([], width=4),
    }

    data = b"".join(as_npz(matrices_in(reader_of(**parts)), columns))

    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        for name, part in parts.items():
            np.testing.assert_array_equal(archive[name], part)
        assert archive["names"].tolist() == ["fox", "Füchsin 🦊", ""]
        assert archive["order"].tolist() == [2, 0, 1]
        assert archive["points"].tolist() == [[0.1, 0.2]]
        assert archive["linkage"].shape == (0, 4)


@pytest.mark.parametrize("block_bytes", [1, 100, 2**20])
def test_scores_are_nodes_plus_weighted_edges_row_by_row(
    parts: dict[str, np.ndarray], block_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "_BLOCK_BYTES", block_bytes)

    rows = list(scores_of(matrices_in(reader_of(**parts)), edge_weight=0.5))

    np.testing.assert_allclose(rows, parts["node"] + 0.5 * parts["edge"])


def test_without_a_weight_unknown_edges_hide_nothing() -> None:
    unknown = {"node": np.ones((2, 2)), "edge": np.full((2, 2), np.nan)}

    rows = [list(row) for row in scores_of(matrices_in(reader_of(**unknown)), edge_weight=0)]

    assert rows == [[1.0, 1.0], [1.0, 1.0]]


def test_an_unknown_number_is_an_empty_cell() -> None:
    table = b"".join(as_csv(["a", "b"], [[1.0, float("nan")], [0.25, 1.0]]))

    assert table == b"model_id,a,b\r\na,1,\r\nb,0.25,1\r\n"


def test_the_largest_map_passes_through_little_memory() -> None:
    side = 2000
    row = array("d", repeat(0.5, side)).tobytes()
    header = {
        name: {
            "dtype": "F64",
            "shape": [side, side],
            "data_offsets": [index * side * len(row), (index + 1) * side * len(row)],
        }
        for index, name in enumerate(("node", "edge"))
    }
    encoded = json.dumps(header).encode()
    head = struct.pack("<Q", len(encoded)) + encoded

    def read(start: int, length: int) -> bytes:
        if start < len(head):
            return head[start : start + length]
        return (row * (length // len(row) + 2))[:length]

    tracemalloc.start()
    sent = sum(map(len, as_npz(matrices_in(read), {})))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert sent > 2 * side * len(row)
    assert peak < 12 * 2**20
