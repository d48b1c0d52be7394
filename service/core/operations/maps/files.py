"""Transferability maps as files, written while they are sent."""

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from service.core.blobs import BlobStore
from service.core.catalog.transferability_map import picture_file
from service.core.matrices import ArrayColumn, Matrix, as_csv, as_npz, matrices_in, scores_of
from service.core.operations.maps import maps
from service.core.operations.maps.graphml import as_graphml
from service.core.operations.maps.requests import MapForm, MapFormat
from service.core.operations.maps.snapshot_lookup import SIMILARITIES
from service.core.tables import MapRecord

LARGEST_MATRIX_IN_JSON = 400
_LINES_AT_ONCE = 200


@dataclass(frozen=True)
class MapFile:
    """A map in one format; ``name`` is a file name for a download."""

    name: str
    media_type: str
    chunks: Iterator[bytes]


def file_of(session: Session, *, record: MapRecord, form: MapForm, blobs: BlobStore) -> MapFile:
    """The map as a file. JSON includes matrices up to 400 networks; CSV and NPZ always do.

    Raises:
        NotFoundError: ``artifact_not_found``.
    """
    if form.format in (MapFormat.SVG, MapFormat.PNG):
        name = picture_file(form.picture, form.format, form.theme)
        artifact = maps.file(session, record=record, name=name)
        return MapFile(artifact.name, artifact.media_type, blobs.read(artifact.sha256))
    if form.format is MapFormat.GRAPHML:
        return MapFile("map.graphml", "application/xml", _joined(as_graphml(record.document)))
    matrices = _matrices(session, record, blobs)
    if form.format is MapFormat.NPZ:
        chunks = as_npz(matrices, _columns(record.document))
        return MapFile("map.npz", "application/octet-stream", chunks)
    scores = scores_of(matrices, edge_weight=float(record.document["params"]["edge_weight"]))
    if form.format is MapFormat.CSV:
        table = as_csv(record.document["models"], scores)
        return MapFile("map.csv", "text/csv", _joined(table))
    return MapFile("map.json", "application/json", _json(record, matrices, scores))


def _matrices(session: Session, record: MapRecord, blobs: BlobStore) -> dict[str, Matrix]:
    """Both parts of all similarities and the valid probes, read from the store on demand."""
    artifact = maps.file(session, record=record, name=SIMILARITIES)
    return matrices_in(partial(_part, blobs, artifact.sha256))


def _part(blobs: BlobStore, sha256: str, start: int, length: int) -> bytes:
    return b"".join(blobs.read(sha256, start=start, length=length))


def _joined(lines: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer, larger pieces."""
    remaining = iter(lines)
    while batch := list(islice(remaining, _LINES_AT_ONCE)):
        yield b"".join(batch)


def _columns(document: Mapping[str, Any]) -> dict[str, ArrayColumn]:
    """The data of a map besides its matrices; the tree is a linkage matrix as in SciPy."""
    joins = [(j["left"], j["right"], j["height"], j["size"]) for j in document["tree"]["joins"]]
    return {
        "models": ArrayColumn.of_words(document["models"]),
        "names": ArrayColumn.of_words(document["names"]),
        "points": ArrayColumn.of_rows(document["points"], width=2),
        "clusters": ArrayColumn.of_integers(document["clusters"]),
        "order": ArrayColumn.of_integers(document["tree"]["order"]),
        "linkage": ArrayColumn.of_rows(joins, width=4),
    }


def _json(
    record: MapRecord, matrices: Mapping[str, Matrix], scores: Iterable[Sequence[float]]
) -> Iterator[bytes]:
    """The record as one JSON object; its matrices last, a few rows at a time."""
    about = {
        "id": record.id,
        "dataset_id": record.dataset_id,
        "job_id": record.job_id,
        "layout_id": record.layout_id,
        "created_at": record.created_at.isoformat(),
    }
    yield json.dumps(about)[:-1].encode() + b', "document": '
    yield json.dumps(record.document, ensure_ascii=False)[:-1].encode() + b', "matrices": '
    if len(record.document["models"]) > LARGEST_MATRIX_IN_JSON:
        yield b"null}}"
        return
    named = {**{name: matrix.rows() for name, matrix in matrices.items()}, "score": scores}
    for index, (name, rows) in enumerate(named.items()):
        yield f'{", " if index else "{"}"{name}": '.encode()
        yield from _joined(_json_rows(rows))
    yield b"}}}"


def _json_rows(rows: Iterable[Sequence[float]]) -> Iterator[bytes]:
    for index, row in enumerate(rows):
        values = [None if math.isnan(value) else value for value in row]
        yield (b", " if index else b"[") + json.dumps(values).encode()
    yield b"]"
