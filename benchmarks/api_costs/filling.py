"""A large zoo at once: rows of measured models, written through the records."""

from dataclasses import dataclass

import numpy as np
from sqlalchemy import insert
from sqlalchemy.orm import Session

from service.core.catalog.depara import DeparaParams
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, TaskKind
from service.core.operations.measurements import graphs
from service.core.operations.rankings import affinities, rankings
from service.core.operations.rankings.schemas import RankingRequest
from service.core.tables import (
    DatasetRecord,
    DatasetState,
    GraphRecord,
    GraphStatus,
    ModelRecord,
    ModelState,
)

_ROWS_AT_ONCE = 2000


@dataclass(frozen=True)
class Filled:
    """A finished ranking of all measured models, and the request that asks for it."""

    ranking: str
    request: dict[str, object]


def fill(session: Session, *, project: str, measured: int, models: int, seed: int) -> Filled:
    """``models`` ready models, of which the first ``measured`` are compared with the first one."""
    probes = _probe_set(session, project)
    rows = [_model(project, number) for number in range(models)]
    _insert(session, ModelRecord, rows)
    graph_rows = [_graph(project, probes, row) for row in rows[:measured]]
    _insert(session, GraphRecord, graph_rows)
    generator = np.random.default_rng(seed)
    target, *others = (str(row["id"]) for row in graph_rows)
    affinities.keep(session, rows=[_affinity(target, other, generator) for other in others])
    request = request_for(probes.id, [str(row["id"]) for row in rows[:measured]])
    record = rankings.create(session, project=project, request=request)
    return Filled(record.id, request.model_dump(mode="json"))


def request_for(probes: str, models: list[str]) -> RankingRequest:
    """All models but the first, ordered for the first: the written rows answer it at once."""
    target, *candidates = models
    return RankingRequest.model_validate(
        {
            "target": {"model_id": target},
            "probe_set_id": probes,
            "candidates": {"model_ids": candidates},
        }
    )


def _probe_set(session: Session, project: str) -> DatasetRecord:
    digest = fingerprint("synthetic probes")
    record = DatasetRecord(
        id=new_id(IdKind.DATASET),
        project=project,
        name="synthetic probes",
        state=DatasetState.READY,
        manifest={"name": "synthetic probes", "layout": "flat"},
        upload_sha256=digest,
        upload_bytes=1,
        manifest_sha256=digest,
        images=340,
        canonical_side=64,
        packed_sha256=digest,
        canonical_sha256=digest,
    )
    session.add(record)
    session.flush()
    return record


def _model(project: str, number: int) -> dict[str, object]:
    name = f"synthetic-{number:05d}"
    manifest = ModelManifest(
        name=name,
        format=ModelFormat.PT2,
        task=TaskKind.CLASSIFICATION,
        input=InputSpec(height=224, width=224),
    )
    digest = fingerprint(name)
    return {
        "id": new_id(IdKind.MODEL),
        "project": project,
        "name": name,
        "state": ModelState.READY,
        "task_kind": "classification",
        "manifest": manifest.model_dump(mode="json"),
        "tags": ["synthetic"],
        "upload_sha256": digest,
        "upload_bytes": 10**6,
        "program_sha256": digest,
        "fingerprint": digest,
        "feature_layer": "mean",
        "parameters": 10**6,
        "flops": 10**9,
    }


def _graph(project: str, probes: DatasetRecord, model: dict[str, object]) -> dict[str, object]:
    settings = DeparaParams()
    comparable = graphs.comparable_key(probes.manifest_sha256 or "", settings)
    return {
        "id": new_id(IdKind.GRAPH),
        "project": project,
        "model_id": model["id"],
        "dataset_id": probes.id,
        "cache_key": graphs.cache_key(
            comparable, model_id=str(model["id"]), fingerprint_of_model=str(model["fingerprint"])
        ),
        "comparable_key": comparable,
        "settings": settings.model_dump(mode="json"),
        "status": GraphStatus.OK,
        "valid_probes": 340,
        "sha256": model["fingerprint"],
        "numeric_policy": {},
    }


def _affinity(target: str, other: str, generator: np.random.Generator) -> dict[str, object]:
    node, edge = generator.uniform(-0.2, 1.0, 2)
    return {
        "first": target,
        "second": other,
        "node_similarity": float(node),
        "edge_similarity": float(edge),
        "valid_probes": 340,
        "node_variance": 1e-4,
        "edge_variance": 1e-4,
        "covariance": 0.0,
    }


def _insert(session: Session, record: type, rows: list[dict[str, object]]) -> None:
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(insert(record), rows[start : start + _ROWS_AT_ONCE])
