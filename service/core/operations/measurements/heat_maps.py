"""Heat maps: stored pictures, and the job that computes them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.catalog import attribution_map
from service.core.catalog.attribution_map import picture_name
from service.core.errors import NotFoundError
from service.core.fingerprints import fingerprint
from service.core.operations import names, owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.operations.heat_map_requests import (
    HeatMapLook,
    HeatMapRequest,
    ModelHeatMapRequest,
)
from service.core.operations.jobs import jobs
from service.core.operations.measurement_checks import (
    require_images,
    require_layer,
)
from service.core.operations.remedies import post
from service.core.operations.zoo import datasets
from service.core.tables import ArtifactRecord, DatasetRecord, JobRecord, JobState, ModelRecord
from service.core.tracing import current_trace_id


def picture(
    session: Session,
    *,
    project: str,
    model_id: str,
    dataset_id: str,
    position: int,
    look: HeatMapLook,
) -> ArtifactRecord:
    """The heat map of one model on one image.

    Raises:
        NotFoundError: The model, dataset or image does not exist; or ``not_measured``: the heat map
            does not exist yet.
        ConflictError: The model or the dataset is not ready.
    """
    model = owned_rows.get_ready(session, ModelRecord, project=project, id=model_id)
    dataset = owned_rows.get_ready(session, DatasetRecord, project=project, id=dataset_id)
    datasets.image(session, project=project, dataset_id=dataset_id, position=position)
    key = picture_key(model, dataset, position, look.params.model_dump(mode="json"))
    query = select(ArtifactRecord).where(
        ArtifactRecord.project == project, ArtifactRecord.cache_key == key
    )
    drawn = session.scalars(query.order_by(ArtifactRecord.id.desc()).limit(1)).first()
    if drawn is None:
        body = {"dataset_id": dataset_id, "indices": [position]}
        body |= look.model_dump(mode="json", exclude_defaults=True)
        raise NotFoundError(
            f"the heat map of {model_id} on image {position} of {dataset_id} does not exist yet",
            code="not_measured",
            remedy=post(f"/v1/models/{model_id}/attributions", body),
        )
    return drawn


def create_for_model(
    session: Session, *, project: str, model_id: str, request: ModelHeatMapRequest
) -> JobRecord:
    """Like ``create``, for one model. Also raises NotFoundError: ``model_not_found``."""
    owned_rows.get_ready(session, ModelRecord, project=project, id=model_id)
    whole = HeatMapRequest(model_ids=(model_id,), **dict(request))
    return create(session, project=project, request=whole)


def create(session: Session, *, project: str, request: HeatMapRequest) -> JobRecord:
    """The job that computes them and their sheet: one that succeeded, or a new one.

    Raises:
        InvalidRequestError: A model, dataset, image or layer does not exist in the project.
        ConflictError: A model or the dataset is not ready.
    """
    request = names.with_ids(session, request, project=project)
    drawn = _models(session, project, request)
    dataset = _dataset(session, project, request)
    params = request.params.model_dump(mode="json")
    keys = [picture_key(model, dataset, i, params) for model in drawn for i in request.positions]
    # A sheet shows names, and equal networks can have different names.
    key = fingerprint([list(request.model_ids), keys])
    done = _done(session, project, key)
    if done is not None:
        return done
    return jobs.submit(
        session,
        project=project,
        method=attribution_map.SPEC.name,
        inputs={
            "model_ids": list(request.model_ids),
            "dataset_id": request.dataset_id,
            "indices": list(request.positions),
        },
        params=params,
        cache_key=key,
        priority=20,
        trace_id=current_trace_id(),
    )


def picture_key(
    model: ModelRecord, dataset: DatasetRecord, position: int, params: Mapping[str, Any]
) -> str:
    """Hash for looking up a picture: equal keys promise the same picture."""
    return fingerprint(
        {
            "method": attribution_map.SPEC.name,
            "version": attribution_map.SPEC.version,
            "model": model.fingerprint or model.id,
            "dataset": dataset.manifest_sha256,
            "position": position,
            "params": dict(params),
        }
    )


def picture_keys(
    drawn: Sequence[ModelRecord], dataset: DatasetRecord, job: JobRecord
) -> dict[str, str]:
    """Keys of the pictures that a job computes, by file name."""
    return {
        picture_name(model.id, position): picture_key(model, dataset, position, job.params)
        for model in drawn
        for position in job.inputs["indices"]
    }


def _models(session: Session, project: str, request: HeatMapRequest) -> list[ModelRecord]:
    """The networks, in the order of the request."""
    ready = []
    for index, model_id in enumerate(request.model_ids):
        with error_pointer(f"/model_ids/{index}"):
            model = owned_rows.get_ready(session, ModelRecord, project=project, id=model_id)
        require_layer(model, request.layer, pointer="/layer")
        ready.append(model)
    return ready


def _dataset(session: Session, project: str, request: HeatMapRequest) -> DatasetRecord:
    """The dataset, if it has all the images."""
    with error_pointer("/dataset_id"):
        dataset = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=request.dataset_id
        )
    require_images(dataset, request.positions, pointer="/indices")
    return dataset


def _done(session: Session, project: str, key: str) -> JobRecord | None:
    """The newest successful job with this key."""
    query = select(JobRecord).where(
        JobRecord.project == project,
        JobRecord.cache_key == key,
        JobRecord.state == JobState.SUCCEEDED,
    )
    return session.scalars(query.order_by(JobRecord.id.desc()).limit(1)).first()
