"""A trained reader of clips becomes a model of the zoo; its files get rows of their own."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.operations import model_names, owned_rows
from service.core.operations.jobs import artifacts
from service.core.results.trainings import TrainedReader
from service.core.tables import JobRecord, ModelRecord, ModelState
from workers.worker.outputs import JobOutput
from workers.worker.record.trainings import warned


def record_reader(
    session: Session, job: JobRecord, output: JobOutput[TrainedReader]
) -> dict[str, Any]:
    """The reader is ready, with its lineage; it has no program, because it takes no image."""
    reader = output.result
    weights, manifest = output.files[reader.weights], reader.manifest.model_dump(mode="json")
    lineage = _lineage(session, job, reader) | _source(session, job)
    model = ModelRecord(
        id=new_id(IdKind.MODEL),
        project=job.project,
        name=manifest["name"],
        state=ModelState.READY,
        task_kind=manifest["task"]["kind"],
        manifest=manifest,
        tags=manifest["tags"],
        filename=reader.weights,
        upload_sha256=weights.sha256,
        upload_bytes=weights.size_bytes,
        fingerprint=fingerprint({"weights": weights.sha256, "reader": manifest["reader"]}),
        parameters=reader.parameters,
        lineage=lineage,
        job_id=job.id,
    )
    model_names.give_version(session, model)
    session.add(model)
    session.flush()
    shown = {name: output.files[name] for name in sorted(reader.artifact_names())}
    ids = artifacts.put(session, job=job, files=shown)
    warnings = warned(session, job, reader.model_dump(include={"warnings"})["warnings"])
    return {
        "model_id": model.id,
        **lineage["measured"],
        "params": reader.params,
        "artifacts": ids,
        **({"warnings": warnings} if warnings else {}),
    }


def _source(session: Session, job: JobRecord) -> dict[str, Any]:
    """The cascade whose first stage was trained further; nothing if there is none."""
    model_id = job.inputs.get("first_stage")
    if model_id is None:
        return {}
    model = owned_rows.find(session, ModelRecord, project=job.project, id=model_id)
    mark = None if model is None else model.fingerprint
    return {"source_model_id": model_id, "source_fingerprint": mark}


def _lineage(session: Session, job: JobRecord, reader: TrainedReader) -> dict[str, Any]:
    """Where a reader came from; fingerprints identify the state of its teachers."""
    names = list(job.inputs.get("teachers", ()))
    teachers = [
        owned_rows.find(session, ModelRecord, project=job.project, id=name) for name in names
    ]
    sets = (job.inputs["dataset_id"], job.inputs["eval_dataset_id"])
    return {
        "job_id": job.id,
        "method": job.method,
        "method_version": job.method_version,
        "teachers": names,
        "teacher_fingerprints": [
            None if model is None else model.fingerprint for model in teachers
        ],
        "dataset": sets[0],
        "eval_dataset": sets[1],
        "datasets": [name for name in dict.fromkeys(sets) if name is not None],
        "params": reader.params,
        "seed": job.params["seed"],
        "versions": reader.versions,
        "measured": {
            **reader.quality,
            **reader.model_dump(include={"trained_on", "held_out", "seconds"}),
        },
    }
