"""Reference networks of labeled datasets: trained once per dataset and settings, then reused."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog import reference_network
from service.core.catalog.reference_network import ReferenceNetworkParams
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import TaskKind
from service.core.operations.jobs.internal_jobs import submit_for
from service.core.operations.zoo import datasets
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord, ModelState

_USABLE = (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED)


def network_for(session: Session, *, dataset: DatasetRecord) -> ModelRecord:
    """The reference network of a labeled dataset: an existing one, or a pending one with a job.

    Raises:
        InvalidRequestError: ``target_unlabeled``: the dataset has fewer than two classes.
    """
    existing = known_for(session, dataset=datasets.require_labeled(dataset))
    return existing if existing is not None else _created(session, dataset, reference_key(dataset))


def known_for(session: Session, *, dataset: DatasetRecord) -> ModelRecord | None:
    """The ready or pending reference network of a dataset, if there is one."""
    return _existing(session, dataset.project, reference_key(dataset))


def stands_for(model: ModelRecord, dataset: DatasetRecord) -> bool:
    """Whether the model is a reference network of the dataset."""
    lineage = model.lineage or {}
    return (
        lineage.get("method") == reference_network.SPEC.name and dataset.id in lineage["datasets"]
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
        model = session.get(ModelRecord, job.inputs["model_id"])
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
        return session.get_one(ModelRecord, job.inputs["model_id"])
    return model
