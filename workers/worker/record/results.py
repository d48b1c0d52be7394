"""A result becomes rows, in the transaction that finishes its job.

One recorder per kind of method, in one closed table. Files are stored before; a worker that lost
its job meanwhile leaves only stored bytes that no row names.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from service.core.catalog import MethodKind, method_named
from service.core.catalog.attribution_map import ARCHIVE, MAPS, SHEET
from service.core.catalog.depara import DeparaParams
from service.core.catalog.transferability_map import TransferabilityMapParams
from service.core.ids import IdKind, new_id
from service.core.manifest import ModelFormat
from service.core.near_chance import near_chance
from service.core.operations import owned_rows
from service.core.operations.families.families import families_among
from service.core.operations.jobs import artifacts, lifecycle
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.operations.maps import snapshot_lookup
from service.core.operations.measurements import graphs, heat_maps
from service.core.results.maps import PlacedNetworks
from service.core.results.measurements import GRAPH_FILE, DrawnHeatMaps, MeasuredGraph
from service.core.results.networks import ModelCheckResult, TrainedReferenceNetwork
from service.core.tables import (
    DatasetRecord,
    GraphRecord,
    JobRecord,
    MapRecord,
    ModelRecord,
    ModelState,
)
from workers.worker.outputs import JobOutput
from workers.worker.record.adaptations import record_adaptation, record_baked_style
from workers.worker.record.concepts import record_found_units, record_responses
from workers.worker.record.datasets import record_dataset
from workers.worker.record.estimates import record_estimate
from workers.worker.record.layer_selections import record_layers
from workers.worker.record.networks import describe_network
from workers.worker.record.rankings import record_fused_ranking, record_ranking
from workers.worker.record.readers import record_reader
from workers.worker.record.rows import existing_row, locked_row
from workers.worker.record.trainings import record_student, warned

Recorder = Callable[[Session, JobRecord, JobOutput[Any]], dict[str, Any]]


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
    model, result = locked_row(session, job, ModelRecord, job.inputs["model_id"]), output.result
    model.problems = [problem.model_dump() for problem in result.problems]
    model.version += 1
    if result.network is None:
        model.state = ModelState.REJECTED
    else:
        describe_network(session, model, result.network, _program_of(model, output))
    return {"model_id": model.id, "state": model.state, "problems": model.problems}


def _program_of(model: ModelRecord, output: JobOutput[ModelCheckResult]) -> str:
    """Digest of the program; a pt2 that its check rewrote, without pickles, replaces the upload."""
    if output.result.program is None:
        return model.upload_sha256 or ""
    program = output.files[output.result.program]
    if model.manifest.get("format") == ModelFormat.PT2:
        model.upload_sha256, model.upload_bytes = program.sha256, program.size_bytes
    return program.sha256


def _reference(
    session: Session, job: JobRecord, output: JobOutput[TrainedReferenceNetwork]
) -> dict[str, Any]:
    """A reference network is a ready model with its lineage."""
    model, result = locked_row(session, job, ModelRecord, job.inputs["model_id"]), output.result
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
    describe_network(session, model, result.network, output.files[result.program].sha256)
    near = near_chance(result.accuracy, result.chance, result.held_out)
    warnings = warned(session, job, near)
    return {
        "model_id": model.id,
        **model.lineage["measured"],
        **({"warnings": warnings} if warnings else {}),
    }


def _graph(session: Session, job: JobRecord, output: JobOutput[MeasuredGraph]) -> dict[str, Any]:
    """A measurement, stored once per cache key: an equal one that came first stays."""
    model, result = existing_row(session, job, ModelRecord, job.inputs["model_id"]), output.result
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
    drawn = [existing_row(session, job, ModelRecord, name) for name in job.inputs["model_ids"]]
    dataset = existing_row(session, job, DatasetRecord, job.inputs["dataset_id"])
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
    families = families_among(session, project=job.project, ids=document["models"])
    document |= {"artifacts": ids, "params": job.params, "families": families}
    params = TransferabilityMapParams.model_validate(job.params)
    probes = existing_row(session, job, DatasetRecord, job.inputs["dataset_id"])
    continued = job.inputs["continues"]
    before = continued and owned_rows.find(session, MapRecord, project=job.project, id=continued)
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
        layout_id=before.layout_id if before else map_id,
        document=document,
        job_id=job.id,
    )
    session.add(row)
    session.flush()
    return {"map_id": row.id, "models": len(document["models"]), "artifacts": ids}


RECORDERS: Mapping[MethodKind, Recorder] = {
    MethodKind.MODEL_CHECK: _model,
    MethodKind.DATASET_INGESTION: record_dataset,
    MethodKind.GRAPH: _graph,
    MethodKind.HEAT_MAPS: _heat_maps,
    MethodKind.REFERENCE_NETWORK: _reference,
    MethodKind.ESTIMATES: record_estimate,
    MethodKind.RANKING: record_ranking,
    MethodKind.FUSED_RANKING: record_fused_ranking,
    MethodKind.MAP: _map,
    MethodKind.LAYER_SELECTION: record_layers,
    MethodKind.TRAINING: record_student,
    MethodKind.READER_TRAINING: record_reader,
    MethodKind.CASCADE_TRAINING: record_reader,
    MethodKind.ADAPTATION: record_adaptation,
    MethodKind.UNIT_RESPONSES: record_responses,
    MethodKind.CONCEPT_SEARCH: record_found_units,
    MethodKind.BAKED_STYLE: record_baked_style,
}
