"""From records to messages, one function per noun."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from service.core.etags import etag_of
from service.core.manifest import InputSpec
from service.core.operations.neighbors.neighbors import NearModel
from service.core.operations.rankings import rankings
from service.core.tables import (
    ArtifactRecord,
    DatasetRecord,
    ImageRecord,
    JobEventRecord,
    JobRecord,
    ModelRecord,
    RankingRecord,
)
from service.rpc.stubs.zoo.v1 import (
    common_pb2,
    dataset_pb2,
    dataset_service_pb2,
    job_pb2,
    method_service_pb2,
    model_pb2,
    model_service_pb2,
    transferability_service_pb2,
)

_OF_POSTERIOR = ("mean", "deviation", "p_best", "expected_regret", "measured")


def model(record: ModelRecord) -> model_pb2.Model:
    """A network of the zoo."""
    said = record.manifest
    message = model_pb2.Model(
        id=record.id,
        name=record.name,
        state=f"MODEL_STATE_{record.state.upper()}",
        task=_like(said.get("task") or {"kind": "other"}, common_pb2.Task()),
        format=said.get("format", "pt2"),
        classes=said.get("classes") or [],
        feature_layer=record.feature_layer or said.get("feature_layer"),
        output_kind=record.output_kind,
        parameters=record.parameters,
        flops=record.flops,
        sha256=record.upload_sha256 or record.program_sha256,
        size_bytes=record.upload_bytes,
        tags=record.tags,
        license=said.get("license", ""),
        trained_on=said.get("trained_on", ""),
        problems=[problem(one) for one in record.problems],
        created_at=moment(record.created_at),
        etag=etag_of(record),
        job_id=record.job_id,
    )
    if said.get("input") is not None:
        _like(InputSpec.model_validate(said["input"]).model_dump(mode="json"), message.input)
    if said.get("architecture") is not None:
        _like(said["architecture"], message.architecture)
    if record.lineage is not None:
        message.lineage.update(record.lineage)
    return message


def layer(stored: Mapping[str, Any]) -> model_pb2.Layer:
    """One layer of a network."""
    return model_pb2.Layer(name=stored["name"], kind=stored["kind"], shape=stored["shape"])


def neighbor(rank: int, near: NearModel) -> model_service_pb2.Neighbor:
    """A network near another one."""
    return model_service_pb2.Neighbor(
        rank=rank,
        model_id=near.model_id,
        name=near.name,
        score=near.score,
        node_similarity=near.node_similarity,
        edge_similarity=near.edge_similarity,
        exact=near.exact,
        error=near.error,
    )


def dataset(record: DatasetRecord) -> dataset_pb2.Dataset:
    """A set of images."""
    return dataset_pb2.Dataset(
        id=record.id,
        name=record.name,
        state=f"DATASET_STATE_{record.state.upper()}",
        images=record.images,
        labels=record.labels or [],
        sha256=record.manifest_sha256,
        canonical_side=record.canonical_side,
        license=record.manifest.get("license", ""),
        tags=record.manifest.get("tags", []),
        problems=[problem(one) for one in record.problems],
        created_at=moment(record.created_at),
        etag=etag_of(record),
        job_id=record.job_id,
    )


def image(record: ImageRecord) -> dataset_service_pb2.ImageInfo:
    """What an image is."""
    return dataset_service_pb2.ImageInfo(
        name=record.name,
        media_type=record.media_type,
        width=record.width,
        height=record.height,
        sha256=record.sha256,
        label=record.label,
        size_bytes=record.length,
    )


def job(record: JobRecord) -> job_pb2.Job:
    """One run of a method."""
    message = job_pb2.Job(
        id=record.id,
        method=record.method,
        state=f"JOB_STATE_{record.state.upper()}",
        progress=_like(record.progress, job_pb2.JobProgress()),
        error=None if record.error is None else problem(record.error),
        attempts=record.attempts,
        created_at=moment(record.created_at),
        started_at=moment(record.started_at),
        finished_at=moment(record.finished_at),
    )
    message.params.update(record.params)
    message.inputs.update(record.inputs)
    if record.result is not None:
        message.result.update(record.result)
    return message


def event(record: JobEventRecord) -> job_pb2.JobEvent:
    """Something that happened to a job."""
    data = _struct(record.data)
    return job_pb2.JobEvent(seq=record.seq, at=moment(record.at), type=record.type, data=data)


def artifact(record: ArtifactRecord) -> job_pb2.Artifact:
    """A file that a job produced."""
    return job_pb2.Artifact(
        id=record.id,
        job_id=record.job_id,
        name=record.name,
        media_type=record.media_type,
        sha256=record.sha256,
        size_bytes=record.size_bytes,
        created_at=moment(record.created_at),
    )


def method(described: Mapping[str, Any]) -> method_service_pb2.Method:
    """A card of the catalogue."""
    message = method_service_pb2.Method()
    _like(described, message)
    return message


def ranking(
    record: RankingRecord, *, edge_weight: float, progress: Mapping[str, Any] | None
) -> transferability_service_pb2.Ranking:
    """Models ordered for one target, by the edge weight that is asked for."""
    items, unranked = rankings.ordered(record, edge_weight=edge_weight)
    message = transferability_service_pb2.Ranking(
        id=record.id,
        state=f"RANKING_STATE_{record.state.upper()}",
        job_id=record.job_id,
        metric=record.metric,
        edge_weight=edge_weight,
        target_model_id=record.target_model_id,
        target_dataset_id=record.target_dataset_id,
        probe_set_id=record.dataset_id,
        items=[_item(one) for one in items],
        unranked=_unranked(unranked),
        baselines=[_baseline(one) for one in record.baselines],
        error=None if record.error is None else problem(record.error),
        progress=None if progress is None else _like(progress, job_pb2.JobProgress()),
        cache_key=rankings.cache_key(record),
        created_at=moment(record.created_at),
    )
    return message if record.findings is None else _like(record.findings, message)


def _baseline(told: Mapping[str, Any]) -> transferability_service_pb2.Baseline:
    return transferability_service_pb2.Baseline(
        name=told["name"],
        items=[transferability_service_pb2.BaselineItem(**one) for one in told["items"] or ()],
        reason=None if told["reason"] is None else problem(told["reason"]),
    )


def _item(found: Mapping[str, Any]) -> transferability_service_pb2.RankingItem:
    low, high = found["interval"] or (None, None)
    return transferability_service_pb2.RankingItem(
        rank=found["rank"],
        model_id=found["model_id"],
        name=found["name"],
        score=found["score"],
        node_similarity=found["node_similarity"],
        edge_similarity=found["edge_similarity"],
        interval_low=low,
        interval_high=high,
        valid_probes=found["valid_probes"],
        **{name: found[name] for name in _OF_POSTERIOR if name in found},
    )


def _unranked(
    found: Sequence[Mapping[str, Any]],
) -> list[transferability_service_pb2.UnrankedModel]:
    return [
        transferability_service_pb2.UnrankedModel(
            model_id=one["model_id"], code=one["code"], detail=one["detail"]
        )
        for one in found
    ]


def problem(stored: Mapping[str, Any]) -> common_pb2.Problem:
    """Why something was refused or failed."""
    return common_pb2.Problem(
        code=stored.get("code", ""),
        detail=stored.get("detail", ""),
        remedy=stored.get("remedy") or "",
    )


def moment(when: datetime | None) -> Timestamp | None:
    """A time; None stays None."""
    if when is None:
        return None
    stamp = Timestamp()
    stamp.FromDatetime(when)
    return stamp


def _struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


def _like(values: Mapping[str, Any], message: Any) -> Any:
    """``message`` filled with the values whose names it knows; None counts as not there."""
    given = {name: value for name, value in values.items() if value is not None}
    return ParseDict(given, message, ignore_unknown_fields=True)
