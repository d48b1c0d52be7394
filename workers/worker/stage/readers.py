"""What trainings on clips need: clips to learn from, clips that evaluate, and a teacher."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import method_named
from service.core.operations.dataset_kinds import require_reader
from service.core.results import ResultScope
from service.core.tables import DatasetRecord, JobRecord, ModelRecord
from workers.isolation.training_files import CLIPS_FILE, EVAL_CLIPS_FILE, TEACHING_READER
from workers.worker.stage.clips import clip_facts, clips_file
from workers.worker.stage.rows import StagedInputs, ready_dataset, ready_model, required_file

_LONGEST_NAME = 200


def reader_stage(session: Session, job: JobRecord) -> StagedInputs:
    """Everything that the job's inputs name.

    Raises:
        NotFoundError: A dataset or the teacher is gone.
        ConflictError: One of them is not ready.
        InvalidRequestError: ``dataset_has_images``, ``model_reads_images``.
    """
    files: dict[str, str] = {}
    sets: dict[str, Any] = {}
    for role, file in (("dataset", CLIPS_FILE), ("eval_dataset", EVAL_CLIPS_FILE)):
        identity = job.inputs[f"{role}_id"]
        dataset = None if identity is None else ready_dataset(session, job, identity)
        sets[role] = None if dataset is None else _facts(session, dataset)
        if dataset is not None:
            files |= clips_file(dataset, file)
    names = job.inputs.get("teachers", ())
    teachers = [require_reader(ready_model(session, job, name)) for name in names]
    for model in teachers:
        files[TEACHING_READER] = required_file(model.upload_sha256, "the teacher's weights")
    learned_from = sets["dataset"]["name"]
    facts = {
        "name": job.params["name"] or f"{job.method} of {learned_from}"[:_LONGEST_NAME],
        "recipe": _recipe(job, sets) | {"teachers": [_identity(model) for model in teachers]},
        "teachers": [{"reader": model.manifest["reader"]} for model in teachers],
        **sets,
    }
    return StagedInputs(facts, files, ResultScope(params=method_named(job.method).params))


def _facts(session: Session, dataset: DatasetRecord) -> dict[str, Any]:
    """What a dataset is called, and what is said in each clip."""
    return {"id": dataset.id, "name": dataset.name, "clips": clip_facts(session, dataset)}


def _identity(model: ModelRecord) -> dict[str, Any]:
    """Which network teaches, in which state."""
    return {"id": model.id, "name": model.name, "fingerprint": model.fingerprint}


def _recipe(job: JobRecord, sets: dict[str, Any]) -> dict[str, Any]:
    """What the report needs, besides the parameters, to repeat the run."""
    named = {
        role: "none" if facts is None else {key: facts[key] for key in ("id", "name")}
        for role, facts in sets.items()
    }
    return {
        "method": job.method,
        "method_version": job.method_version,
        "inputs": dict(job.inputs),
        **named,
    }
