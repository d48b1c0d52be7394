"""A transferability map as a file: which one is meant, and its bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy.orm import Session

from service.core.blobs import BlobStore
from service.core.catalogue.measurement import Metric
from service.core.catalogue.transferability_map import Linkage, TransferabilityMapParams
from service.core.errors import InvalidRequestError
from service.core.fingerprints import canonical_json
from service.core.matrices import arrays_in, as_csv, as_npz
from service.core.operations import maps
from service.core.operations.ranking_requests import DEFAULT_EDGE_WEIGHT
from service.core.records import MapRecord


class MapFormat(StrEnum):
    """How a map is sent."""

    JSON = "json"
    CSV = "csv"
    NPZ = "npz"
    SVG = "svg"
    PNG = "png"


class Picture(StrEnum):
    """Which drawing of a map."""

    MATRIX = "matrix"
    TREE = "tree"
    LAYOUT = "layout"


@dataclass(frozen=True)
class MapFile:
    """A map in one of its forms; ``name`` is fit for a download."""

    name: str
    media_type: str
    chunks: Iterator[bytes]


def params_for(
    metric: Metric, *, edge_weight: float | None, linkage: Linkage
) -> TransferabilityMapParams:
    """The parameters of the map that is asked for.

    Raises:
        InvalidRequestError: ``edge_weight_not_possible``: attribution has no edges.
    """
    if metric is Metric.ATTRIBUTION and edge_weight:
        raise InvalidRequestError(
            "the metric attribution has no edges; leave edge_weight out",
            code="edge_weight_not_possible",
        )
    default = 0.0 if metric is Metric.ATTRIBUTION else DEFAULT_EDGE_WEIGHT
    weight = default if edge_weight is None else edge_weight
    return TransferabilityMapParams(edge_weight=weight, linkage=linkage)


def file_of(
    session: Session, *, record: MapRecord, form: MapFormat, picture: Picture, blobs: BlobStore
) -> MapFile:
    """The map as a file; JSON is the document, CSV and NPZ the exact matrices of all pairs.

    Raises:
        NotFoundError: ``artifact_not_found``.
    """
    if form is MapFormat.JSON:
        document = canonical_json(record.document).encode()
        return MapFile("map.json", "application/json", iter([document]))
    if form in (MapFormat.CSV, MapFormat.NPZ):
        return _matrices(session, record, form, blobs)
    artifact = maps.file(session, record=record, name=f"{picture}.{form}")
    return MapFile(artifact.name, artifact.media_type, blobs.read(artifact.sha256))


def _matrices(session: Session, record: MapRecord, form: MapFormat, blobs: BlobStore) -> MapFile:
    artifact = maps.file(session, record=record, name="similarities.safetensors")
    arrays = arrays_in(b"".join(blobs.read(artifact.sha256)))
    if form is MapFormat.NPZ:
        return MapFile("map.npz", "application/octet-stream", iter([as_npz(arrays)]))
    weight = float(record.document["params"]["edge_weight"])
    table = as_csv(record.document["models"], arrays, edge_weight=weight)
    return MapFile("map.csv", "text/csv", iter([table.encode()]))
