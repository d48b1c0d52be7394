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
from service.core.catalog.transferability_map import MapComparison, picture_file
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.matrices import (
    ArrayColumn,
    Matrix,
    as_csv,
    as_npz,
    matrices_in,
    scores_of,
    weighted,
)
from service.core.operations.maps import estimates, maps
from service.core.operations.maps.graphml import as_graphml
from service.core.operations.maps.requests import (
    LARGEST_MATRIX_IN_JSON,
    MapForm,
    MapFormat,
    MapMatrix,
)
from service.core.operations.maps.snapshot_lookup import SIMILARITIES
from service.core.operations.remedies import post
from service.core.tables import MapRecord

_LINES_AT_ONCE = 200
_EXACT_FORMATS = (MapFormat.SVG, MapFormat.PNG, MapFormat.CSV, MapFormat.NPZ)


@dataclass(frozen=True)
class MapFile:
    """A map in one format; ``name`` is a file name for a download."""

    name: str
    media_type: str
    chunks: Iterator[bytes]


def file_of(session: Session, *, record: MapRecord, form: MapForm, blobs: BlobStore) -> MapFile:
    """The map as a file. JSON has the matrices that ``include`` names; CSV and NPZ always do.

    Raises:
        NotFoundError: ``artifact_not_found``.
        InvalidRequestError: ``matrix_too_large``, ``index_out_of_range``, or
            ``map_from_sketches``: the form needs exact similarities.
    """
    if _is_from_sketches(record) and form.format in _EXACT_FORMATS:
        raise _not_exact(record, f"no {form.format}")
    if form.format in (MapFormat.SVG, MapFormat.PNG):
        name = picture_file(form.picture, form.format, form.theme)
        artifact = maps.file(session, record=record, name=name)
        return MapFile(artifact.name, artifact.media_type, blobs.read(artifact.sha256))
    if form.format is MapFormat.GRAPHML:
        return MapFile("map.graphml", "application/xml", _joined(as_graphml(record.document)))
    if form.format is MapFormat.JSON:
        included = _included(session, record, form, blobs) if form.include else {}
        return MapFile("map.json", "application/json", _json(record, included))
    matrices = _matrices(session, record, blobs)
    if form.format is MapFormat.NPZ:
        chunks = as_npz(matrices, _columns(record.document))
        return MapFile("map.npz", "application/octet-stream", chunks)
    scores = scores_of(matrices, edge_weight=_edge_weight(record))
    table = as_csv(record.document["models"], scores)
    return MapFile("map.csv", "text/csv", _joined(table))


def _edge_weight(record: MapRecord) -> float:
    return float(record.document["params"]["edge_weight"])


def _included(
    session: Session, record: MapRecord, form: MapForm, blobs: BlobStore
) -> dict[str, Iterable[Sequence[float]]]:
    """The rows of each matrix that a request names, of all networks or of those at ``indices``."""
    total = len(record.document["models"])
    indices = form.indices or range(total)
    if len(indices) > LARGEST_MATRIX_IN_JSON:
        raise InvalidRequestError(
            f"a matrix of {total} networks is too large for JSON",
            code="matrix_too_large",
            remedy=f"name up to {LARGEST_MATRIX_IN_JSON} networks by indices, or request npz or csv",
        )
    if not all(0 <= index < total for index in indices):
        raise InvalidRequestError(
            f"the map has {counted(total, 'network')}, so indices run from 0 to {total - 1}",
            code="index_out_of_range",
            remedy="use positions in the list models of this map",
        )
    if _is_from_sketches(record):
        return _estimated(session, record, form, indices)
    matrices = _matrices(session, record, blobs)
    rows: dict[str, Iterable[Sequence[float]]] = {
        name: matrices[name].selected(indices)
        for name in form.include
        if name is not MapMatrix.SCORE
    }
    if MapMatrix.SCORE in form.include:
        parts = (matrices[name].selected(indices) for name in (MapMatrix.NODE, MapMatrix.EDGE))
        rows[MapMatrix.SCORE] = weighted(*parts, edge_weight=_edge_weight(record))
    return rows


def _estimated(
    session: Session, record: MapRecord, form: MapForm, indices: Sequence[int]
) -> dict[str, Iterable[Sequence[float]]]:
    """The rows of each matrix that a request names, estimated from sketches."""
    if MapMatrix.VALID in form.include:
        raise _not_exact(record, "no matrix of valid probes")
    matrices = estimates.matrices_of(session, record=record, indices=indices)
    return {name: matrices[name] for name in form.include}


def _is_from_sketches(record: MapRecord) -> bool:
    return record.document.get("sketches") is not None


def _not_exact(record: MapRecord, lacks: str) -> InvalidRequestError:
    body = {"dataset_id": record.dataset_id, "comparison": MapComparison.EXACT}
    return InvalidRequestError(
        f"the map {record.id} was made from sketches and has {lacks}",
        code="map_from_sketches",
        remedy=f"request json or graphml; for an exact map, {post('/v1/maps', body)}",
    )


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


def _json(record: MapRecord, matrices: Mapping[str, Iterable[Sequence[float]]]) -> Iterator[bytes]:
    """The record as one JSON object; its matrices last, a few rows at a time."""
    about = {
        "id": record.id,
        "dataset_id": record.dataset_id,
        "job_id": record.job_id,
        "layout_id": record.layout_id,
        "created_at": record.created_at.isoformat(),
    }
    yield json.dumps(about)[:-1].encode() + b', "document": '
    document = json.dumps(record.document, ensure_ascii=False).encode()
    if not matrices:
        yield document + b"}"
        return
    yield document[:-1] + b', "matrices": '
    for index, (name, rows) in enumerate(matrices.items()):
        yield f'{", " if index else "{"}"{name}": '.encode()
        yield from _joined(_json_rows(rows))
    yield b"}}}"


def _json_rows(rows: Iterable[Sequence[float]]) -> Iterator[bytes]:
    for index, row in enumerate(rows):
        values = [None if math.isnan(value) else value for value in row]
        yield (b", " if index else b"[") + json.dumps(values).encode()
    yield b"]"
