"""A trained student becomes a model of the zoo, its accuracy a record, its files artifacts."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.ids import IdKind, new_id
from service.core.operations import accuracies, artifacts
from service.core.operations.accuracies import NewAccuracy
from service.core.records import JobRecord, ModelRecord, Protocol
from workers.adoption import Harvest
from workers.network_records import describe_network

_PROTOCOLS = {"fine_tune": Protocol.FINE_TUNE, "linear_probe": Protocol.LINEAR_PROBE}


def record_student(session: Session, job: JobRecord, harvest: Harvest) -> dict[str, Any]:
    """The student is ready and knows where it came from."""
    data, report = harvest.data, harvest.data["report"]
    program, lineage = harvest.files[data["program"]], _lineage(job, report)
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
    shown = {name: blob for name, blob in harvest.files.items() if name != data["program"]}
    ids = artifacts.put(session, job=job, files=shown)
    _keep_accuracy(session, job, model, report["quality"])
    return {"model_id": model.id, **lineage["measured"], "artifacts": ids}


def _lineage(job: JobRecord, report: dict[str, Any]) -> dict[str, Any]:
    """Where a student came from."""
    return {
        "job_id": job.id,
        "method": job.method,
        "method_version": job.method_version,
        "teachers": [learned_from(job)],
        "datasets": [job.inputs["dataset_id"]],
        "params": job.params,
        "seed": job.params["seed"],
        "versions": report["versions"],
        "measured": {
            **report["quality"],
            **{name: report[name] for name in ("trained_on", "held_out", "seconds")},
        },
    }


def learned_from(job: JobRecord) -> str:
    """The id of the network that the student learned from."""
    found: str = job.inputs.get("teacher_id") or job.inputs["source_id"]
    return found


def _keep_accuracy(
    session: Session, job: JobRecord, model: ModelRecord, quality: dict[str, float]
) -> None:
    """Remember the held-out accuracy: of the source for transfers, of the student otherwise."""
    if "accuracy" not in quality:
        return
    protocol = _PROTOCOLS.get(job.method, Protocol.OTHER)
    given = NewAccuracy(
        model=model.id if protocol is Protocol.OTHER else learned_from(job),
        dataset=job.inputs["dataset_id"],
        value=quality["accuracy"],
        protocol=protocol,
        seed=job.params["seed"],
        source=f"held-out images of job {job.id}",
    )
    accuracies.add(session, project=job.project, given=[given], job_id=job.id)
