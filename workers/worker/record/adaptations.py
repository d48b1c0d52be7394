"""A few-shot learner with its support, or a stylizer with a style, becomes a model of the zoo."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.ids import IdKind, new_id
from service.core.operations import model_names
from service.core.results.adaptations import AdaptedLearner, BakedStyle
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from workers.worker.outputs import JobOutput
from workers.worker.record.networks import describe_network
from workers.worker.record.rows import existing_row


def record_adaptation(
    session: Session, job: JobRecord, output: JobOutput[AdaptedLearner]
) -> dict[str, Any]:
    """The classifier is ready, with its lineage: the learner and the digest of its support."""
    result = output.result
    model = _model_of(session, job, output, filename="classifier.pt2", seed=job.params["seed"])
    return {"model_id": model.id, "distinct": list(result.distinct), "notes": list(result.notes)}


def record_baked_style(
    session: Session, job: JobRecord, output: JobOutput[BakedStyle]
) -> dict[str, Any]:
    """The network is ready, with its lineage: the stylizer and the dataset of its style."""
    model = _model_of(session, job, output, filename="style.pt2", seed=None)
    return {"model_id": model.id}


def _model_of(
    session: Session,
    job: JobRecord,
    output: JobOutput[AdaptedLearner] | JobOutput[BakedStyle],
    *,
    filename: str,
    seed: int | None,
) -> ModelRecord:
    """The new model, made from a source and a dataset."""
    result = output.result
    source = existing_row(session, job, ModelRecord, job.inputs["source_model_id"])
    dataset = existing_row(session, job, DatasetRecord, job.inputs["dataset_id"])
    program, manifest = output.files[result.program], result.manifest.model_dump(mode="json")
    model = ModelRecord(
        id=new_id(IdKind.MODEL),
        project=job.project,
        name=manifest["name"],
        task_kind=manifest["task"]["kind"],
        manifest=manifest,
        tags=manifest["tags"],
        filename=filename,
        upload_sha256=program.sha256,
        upload_bytes=program.size_bytes,
        lineage={
            "job_id": job.id,
            "method": job.method,
            "method_version": job.method_version,
            "source_model_id": source.id,
            "source_fingerprint": source.fingerprint,
            "dataset": dataset.id,
            "dataset_sha256": dataset.manifest_sha256,
            "datasets": [dataset.id],
            "params": job.params,
            **({} if seed is None else {"seed": seed}),
            "measured": {},
        },
        job_id=job.id,
    )
    model_names.give_version(session, model)
    describe_network(session, model, result.network, program.sha256)
    return model
