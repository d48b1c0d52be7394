"""What a job found becomes rows, in the transaction that finishes it.

One recorder per method, in one closed table. Files are stored before; a worker that lost its job
meanwhile leaves only stored bytes that no row names.
"""

from collections.abc import Callable
from typing import Any

from sqlalchemy import insert
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog.attribution_map import ARCHIVE, MAPS, SHEET
from service.core.catalog.depara import DeparaParams
from service.core.catalog.training import TRAININGS
from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.errors import NotFoundError
from service.core.ids import IdKind, new_id
from service.core.operations.jobs import artifacts, lifecycle
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.operations.maps import snapshot_lookup
from service.core.operations.measurements import graphs, heat_maps
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

Recorder = Callable[[Session, JobRecord, JobOutput], dict[str, Any]]

_ROWS_AT_ONCE = 5000


def record(session: Session, job: JobRecord, output: JobOutput) -> JobRecord:
    """Write what was found and end the job as succeeded, both or neither.

    Raises:
        FencedError: The job was taken away; nothing was written.
        NotFoundError: The thing the job worked for is gone.
    """
    held = lifecycle.hold(session, job_id=job.id, fence=job.fence)
    result = _RECORDERS[job.method](session, held, output)
    held.checkpoint_sha256 = None
    outcome = Outcome(AttemptStatus.SUCCEEDED, result=result)
    return lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)


def _model(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """A checked model is ready, or rejected with its problems."""
    model = _locked(session, ModelRecord, job.inputs["model_id"])
    data = output.data
    model.problems = list(data["problems"])
    model.version += 1
    if model.problems:
        model.state = ModelState.REJECTED
    else:
        uploaded = model.upload_sha256 or ""
        program = output.files[data["program"]].sha256 if data["program"] else uploaded
        describe_network(model, data, program)
    return {"model_id": model.id, "state": model.state, "problems": model.problems}


def _reference(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """A network learned here is a ready model that knows where it came from."""
    model = _locked(session, ModelRecord, job.inputs["model_id"])
    data = output.data
    measured = ("accuracy", "chance", "trained_on", "held_out", "last_loss", "seconds")
    model.manifest = {**data["manifest"], "name": model.name}
    model.task_kind = data["manifest"]["task"]["kind"]
    model.problems = []
    model.version += 1
    model.lineage = {
        "job_id": job.id,
        "method": job.method,
        "method_version": job.method_version,
        "datasets": [job.inputs["dataset_id"]],
        "teachers": [],
        "params": job.params,
        "measured": {name: data[name] for name in measured},
    }
    describe_network(model, data, output.files[data["program"]].sha256)
    return {"model_id": model.id, **model.lineage["measured"]}


def _dataset(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """A checked dataset is ready with its index, or rejected with its problems."""
    dataset = _locked(session, DatasetRecord, job.inputs["dataset_id"])
    data = output.data
    dataset.problems = list(data["problems"])
    dataset.version += 1
    if data["packed_file"] is not None:
        _describe_images(session, dataset, output)
    else:
        dataset.state = DatasetState.REJECTED
    session.flush()
    return {
        "dataset_id": dataset.id,
        "state": dataset.state,
        "images": dataset.images,
        "problems": dataset.problems[:100],
    }


def _describe_images(session: Session, dataset: DatasetRecord, output: JobOutput) -> None:
    """Make the dataset ready, with one row per image."""
    data = output.data
    labels = data["labels"]
    dataset.state = DatasetState.READY
    dataset.images = len(data["images"])
    dataset.labels = labels
    dataset.manifest_sha256 = data["manifest_sha256"]
    dataset.packed_sha256 = output.files[data["packed_file"]].sha256
    if data["canonical_file"] is not None:
        dataset.canonical_sha256 = output.files[data["canonical_file"]].sha256
        dataset.canonical_side = data["canonical_side"]
    place = {name: index for index, name in enumerate(labels or ())}
    rows = [
        {
            **image,
            "dataset_id": dataset.id,
            "position": position,
            "label": place.get(image["label"]),
        }
        for position, image in enumerate(data["images"])
    ]
    for start in range(0, len(rows), _ROWS_AT_ONCE):
        session.execute(insert(ImageRecord), rows[start : start + _ROWS_AT_ONCE])


def _graph(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """A measurement, kept once per cache key: an equal one that came first stays."""
    model = _existing(session, ModelRecord, job.inputs["model_id"])
    data = output.data
    key = graphs.cache_key(
        data["comparable_key"], model_id=model.id, fingerprint_of_model=model.fingerprint or ""
    )
    values = {
        "id": new_id(IdKind.GRAPH),
        "project": job.project,
        "model_id": model.id,
        "dataset_id": job.inputs["dataset_id"],
        "cache_key": key,
        "comparable_key": data["comparable_key"],
        "settings": DeparaParams.model_validate(job.params).model_dump(mode="json"),
        "sha256": output.files["graph.safetensors"].sha256,
        "numeric_policy": data["policy"],
        "job_id": job.id,
        **{k: data[k] for k in ("status", "detail", "valid_probes", "sketch")},
    }
    statement = upsert(GraphRecord).values(**values)
    kept = statement.on_conflict_do_nothing(index_elements=["project", "cache_key"])
    session.execute(kept)
    graph = graphs.with_key(session, project=job.project, cache_key=key)
    summary = ("status", "detail", "valid_probes", "probes", "grid", "policy", "timing")
    return {
        "graph_id": graph.id,
        "comparable_key": graph.comparable_key,
        **{name: data[name] for name in summary},
    }


def _heat_maps(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """Pictures, sheet, zip and maps are artifacts of the job; a picture is found by its key.

    The keys are those of what was asked, whatever the child calls its files.
    """
    drawn = [_existing(session, ModelRecord, one) for one in job.inputs["model_ids"]]
    dataset = _existing(session, DatasetRecord, job.inputs["dataset_id"])
    keys = heat_maps.picture_keys(drawn, dataset, job)
    ids = artifacts.put(session, job=job, files=output.files, cache_keys=keys)
    images = [{**i, "artifact_id": ids[i["picture"]]} for i in output.data["images"]]
    return {
        "images": images,
        "sheet_artifact_id": ids[SHEET],
        "archive_artifact_id": ids[ARCHIVE],
        "maps_artifact_id": ids[MAPS],
        "numerics": output.data["numerics"],
    }


def _map(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """A map, with its pictures and exact matrices as artifacts of the job."""
    ids = artifacts.put(session, job=job, files=output.files)
    document = {**output.data["document"], "artifacts": ids, "params": job.params}
    params = TransferabilityMapParams.model_validate(job.params)
    probes = _existing(session, DatasetRecord, job.inputs["dataset_id"])
    before = session.get(MapRecord, job.inputs["continues"]) if job.inputs["continues"] else None
    map_id = new_id(IdKind.MAP)
    shown = [*document["models"], *(one["model_id"] for one in document["left_out"])]
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
    found = session.get(kind, identity, populate_existing=True, **options)
    if found is None:
        raise NotFoundError(f"{identity} was removed meanwhile", code="input_deleted")
    return found


_RECORDERS: dict[str, Recorder] = {
    "model_validation": _model,
    "dataset_ingestion": _dataset,
    "reference_network": _reference,
    "depara": _graph,
    "transferability_estimators": record_estimate,
    "attribution_map": _heat_maps,
    "ranking": record_ranking,
    "fused_ranking": record_fused_ranking,
    "transferability_map": _map,
    "layer_selection": record_layers,
    **dict.fromkeys(TRAININGS, record_student),
}
