"""What the training of a cascade needs: clips, and the first stage of a cascade of the zoo."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from service.core.operations import owned_rows
from service.core.operations.dataset_kinds import require_reader
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from service.settings import Settings
from workers.isolation.training_files import FIRST_STAGE
from workers.worker.stage.readers import reader_stage
from workers.worker.stage.rows import StagedInputs, ready_dataset_of, ready_model, required_file


def clips_and_first_stage(session: Session, job: JobRecord, _settings: Settings) -> StagedInputs:
    """Everything that the job's inputs name.

    Raises:
        NotFoundError: Something is gone.
        ConflictError: Something is not ready.
        InvalidRequestError: ``dataset_has_images``, ``model_reads_images``.
    """
    staged = reader_stage(session, job)
    facts: dict[str, Any] = {
        **staged.facts,
        "pinyin_from": _pinyin_from(ready_dataset_of(session, job)),
        "first_stage": None,
        "first_stage_split": "same",
    }
    model_id = job.inputs["first_stage"]
    if model_id is None:
        return replace(staged, facts=facts)
    model = require_reader(ready_model(session, job, model_id))
    facts["first_stage"] = model.manifest["reader"]
    facts["first_stage_split"] = (
        "same" if _learned_the_same_clips(session, job, model) else "other"
    )
    named = {"id": model.id, "name": model.name, "fingerprint": model.fingerprint}
    facts["recipe"] = {**facts["recipe"], "first_stage": named}
    weights = required_file(model.upload_sha256, "the weights of the cascade")
    return replace(staged, facts=facts, files={**staged.files, FIRST_STAGE: weights})


def _learned_the_same_clips(session: Session, job: JobRecord, model: ModelRecord) -> bool:
    """Whether the first stage held out what the job holds out, and so did that which it shares."""
    lineage = model.lineage or {}
    if _split(job.inputs, job.params) != _split(_named(lineage), lineage.get("params", {})):
        return False
    source = lineage.get("source_model_id")
    if source is None:
        return True
    before = owned_rows.find(session, ModelRecord, project=job.project, id=source)
    return before is not None and _learned_the_same_clips(session, job, before)


def _named(lineage: Mapping[str, Any]) -> dict[str, Any]:
    """The datasets of a lineage as a job's inputs name them."""
    return {"dataset_id": lineage.get("dataset"), "eval_dataset_id": lineage.get("eval_dataset")}


def _split(inputs: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[Any, ...]:
    """What decides which clips train and which evaluate; with an evaluation set nothing is drawn."""
    datasets = (inputs["dataset_id"], inputs["eval_dataset_id"])
    drawn = (params.get("seed"), params.get("validation_fraction"))
    return datasets if datasets[1] is not None else (*datasets, *drawn)


def _pinyin_from(dataset: DatasetRecord) -> str:
    """Where the pinyin is from, as the ingestion of the clips noted; empty if there is none."""
    details = [note["detail"] for note in dataset.notes if note["code"] == "pinyin_from"]
    return details[0] if details else ""
