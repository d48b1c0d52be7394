"""Rows of a synthetic zoo, by COPY, and its index."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import psycopg
from pgvector import HalfVector
from pgvector.psycopg import register_vector
from psycopg.types.json import Jsonb

from benchmarks.zoo_scale import synthetic
from service.core.catalog.depara import DeparaParams
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import InputSpec, ModelFormat, ModelManifest, TaskKind
from service.core.operations.access.keys import DEFAULT_PROJECT
from service.core.operations.measurements import graphs

INDEX = "ix_graphs_sketch"
MEMORY_FOR_BUILDING = "1GB"
_MODEL = ("id", "project", "name", "state", "task_kind", "manifest", "tags", "fingerprint")
_MODEL += ("filename", "layers", "problems", "version")
_MODEL_TYPES = (*("text",) * 5, "jsonb", "text[]", "text", "text", "jsonb", "jsonb", "int8")
_GRAPH = ("id", "project", "model_id", "dataset_id", "cache_key", "comparable_key", "settings")
_GRAPH += ("status", "valid_probes", "sha256", "numeric_policy", "sketch")
_GRAPH_TYPES = (*("text",) * 6, "jsonb", "text", "int4", "text", "jsonb", "halfvec")


@dataclass(frozen=True)
class ProbeSet:
    """A dataset row through which networks were measured."""

    id: str
    comparable_key: str


def connected(url: str) -> psycopg.Connection:
    """A connection that knows sketches; every statement commits."""
    connection = psycopg.connect(url, autocommit=True)
    register_vector(connection)
    return connection


def probe_set(connection: psycopg.Connection, name: str) -> ProbeSet:
    """A ready dataset of 64 images."""
    digest, identity = fingerprint(name), new_id(IdKind.DATASET)
    connection.execute(
        "INSERT INTO datasets (id, project, name, state, manifest, filename, upload_sha256,"
        " upload_bytes, manifest_sha256, images, canonical_side, packed_sha256, canonical_sha256,"
        " problems, version) VALUES (%(id)s, %(project)s, %(name)s, 'ready', '{}', '', %(sha)s, 1,"
        " %(sha)s, %(images)s, 16, %(sha)s, %(sha)s, '[]', 1)",
        {
            "id": identity,
            "project": DEFAULT_PROJECT,
            "name": name,
            "sha": digest,
            "images": synthetic.PROBES,
        },
    )
    return ProbeSet(identity, graphs.comparable_key(digest, DeparaParams()))


def add_models(connection: psycopg.Connection, numbers: Sequence[int]) -> list[str]:
    """Ready models, one for each number; their ids."""
    ids = [new_id(IdKind.MODEL) for _ in numbers]
    manifest = ModelManifest(
        name="synthetic",
        format=ModelFormat.PT2,
        task=TaskKind.CLASSIFICATION,
        input=InputSpec(height=224, width=224),
    ).model_dump(mode="json")
    with connection.cursor().copy(_copy("models", _MODEL)) as copy:
        copy.set_types(_MODEL_TYPES)
        for identity, number in zip(ids, numbers, strict=True):
            name = f"synthetic-{number:06d}"
            row = (identity, DEFAULT_PROJECT, name, "ready", "classification", Jsonb(manifest))
            copy.write_row((*row, [], fingerprint(name), "", Jsonb([]), Jsonb([]), 1))
    return ids


def add_graphs(
    connection: psycopg.Connection,
    probes: ProbeSet,
    models: Sequence[str],
    *,
    digests: Sequence[str],
    sketches: np.ndarray,
) -> None:
    """Measurements of models, one for each."""
    settings = Jsonb(DeparaParams().model_dump(mode="json"))
    with connection.cursor().copy(_copy("graphs", _GRAPH)) as copy:
        copy.set_types(_GRAPH_TYPES)
        for model, digest, sketch in zip(models, digests, sketches, strict=True):
            key = fingerprint([probes.comparable_key, model])
            identity = (new_id(IdKind.GRAPH), DEFAULT_PROJECT, model, probes.id, key)
            measurement = ("ok", synthetic.PROBES, digest, Jsonb({}), HalfVector(sketch))
            copy.write_row((*identity, probes.comparable_key, settings, *measurement))


def _copy(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT BINARY)"


def without_index(connection: psycopg.Connection) -> None:
    """Rows are written faster before the index is there."""
    connection.execute(f"DROP INDEX IF EXISTS {INDEX}")


def with_index(connection: psycopg.Connection, *, m: int, ef_construction: int) -> float:
    """The index rebuilt from all rows; seconds it took."""
    without_index(connection)
    connection.execute(f"SET maintenance_work_mem = '{MEMORY_FOR_BUILDING}'")
    began = time.perf_counter()
    connection.execute(
        f"CREATE INDEX {INDEX} ON graphs USING hnsw (sketch halfvec_ip_ops)"
        f" WITH (m = {m}, ef_construction = {ef_construction})"
    )
    seconds = time.perf_counter() - began
    connection.execute("ANALYZE graphs")
    connection.execute("ANALYZE models")
    return seconds


def sizes(connection: psycopg.Connection) -> dict[str, float]:
    """Bytes of a row and of its place in the index, in the mean over the zoo."""
    rows, index, total, indexes = connection.execute(
        f"SELECT (SELECT count(*) FROM graphs), pg_relation_size('{INDEX}'),"
        " pg_total_relation_size('graphs'), pg_indexes_size('graphs')"
    ).fetchone() or (1, 0, 0, 0)
    return {
        "row_bytes": (total - indexes) / rows,
        "sketch_index_bytes": index / rows,
        "other_indexes_bytes": (indexes - index) / rows,
    }
