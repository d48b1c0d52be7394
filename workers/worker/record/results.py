"""A result becomes rows, in the transaction that finishes its job.

One recorder per kind of method, in one closed table. Files are stored before; a worker that lost
its job meanwhile leaves only stored bytes that no row names.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog import MethodKind, method_named
from service.core.catalog.attribution_map import ARCHIVE, MAPS, SHEET
from service.core.catalog.depara import DeparaParams
from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.errors import NotFoundError
from service.core.ids import IdKind, new_id
from service.core.operations.jobs import artifacts, lifecycle
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.operations.maps import snapshot_lookup
from service.core.operations.measurements import graphs, heat_maps
from service.core.results.datasets import IngestedDataset
from service.core.results.maps import PlacedNetworks
from service.core.results.measurements import GRAPH_FILE, DrawnHeatMaps, MeasuredGraph
from service.core.results.networks import ModelCheckResult, TrainedReferenceNetwork
from service.core.tables import (
    DatasetRecord,
    DatasetState,
    GraphRecord,
    ImageRecord,
    JobRecord,
    MapRecord,
    ModelRecord,
    ModelState,
)
from workers.worker.outputs import JobOutput
from workers.worker.record.estimates import record_estimate
from workers.worker.record.layer_selections import record_layers
from workers.worker.record.networks import describe_network
from workers.worker.record.rankings import record_fused_ranking, record_ranking
from workers.worker.record.trainings import record_student

Recorder = Callable[[Session, JobRecord, JobOutput[Any]], dict[str, Any]]

_ROWS_AT_ONCE = 5000


def record(session: Session, job: JobRecord, output: JobOutput[Any]) -> JobRecord:
    """Write the result and end the job as succeeded, both or neither.

    Raises:
        FencedError: The job was taken away; nothing was written.
        NotFoundError: The thing the job worked for is gone.
    """
    held = lifecycle.hold(session, job_id=job.id, fence=job.fence)
    result = RECORDERS[method_named(job.method).kind](session, held, output)
    held.checkpoint_sha256 = None
    outcome = Outcome(AttemptStatus.SUCCEEDED, result=result)
    return lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)


def _model(
    session: Session, job: JobRecord, output: JobOutput[ModelCheckResult]
) -> dict[str, Any]:
    """A checked model is ready, or rejected with its problems."""
    model, result = _locked(session, ModelRecord, job.inputs["model_id"]), output.result
    model.problems = [problem.model_dump() for problem in result.problems]
    model.version += 1
    if result.network is None:
        model.state = ModelState.REJECTED
    else:
        uploaded = model.upload_sha256 or ""
        program = output.files[result.program].sha256 if result.program else uploaded
        describe_network(model, result.network, program)
    return {"model_id": model.id, "state": model.state, "problems": model.problems}


def _reference(
    session: Session, job: JobRecord, output: JobOutput[TrainedReferenceNetwork]
) -> dict[str, Any]:
    """A reference network is a ready model with its lineage."""
    model, result = _locked(session, ModelRecord, job.inputs["model_id"]), output.result
    manifest = result.manifest.model_dump(mode="json")
    measured = ("accuracy", "chance", "trained_on", "held_out", "last_loss", "seconds")
    model.manifest = {**manifest, "name": model.name}
    model.task_kind = manifest["task"]["kind"]
    model.problems = []
    model.version += 1
    model.lineage = {
        "job_id": job.id,
        "method": job.method,
        "method_version": job.method_version,
        "datasets": [job.inputs["dataset_id"]],
        "teachers": [],
        "params": job.params,
        "measured": result.model_dump(include=set(measured)),
    }
    describe_network(model, result.network, output.files[result.program].sha256)
    return {"model_id": model.id, **model.lineage["measured"]}


def _dataset(
    session: Session, job: JobRecord, output: JobOutput[IngestedDataset]
) -> dict[str, Any]:
    """A checked dataset is ready with its index, or rejected with its problems."""
    dataset, result = _locked(session, DatasetRecord, job.inputs["dataset_id"]), output.result
    dataset.problems = [problem.model_dump() for problem in result.problems]
    dataset.version += 1
    if result.packed_file is None:
        dataset.state = DatasetState.REJECTED
    else:
        dataset.packed_sha256 = output.files[result.packed_file].sha256
        _describe_images(session, dataset, output)
    session.flush()
    return {
        "dataset_id": dataset.id,
        "state": dataset.state,
        "images": dataset.images,
        "problems": dataset.problems[:100],
    }


def _describe_images(
    session: Session, dataset: DatasetRecord, output: JobOutput[IngestedDataset]
) -> None:
    """Make the dataset ready, with one row per image."""
    result = output.result
    dataset.state = DatasetState.READY
    dataset.images = len(result.images)
    dataset.labels = None if result.labels is None else list(result.labels)
    dataset.manifest_sha256 = result.manifest_sha256
    if result.canonical_file is not None:
        dataset.canonical_sha256 = output.files[result.canonical_file].sha256
        dataset.canonical_side = result.canonical_side
    label_index = {name: index for index, name in enumerate(result.labels or ())}
    rows = [
        {
            **image.model_dump(),
            "dataset_id": dataset.id,
            "position": position,
            "label": None if image.label is None else label_index[image.label],
        }
        for position, image in enumerate(result.images)
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(insert(ImageRecord), rows[start : start + _ROWS_AT_ONCE])


def _graph(session: Session, job: JobRecord, output: JobOutput[MeasuredGraph]) -> dict[str, Any]:
    """A measurement, stored once per cache key: an equal one that came first stays."""
    model, result = _existing(session, ModelRecord, job.inputs["model_id"]), output.result
    key = graphs.cache_key(
        result.comparable_key, model_id=model.id, fingerprint_of_model=model.fingerprint or ""
    )
    values = {
        "id": new_id(IdKind.GRAPH),
        "project": job.project,
        "model_id": model.id,
        "dataset_id": job.inputs["dataset_id"],
        "cache_key": key,
        "comparable_key": result.comparable_key,
        "settings": DeparaParams.model_validate(job.params).model_dump(mode="json"),
        "sha256": output.files[GRAPH_FILE].sha256,
        "numeric_policy": result.policy.model_dump(),
        "sketch": None if result.sketch is None else list(result.sketch),
        "job_id": job.id,
        **result.model_dump(include={"status", "detail", "valid_probes"}),
    }
    statement = upsert(GraphRecord).values(**values)
    first = statement.on_conflict_do_nothing(index_elements=["project", "cache_key"])
    session.execute(first)
    graph = graphs.with_key(session, project=job.project, cache_key=key)
    return {"graph_id": graph.id, **result.model_dump(mode="json", exclude={"sketch"})}


def _heat_maps(
    session: Session, job: JobRecord, output: JobOutput[DrawnHeatMaps]
) -> dict[str, Any]:
    """Pictures, sheet, archive and maps are artifacts of the job; a picture is found by its key."""
    drawn = [_existing(session, ModelRecord, name) for name in job.inputs["model_ids"]]
    dataset = _existing(session, DatasetRecord, job.inputs["dataset_id"])
    keys = heat_maps.picture_keys(drawn, dataset, job)
    ids = artifacts.put(session, job=job, files=output.files, cache_keys=keys)
    facts = output.result.model_dump(mode="json")
    return {
        "images": [{**image, "artifact_id": ids[image["picture"]]} for image in facts["images"]],
        "sheet_artifact_id": ids[SHEET],
        "archive_artifact_id": ids[ARCHIVE],
        "maps_artifact_id": ids[MAPS],
        "numerics": facts["numerics"],
    }


def _map(session: Session, job: JobRecord, output: JobOutput[PlacedNetworks]) -> dict[str, Any]:
    """A map, with its pictures and exact matrices as artifacts of the job."""
    ids = artifacts.put(session, job=job, files=output.files)
    document = output.result.document.model_dump(mode="json")
    document |= {"artifacts": ids, "params": job.params}
    params = TransferabilityMapParams.model_validate(job.params)
    probes = _existing(session, DatasetRecord, job.inputs["dataset_id"])
    before = session.get(MapRecord, job.inputs["continues"]) if job.inputs["continues"] else None
    map_id = new_id(IdKind.MAP)
    shown = [*document["models"], *(entry["model_id"] for entry in document["left_out"])]
    row = MapRecord(
        id=map_id,
        project=job.project,
        dataset_id=probes.id,
        comparable_key=graphs.comparable_key(probes.manifest_sha256 or "", params.settings),
        models_key=snapshot_lookup.models_key(shown),
        params_key=snapshot_lookup.params_key(job.params),
        edge_weight=params.edge_weight,
        layout_id=map_id if before is None else before.layout_id,
        document=document,
        job_id=job.id,
    )
    session.add(row)
    session.flush()
    return {"map_id": row.id, "models": len(document["models"]), "artifacts": ids}


def _locked(session: Session, kind: Any, identity: str) -> Any:
    """A row by id, locked; NotFoundError when it is gone."""
    return _existing(session, kind, identity, with_for_update=True)


def _existing(session: Session, kind: Any, identity: str, **options: Any) -> Any:
    row = session.get(kind, identity, populate_existing=True, **options)
    if row is None:
        raise NotFoundError(f"{identity} was removed meanwhile", code="input_deleted")
    return row


RECORDERS: Mapping[MethodKind, Recorder] = {
    MethodKind.MODEL_CHECK: _model,
    MethodKind.DATASET_INGESTION: _dataset,
    MethodKind.GRAPH: _graph,
    MethodKind.HEAT_MAPS: _heat_maps,
    MethodKind.REFERENCE_NETWORK: _reference,
    MethodKind.ESTIMATES: record_estimate,
    MethodKind.RANKING: record_ranking,
    MethodKind.FUSED_RANKING: record_fused_ranking,
    MethodKind.MAP: _map,
    MethodKind.LAYER_SELECTION: record_layers,
    MethodKind.TRAINING: record_student,
}
