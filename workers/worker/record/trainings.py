"""A trained student becomes a model of the zoo, its accuracy a record, its files artifacts."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog.training import source_ids
from service.core.ids import IdKind, new_id
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from service.core.operations.jobs import artifacts
from service.core.tables import JobRecord, ModelRecord, Protocol
from workers.worker.outputs import JobOutput
from workers.worker.record.networks import describe_network

# Transfers measure how well their source suits the data: the record is the source's.
_TRANSFERS = {"fine_tune": Protocol.FINE_TUNE, "linear_probe": Protocol.LINEAR_PROBE}


def record_student(session: Session, job: JobRecord, output: JobOutput) -> dict[str, Any]:
    """The student is ready and knows where it came from."""
    data, report = output.data, output.data["report"]
    program, lineage = output.files[data["program"]], _lineage(session, job, report)
    model = ModelRecord(
        id=new_id(IdKind.MODEL),
        project=job.project,
        name=data["manifest"]["name"],
        task_kind=data["manifest"]["task"]["kind"],
        manifest=data["manifest"],
        tags=data["manifest"]["tags"],
        filename="student.pt2",
        upload_sha256=program.sha256,
        upload_bytes=program.size_bytes,
        lineage=lineage,
        job_id=job.id,
    )
    describe_network(model, data, program.sha256)
    session.add(model)
    session.flush()
    shown = {name: blob for name, blob in output.files.items() if name != data["program"]}
    ids = artifacts.put(session, job=job, files=shown)
    _keep_accuracy(session, job, model, report["quality"])
    return {"model_id": model.id, **lineage["measured"], "artifacts": ids}


def _lineage(session: Session, job: JobRecord, report: Mapping[str, Any]) -> dict[str, Any]:
    """Where a student came from; fingerprints say from which state of its sources."""
    models = [session.get(ModelRecord, model_id) for model_id in source_ids(job.inputs)]
    fingerprints = [None if model is None else model.fingerprint for model in models]
    origin: dict[str, Any] = (
        {"source_model_id": job.inputs["source_model_id"], "source_fingerprint": fingerprints[0]}
        if job.method in _TRANSFERS
        else {"teachers": list(job.inputs["teachers"]), "teacher_fingerprints": fingerprints}
    )
    sets = dict.fromkeys(
        one for one in (job.inputs["dataset_id"], job.inputs["eval_dataset_id"]) if one
    )
    return {
        "job_id": job.id,
        "method": job.method,
        "method_version": job.method_version,
        **origin,
        "dataset": job.inputs["dataset_id"],
        "eval_dataset": job.inputs["eval_dataset_id"],
        "datasets": list(sets),
        "params": job.params,
        "seed": job.params["seed"],
        "versions": report["versions"],
        "sizes": {"student": report["student"], "teachers": report["teachers"]},
        "measured": {
            **report["quality"],
            **{name: report[name] for name in ("trained_on", "held_out", "seconds")},
        },
    }


def _keep_accuracy(
    session: Session, job: JobRecord, model: ModelRecord, quality: Mapping[str, float]
) -> None:
    """Remember the held-out accuracy: of the source for transfers, of the student otherwise."""
    if "accuracy" not in quality:
        return
    protocol = _TRANSFERS.get(job.method, Protocol.OTHER)
    given = NewAccuracy(
        model=job.inputs["source_model_id"] if job.method in _TRANSFERS else model.id,
        dataset=job.inputs["eval_dataset_id"] or job.inputs["dataset_id"],
        value=quality["accuracy"],
        protocol=protocol,
        seed=job.params["seed"],
        source=f"held-out images of job {job.id}",
    )
    accuracies.add(session, project=job.project, given=[given], job_id=job.id)
