"""Networks that stand for labelled targets: trained once per dataset and settings, then reused."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog import Audience, reference_network
from service.core.catalog.reference_network import ReferenceNetworkParams
from service.core.fingerprints import fingerprint
from service.core.ids import IdKind, new_id
from service.core.manifest import TaskKind
from service.core.operations.jobs import jobs
from service.core.operations.zoo import datasets
from service.core.tables import DatasetRecord, JobRecord, JobState, ModelRecord, ModelState
from service.core.tracing import current_trace_id

_USABLE = (JobState.QUEUED, JobState.RUNNING, JobState.SUCCEEDED)


def network_for(session: Session, *, dataset: DatasetRecord) -> ModelRecord:
    """The network that stands for a labelled dataset: there already, or awaited from a job.

    Raises:
        InvalidRequestError: ``target_unlabeled``: there are not two classes to learn.
    """
    known = known_for(session, dataset=datasets.require_labeled(dataset))
    return known if known is not None else _ordered(session, dataset, reference_key(dataset))


def known_for(session: Session, *, dataset: DatasetRecord) -> ModelRecord | None:
    """The network that stands for a dataset, if it is there already or to come."""
    return _known(session, dataset.project, reference_key(dataset))


def stands_for(model: ModelRecord, dataset: DatasetRecord) -> bool:
    """Whether the network was trained to stand for the dataset."""
    told = model.lineage or {}
    return told.get("method") == reference_network.SPEC.name and dataset.id in told["datasets"]


def reference_key(dataset: DatasetRecord) -> str:
    """Equal keys promise the same trained network."""
    return fingerprint(
        {
            "method": reference_network.SPEC.name,
            "version": reference_network.SPEC.version,
            "params": ReferenceNetworkParams().model_dump(mode="json"),
            "dataset": dataset.manifest_sha256,
        }
    )


def _known(session: Session, project: str, key: str) -> ModelRecord | None:
    """The network of an earlier job with this key that is ready or still to come."""
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


def _ordered(session: Session, dataset: DatasetRecord, key: str) -> ModelRecord:
    """A place for the network, and the job that fills it."""
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
    job = jobs.submit(
        session,
        project=dataset.project,
        method=reference_network.SPEC.name,
        inputs={"dataset_id": dataset.id, "model_id": model.id},
        params={},
        cache_key=key,
        trace_id=current_trace_id(),
        audience=Audience.INTERNAL,
    )
    if job.inputs["model_id"] != model.id:
        session.delete(model)
        session.flush()
        return session.get_one(ModelRecord, job.inputs["model_id"])
    model.job_id = job.id
    session.flush()
    return model
