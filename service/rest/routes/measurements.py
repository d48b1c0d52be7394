"""What was measured of a model: its neighbours and its heat maps."""

from functools import partial
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from service.core.catalogue.attribution_map import AttributionMapParams, Style
from service.core.catalogue.measurement import Attribution
from service.core.operations import heat_maps, neighbors
from service.core.operations.heat_maps import PictureOrJob
from service.core.operations.keys import Caller, Scope
from service.core.operations.ranking_requests import DEFAULT_EDGE_WEIGHT
from service.core.records import ArtifactRecord
from service.rest.answers import json_answer, known, unchanged
from service.rest.parts import AppParts, AppZoo, Id, IfNoneMatch, Parts, Position, Reader
from service.rest.routes.jobs import ended_job
from service.rest.views.jobs import JobView
from service.rest.views.models import NeighborsView, NeighborView

router = APIRouter(prefix="/v1/models", tags=["models"])
LONGEST_WAIT_SECONDS = 20.0
DatasetId = Annotated[
    str, Query(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$", description="the probe set")
]
Count = Annotated[int, Query(ge=1, le=neighbors.MOST_NEIGHBORS, description="most neighbours")]
EdgeWeight = Annotated[float, Query(ge=0, le=1e6, allow_inf_nan=False, description="λ")]
Layer = Annotated[str | None, Query(max_length=300, pattern=r"^[^\x00]*$")]


@router.get("/{model_id}/neighbors", response_model=NeighborsView)
def near(
    model_id: Id,
    zoo: AppZoo,
    caller: Reader,
    dataset: DatasetId,
    k: Count = 10,
    edge_weight: EdgeWeight = DEFAULT_EDGE_WEIGHT,
) -> Response:
    """The measured models nearest to this one, seen through a probe set."""
    with zoo.transaction() as session:
        listed = neighbors.shortlist(
            session,
            project=caller.project,
            model_id=model_id,
            dataset_id=dataset,
            count=k,
            edge_weight=edge_weight,
        )
    found = neighbors.nearest(listed, zoo.comparer)
    items = [NeighborView(rank=rank, **vars(one)) for rank, one in enumerate(found, 1)]
    return json_answer(
        NeighborsView(model_id=model_id, dataset_id=dataset, edge_weight=edge_weight, items=items)
    )


@router.get(
    "/{model_id}/attributions/{dataset_id}/{index}.png",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}},
        202: {"model": JobView, "description": "The job that draws the picture"},
    },
)
async def heat_map(
    model_id: Id,
    dataset_id: Id,
    index: Position,
    parts: AppParts,
    caller: Reader,
    method: Attribution = Attribution.GRADIENT_X_INPUT,
    layer: Layer = None,
    style: Style = Style.OVERLAY,
    seen: IfNoneMatch = None,
) -> Response:
    """The heat map of a model on an image; 202 when it takes longer than twenty seconds."""
    look = partial(
        _look,
        parts,
        caller,
        model_id=model_id,
        dataset_id=dataset_id,
        position=index,
        params=AttributionMapParams(attribution=method, layer=layer, style=style),
    )
    found = await run_in_threadpool(look)
    if found.job is not None:
        ended = await ended_job(parts, caller, found.job.id, seconds=LONGEST_WAIT_SECONDS)
        if ended is None:
            headers = {"Location": f"/v1/jobs/{found.job.id}"}
            return json_answer(JobView.of(found.job), status=202, headers=headers)
        heat_maps.require_success(ended)
        found = await run_in_threadpool(look)
    assert found.picture is not None
    return await run_in_threadpool(_sent, parts, found.picture, seen)


def _look(
    parts: Parts,
    caller: Caller,
    *,
    model_id: str,
    dataset_id: str,
    position: int,
    params: AttributionMapParams,
) -> PictureOrJob:
    with parts.zoo.transaction() as session:
        found = heat_maps.picture(
            session,
            project=caller.project,
            model_id=model_id,
            dataset_id=dataset_id,
            position=position,
            params=params,
        )
        if found.picture is None:
            caller.require(Scope.JOBS)
        return found


def _sent(parts: Parts, picture: ArtifactRecord, seen: str | None) -> Response:
    etag = f'"{picture.sha256}"'
    if known(etag, seen):
        return unchanged(etag)
    data = b"".join(parts.zoo.blobs.read(picture.sha256))
    headers = {"ETag": etag, "Cache-Control": "private, max-age=86400"}
    return Response(data, headers=headers, media_type="image/png")
