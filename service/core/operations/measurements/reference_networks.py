"""Reference networks of labeled datasets: trained once per dataset and settings, then reused."""

import math

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog import reference_network
from service.core.catalog.reference_network import ReferenceNetworkParams
from service.core.errors import ConflictError
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import TaskKind
from service.core.operations import dataset_labels, model_names, owned_rows
from service.core.operations.jobs.internal_jobs import submit_for
from service.core.operations.quotas.admission import within
from service.core.operations.quotas.limits import Quota
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord, ModelState

_DEVIATIONS = 2.0
_USABLE = (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED)


def network_for(session: Session, *, dataset: DatasetRecord) -> ModelRecord:
    """The reference network of a labeled dataset: an existing one, or a pending one with a job.

    Raises:
        InvalidRequestError: ``target_unlabeled``: the dataset has fewer than two classes.
    """
    existing = known_for(session, dataset=dataset_labels.require_labeled(dataset))
    return existing if existing is not None else _created(session, dataset, reference_key(dataset))


def known_for(session: Session, *, dataset: DatasetRecord) -> ModelRecord | None:
    """The ready or pending reference network of a dataset, if there is one."""
    return _existing(session, dataset.project, reference_key(dataset))


def stands_for(model: ModelRecord, dataset: DatasetRecord) -> bool:
    """Whether the model is a reference network of the dataset."""
    return _is_reference(model) and dataset.id in (model.lineage or {})["datasets"]


def _is_reference(model: ModelRecord) -> bool:
    return (model.lineage or {}).get("method") == reference_network.SPEC.name


def is_useful(model: ModelRecord) -> bool:
    """False for a reference network that hardly learned its labels.

    That is an accuracy on the images held out within two standard errors of always giving the most
    common label. True for every other network.
    """
    measured = (model.lineage or {}).get("measured")
    if not _is_reference(model) or measured is None:
        return True
    chance = measured["chance"]
    error = math.sqrt(chance * (1 - chance) / max(1, measured["held_out"]))
    return bool(measured["accuracy"] > chance + _DEVIATIONS * error)


def require_useful(model: ModelRecord) -> None:
    """Accept a network that is worth comparing with.

    Raises:
        ConflictError: ``reference_near_chance``.
    """
    if is_useful(model):
        return
    measured = (model.lineage or {})["measured"]
    raise ConflictError(
        "the reference network of the target learned too little to compare with:"
        f" {measured['accuracy']:.0%} of {measured['held_out']} images held out,"
        f" {measured['chance']:.0%} by chance",
        code="reference_near_chance",
        remedy="rank by the metric auto, which needs no reference network; or add labeled images",
    )


def reference_key(dataset: DatasetRecord) -> str:
    """Hash of method, version, settings and dataset: equal keys promise the same network."""
    return fingerprint(
        {
            "method": reference_network.SPEC.name,
            "version": reference_network.SPEC.version,
            "params": ReferenceNetworkParams().model_dump(mode="json"),
            "dataset": dataset.manifest_sha256,
        }
    )


def _existing(session: Session, project: str, key: str) -> ModelRecord | None:
    """The ready or pending network of an earlier job with this key."""
    query = (
        select(JobRecord)
        .where(
            JobRecord.project == project,
            JobRecord.method == reference_network.SPEC.name,
            JobRecord.cache_key == key,
            JobRecord.state.in_(_USABLE),
        )
        .order_by(JobRecord.id.desc())
    )
    for job in session.scalars(query):
        model = owned_rows.find(session, ModelRecord, project=project, id=job.inputs["model_id"])
        if model is not None and model.state in (ModelState.PENDING, ModelState.READY):
            return model
    return None


def _created(session: Session, dataset: DatasetRecord, key: str) -> ModelRecord:
    """A pending network and the job that trains it."""
    model = ModelRecord(
        id=new_id(IdKind.MODEL),
        project=dataset.project,
        name=f"reference for {dataset.name}"[:200],
        state=ModelState.PENDING,
        task_kind=TaskKind.CLASSIFICATION,
        manifest={"task": {"kind": TaskKind.CLASSIFICATION, "text": ""}, "tags": ["reference"]},
        tags=["reference"],
        lineage={"method": reference_network.SPEC.name, "datasets": [dataset.id]},
    )
    model_names.give_version(session, model)
    with within(session, dataset.project, Quota.MODELS):
        session.add(model)
        session.flush()
    job = submit_for(
        session,
        model,
        method=reference_network.SPEC.name,
        inputs={"dataset_id": dataset.id, "model_id": model.id},
        cache_key=key,
    )
    if job.inputs["model_id"] != model.id:
        session.delete(model)
        session.flush()
        return owned_rows.get(
            session, ModelRecord, project=dataset.project, id=job.inputs["model_id"]
        )
    return model
