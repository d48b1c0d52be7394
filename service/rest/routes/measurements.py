"""What measurements say of a model: the nearest models, and how alike two look at each image."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.core import ids
from service.core.catalog.measurement import Metric
from service.core.ids import DatasetId
from service.core.operations.neighbors import neighbors
from service.rest.dependencies import AppZoo, ModelId, Reader
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.views.image_similarities import (
    ImageSimilaritiesQuery,
    ImageSimilaritiesView,
    image_similarities_view,
)
from service.views.models import NeighborsQuery, NeighborsView, neighbors_view

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ScopedRoute)
OtherModelId = Annotated[ids.ModelId, Query(description="Id or name of the other model.")]
ProbeSetId = Annotated[DatasetId, Query(description="Id or name of the probe set.")]
Count = Annotated[
    int, Query(ge=1, le=neighbors.MOST_NEIGHBORS, description="Maximum number of neighbors.")
]
NeighborMetric = Annotated[Metric, Query(description="How two networks are compared.")]
EdgeWeight = Annotated[
    float | None,
    Query(
        ge=0,
        le=1e6,
        allow_inf_nan=False,
        description="λ: weight of the edge similarity; by default that of the metric.",
    ),
]


@router.get("/{model_id}/neighbors", response_model=NeighborsView)
def index(
    model_id: ModelId,
    zoo: AppZoo,
    caller: Reader,
    dataset: ProbeSetId,
    k: Count = 10,
    metric: NeighborMetric = Metric.DEPARA,
    edge_weight: EdgeWeight = None,
) -> Response:
    """List the measured models nearest to this one on a probe set."""
    query = NeighborsQuery(dataset_id=dataset, k=k, metric=metric, edge_weight=edge_weight)
    return json_response(neighbors_view(zoo, query, project=caller.project, model_id=model_id))


@router.get("/{model_id}/image-similarities", response_model=ImageSimilaritiesView)
def image_similarities(
    model_id: ModelId, zoo: AppZoo, caller: Reader, other: OtherModelId, dataset: ProbeSetId
) -> Response:
    """Get how alike this model and another one look at each image of a probe set: 1 is the same.

    404 `not_measured` if one of them has no measurement on the probe set.
    """
    query = ImageSimilaritiesQuery(other_model_id=other, dataset_id=dataset)
    view = image_similarities_view(zoo, query, project=caller.project, model_id=model_id)
    return json_response(view)
