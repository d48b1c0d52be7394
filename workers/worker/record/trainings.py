"""A trained student becomes a model of the zoo; its accuracy and its files get rows of their own."""

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import method_named
from service.core.catalog.training import SourceAndLabels, source_ids
from service.core.ids import IdKind, new_id
from service.core.operations import model_names, owned_rows
from service.core.operations.accuracies import accuracies
from service.core.operations.accuracies.accuracies import NewAccuracy
from service.core.operations.jobs import artifacts
from service.core.operations.jobs.events import append_event
from service.core.results.trainings import TrainedStudent
from service.core.tables import JobRecord, ModelRecord, Protocol
from workers.worker.outputs import JobOutput
from workers.worker.record.networks import describe_network


def record_student(
    session: Session, job: JobRecord, output: JobOutput[TrainedStudent]
) -> dict[str, Any]:
    """The student is ready, with its lineage."""
    student = output.result
    program, lineage = output.files[student.program], _lineage(session, job, student)
    manifest = student.manifest.model_dump(mode="json")
    model = ModelRecord(
        id=new_id(IdKind.MODEL),
        project=job.project,
        name=manifest["name"],
        task_kind=manifest["task"]["kind"],
        manifest=manifest,
        tags=manifest["tags"],
        filename="student.pt2",
        upload_sha256=program.sha256,
        upload_bytes=program.size_bytes,
        lineage=lineage,
        job_id=job.id,
    )
    model_names.give_version(session, model)
    describe_network(session, model, student.network, program.sha256)
    shown = {name: output.files[name] for name in sorted(student.artifact_names())}
    ids = artifacts.put(session, job=job, files=shown)
    _keep_accuracy(session, job, model, student.quality.get("accuracy"))
    warnings = warned(session, job, student.model_dump(include={"warnings"})["warnings"])
    return {
        "model_id": model.id,
        **lineage["measured"],
        "params": student.params,
        "artifacts": ids,
        **({"warnings": warnings} if warnings else {}),
    }


def warned(
    session: Session, job: JobRecord, warnings: Iterable[Mapping[str, str]]
) -> list[dict[str, str]]:
    """The warnings about a training; each is an event of its job."""
    listed = [dict(warning) for warning in warnings]
    for warning in listed:
        append_event(session, job.id, type="warning", data=warning)
    return listed


def _lineage(session: Session, job: JobRecord, student: TrainedStudent) -> dict[str, Any]:
    """Where a student came from; fingerprints identify the state of its teachers."""
    models = [
        owned_rows.find(session, ModelRecord, project=job.project, id=model_id)
        for model_id in source_ids(job.inputs)
    ]
    fingerprints = [None if model is None else model.fingerprint for model in models]
    origin: dict[str, Any] = (
        {"source_model_id": job.inputs["source_model_id"], "source_fingerprint": fingerprints[0]}
        if _is_transfer(job)
        else {"teachers": list(job.inputs["teachers"]), "teacher_fingerprints": fingerprints}
    )
    roles = ("dataset_id", "style_dataset_id", "eval_dataset_id")
    sets = dict.fromkeys(name for role in roles if (name := job.inputs.get(role)))
    return {
        "job_id": job.id,
        "method": job.method,
        "method_version": job.method_version,
        **origin,
        "dataset": job.inputs["dataset_id"],
        "eval_dataset": job.inputs["eval_dataset_id"],
        "datasets": list(sets),
        "params": student.params,
        "seed": job.params["seed"],
        "versions": student.versions,
        "sizes": {
            "student": student.network.model_dump(include={"parameters", "flops"}),
            "teachers": student.teachers.model_dump(),
        },
        "measured": {
            **student.quality,
            **student.model_dump(include={"trained_on", "held_out", "seconds"}),
        },
    }


def _keep_accuracy(
    session: Session, job: JobRecord, model: ModelRecord, accuracy: float | None
) -> None:
    """Record the held-out accuracy: a transfer's measures its source, any other its student."""
    if accuracy is None:
        return
    measured = NewAccuracy(
        model=job.inputs["source_model_id"] if _is_transfer(job) else model.id,
        dataset=job.inputs["eval_dataset_id"] or job.inputs["dataset_id"],
        value=accuracy,
        protocol=_protocol(job.method) if _is_transfer(job) else Protocol.OTHER,
        seed=job.params["seed"],
        source=f"held-out images of job {job.id}",
    )
    accuracies.add(session, project=job.project, measurements=[measured], job_id=job.id)


def _is_transfer(job: JobRecord) -> bool:
    """Whether the job trained a network of the zoo further."""
    return issubclass(method_named(job.method).inputs, SourceAndLabels)


def _protocol(method: str) -> Protocol:
    """The protocol that a transfer is named after."""
    return Protocol(method) if method in list(Protocol) else Protocol.OTHER
