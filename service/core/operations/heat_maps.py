"""Heat maps: the picture drawn before, or the job that draws it."""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalogue import attribution_map
from service.core.catalogue.attribution_map import AttributionMapParams
from service.core.errors import MethodError
from service.core.fingerprints import fingerprint
from service.core.operations import datasets, jobs, models
from service.core.records import ArtifactRecord, DatasetRecord, JobRecord, JobState, ModelRecord
from service.core.tracing import current_trace_id


@dataclass(frozen=True)
class PictureOrJob:
    """Exactly one of the two: the picture that is there, or the job that will draw it."""

    picture: ArtifactRecord | None = None
    job: JobRecord | None = None


def picture(
    session: Session,
    *,
    project: str,
    model_id: str,
    dataset_id: str,
    position: int,
    params: AttributionMapParams,
) -> PictureOrJob:
    """The heat map of one model on one image.

    Raises:
        NotFoundError: No such model, dataset or image.
        ConflictError: The model or the dataset is not ready.
    """
    model = models.get_ready(session, project=project, model_id=model_id)
    dataset = datasets.get_ready(session, project=project, dataset_id=dataset_id)
    datasets.image(session, project=project, dataset_id=dataset_id, position=position)
    key = _key(model, dataset, position, params)
    drawn = _drawn(session, project, key)
    if drawn is not None:
        return PictureOrJob(picture=drawn)
    job = jobs.submit(
        session,
        project=project,
        method=attribution_map.CARD.name,
        inputs={"model_id": model_id, "dataset_id": dataset_id, "indices": [position]},
        params=params.model_dump(mode="json"),
        cache_key=key,
        priority=20,
        trace_id=current_trace_id(),
    )
    return PictureOrJob(job=job)


def _key(
    model: ModelRecord, dataset: DatasetRecord, position: int, params: AttributionMapParams
) -> str:
    """Equal keys promise the same picture."""
    return fingerprint(
        {
            "method": attribution_map.CARD.name,
            "version": attribution_map.CARD.version,
            "model": model.fingerprint or model.id,
            "dataset": dataset.manifest_sha256,
            "position": position,
            "params": params.model_dump(mode="json"),
        }
    )


def _drawn(session: Session, project: str, key: str) -> ArtifactRecord | None:
    """The picture of an earlier job with this key."""
    query = (
        select(ArtifactRecord)
        .join(JobRecord, JobRecord.id == ArtifactRecord.job_id)
        .where(
            JobRecord.project == project,
            JobRecord.cache_key == key,
            JobRecord.state == JobState.SUCCEEDED,
            ArtifactRecord.media_type == "image/png",
        )
        .limit(1)
    )
    return session.scalars(query).first()


def require_success(job: JobRecord) -> None:
    """Pass on why an ended job did not succeed.

    Raises:
        MethodError: With the code of the job's own error.
    """
    if job.state == JobState.SUCCEEDED:
        return
    error = job.error or {"code": job.state, "detail": f"the job was {job.state}"}
    raise MethodError(
        str(error.get("detail")), code=str(error.get("code")), remedy=error.get("remedy")
    )
