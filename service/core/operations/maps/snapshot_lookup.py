"""Snapshots of maps: which one fits a request, and what a new one can reuse from older ones.

Similarities belong to a set of networks and do not depend on the edge weight: the first map of a set
computes them, and later maps read its file. Positions belong to a *layout*, named by its first map:
all maps of a layout show a network at the same position.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select
from sqlalchemy.orm import Session

from service.core.catalog import transferability_map
from service.core.fingerprints import fingerprint
from service.core.operations import owned_rows
from service.core.paging import Page, page_of
from service.core.tables import (
    ArtifactRecord,
    DamagedBlobRecord,
    GraphRecord,
    GraphStatus,
    MapRecord,
    ModelRecord,
)

SIMILARITIES = "similarities.safetensors"
Position = tuple[float, float]


@dataclass(frozen=True)
class Measured:
    """A measured network and the file of its graph."""

    graph_id: str
    model_id: str
    name: str
    status: str
    sha256: str | None
    task_kind: str
    parameters: int | None

    @property
    def comparable(self) -> bool:
        """Whether a map can show it."""
        return self.status != GraphStatus.DEGENERATE


@dataclass(frozen=True)
class StoredSimilarities:
    """Similarities of an earlier map, and its networks in the order of the rows."""

    sha256: str
    models: tuple[str, ...]


@dataclass(frozen=True)
class Snapshot:
    """A map as lists show it: its number of networks, parameters and stress."""

    id: str
    job_id: str
    layout_id: str
    created_at: datetime
    models: int
    stress: float
    params: Mapping[str, Any]


def params_key(params: Mapping[str, Any]) -> str:
    """Hash of a map's parameters with defaults filled in."""
    return fingerprint(dict(params))


def models_key(model_ids: Sequence[str]) -> str:
    """Hash of the measured networks and of the version that compares them."""
    return fingerprint([transferability_map.SPEC.version, sorted(model_ids)])


def measured(
    session: Session, *, project: str, comparable: str, model_ids: Sequence[str] | None = None
) -> list[Measured]:
    """The networks with this comparable key, these or all, in the order of measurement."""
    query = (
        select(
            GraphRecord.id,
            GraphRecord.model_id,
            ModelRecord.name,
            GraphRecord.status,
            GraphRecord.sha256,
            ModelRecord.task_kind,
            ModelRecord.parameters,
        )
        .join(ModelRecord, ModelRecord.id == GraphRecord.model_id)
        .where(GraphRecord.project == project, GraphRecord.comparable_key == comparable)
    )
    if model_ids is not None:
        query = query.where(GraphRecord.model_id.in_(model_ids))
    return [Measured(*row) for row in session.execute(query.order_by(GraphRecord.id))]


def current(
    session: Session, *, project: str, comparable: str, edge_weight: float
) -> MapRecord | None:
    """The newest map of the newest layout for this weight."""
    query = select(MapRecord).where(
        MapRecord.project == project,
        MapRecord.comparable_key == comparable,
        MapRecord.edge_weight == edge_weight,
    )
    return session.scalars(query.order_by(MapRecord.layout_id.desc(), MapRecord.id.desc())).first()


def drawn(
    session: Session, *, project: str, layout_id: str, models: str, params: str
) -> MapRecord | None:
    """The newest map of a layout with these keys of networks and parameters."""
    query = select(MapRecord).where(
        MapRecord.project == project,
        MapRecord.layout_id == layout_id,
        MapRecord.models_key == models,
        MapRecord.params_key == params,
    )
    return session.scalars(query.order_by(MapRecord.id.desc()).limit(1)).first()


def known_similarities(
    session: Session, *, project: str, comparable: str, models: str
) -> StoredSimilarities | None:
    """The similarities of the newest map of the same networks, for any weight."""
    query = (
        select(ArtifactRecord.sha256, MapRecord.document["models"])
        .join(ArtifactRecord, ArtifactRecord.job_id == MapRecord.job_id)
        .where(
            MapRecord.project == project,
            MapRecord.comparable_key == comparable,
            MapRecord.models_key == models,
            ArtifactRecord.name == SIMILARITIES,
            ArtifactRecord.sha256.not_in(select(DamagedBlobRecord.sha256)),
        )
    )
    row = session.execute(query.order_by(MapRecord.id.desc()).limit(1)).first()
    return None if row is None else StoredSimilarities(row[0], tuple(row[1]))


def positions_in(session: Session, *, project: str, map_id: str) -> dict[str, Position]:
    """The positions of the networks of a map. Raises NotFoundError: ``map_not_found``."""
    document = owned_rows.get(session, MapRecord, project=project, id=map_id).document
    return {
        model_id: (x, y)
        for model_id, (x, y) in zip(document["models"], document["points"], strict=True)
    }


def get(session: Session, *, project: str, map_id: str, dataset_id: str) -> MapRecord:
    """A map of the dataset by id. Raises NotFoundError: ``map_not_found``."""
    record = owned_rows.get(session, MapRecord, project=project, id=map_id)
    if record.dataset_id != dataset_id:
        raise owned_rows.not_found(MapRecord, map_id)
    return record


def page(
    session: Session, *, project: str, dataset_id: str, after: str | None, limit: int
) -> Page[Snapshot]:
    """At most ``limit`` maps of a dataset, newest first, starting after the id ``after``."""
    query = select(
        MapRecord.id,
        MapRecord.job_id,
        MapRecord.layout_id,
        MapRecord.created_at,
        func.jsonb_array_length(MapRecord.document["models"]).label("models"),
        MapRecord.document["stress"].label("stress"),
        MapRecord.document["params"].label("params"),
    ).where(MapRecord.project == project, MapRecord.dataset_id == dataset_id)
    if after is not None:
        query = query.where(MapRecord.id < after)
    rows = session.execute(query.order_by(MapRecord.id.desc()).limit(limit + 1))
    return page_of([_snapshot(row) for row in rows], limit=limit)


def summary(record: MapRecord) -> Snapshot:
    """A map as lists show it."""
    document = record.document
    return Snapshot(
        id=record.id,
        job_id=record.job_id,
        layout_id=record.layout_id,
        created_at=record.created_at,
        models=len(document["models"]),
        stress=document["stress"],
        params=document["params"],
    )


def _snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(**row._mapping)
