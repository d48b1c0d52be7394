"""/v1/models/{id}/neighbors: the nearest models of a model."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.core.operations.neighbors import neighbors
from service.core.operations.rankings.schemas import DEFAULT_EDGE_WEIGHT
from service.rest.dependencies import AppZoo, Id, Reader
from service.rest.responses import json_response
from service.views.models import NeighborsQuery, NeighborsView, neighbors_view

router = APIRouter(prefix="/v1/models", tags=["models"])
DatasetId = Annotated[
    str, Query(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$", description="Id of the probe set.")
]
Count = Annotated[
    int, Query(ge=1, le=neighbors.MOST_NEIGHBORS, description="Maximum number of neighbors.")
]
EdgeWeight = Annotated[
    float,
    Query(ge=0, le=1e6, allow_inf_nan=False, description="λ: weight of the edge similarity."),
]


@router.get("/{model_id}/neighbors", response_model=NeighborsView)
def index(
    model_id: Id,
    zoo: AppZoo,
    caller: Reader,
    dataset: DatasetId,
    k: Count = 10,
    edge_weight: EdgeWeight = DEFAULT_EDGE_WEIGHT,
) -> Response:
    """List the measured models nearest to this one on a probe set."""
    query = NeighborsQuery(dataset_id=dataset, k=k, edge_weight=edge_weight)
    return json_response(neighbors_view(zoo, query, project=caller.project, model_id=model_id))
