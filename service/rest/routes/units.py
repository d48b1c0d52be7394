"""/v1/units and /v1/models/{id}/similar-units: output units by name, and by how they respond."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.core.ids import DatasetId
from service.core.operations.concepts import units
from service.rest.dependencies import AppStateDep, AppZoo, ModelId, Reader
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.views.paging import ListView
from service.views.units import (
    SimilarUnitsQuery,
    SimilarUnitsView,
    UnitQuery,
    UnitView,
    similar_units_view,
)

router = APIRouter(prefix="/v1", tags=["concept searches"], route_class=ScopedRoute)
ProbeSetId = Annotated[DatasetId, Query(description="Id or name of the probe set.")]
Unit = Annotated[int, Query(ge=0, lt=2**31, description="Index of the unit among the outputs.")]
Count = Annotated[int, Query(ge=1, le=units.MOST_SIMILAR, description="Maximum number of units.")]


@router.get("/units", response_model=ListView[UnitView])
def index(
    app_state: AppStateDep, caller: Reader, query: Annotated[UnitQuery, Query()]
) -> Response:
    """List output units by the names of their classes."""
    with app_state.zoo.transaction() as session:
        return json_response(query.page(session, app_state.tokens, project=caller.project))


@router.get("/models/{model_id}/similar-units", response_model=SimilarUnitsView)
def similar(
    model_id: ModelId,
    zoo: AppZoo,
    caller: Reader,
    unit: Unit,
    dataset: ProbeSetId,
    k: Count = 10,
) -> Response:
    """List the output units of the zoo that respond to a probe set most like one of this model."""
    query = SimilarUnitsQuery(unit=unit, dataset_id=dataset, k=k)
    return json_response(similar_units_view(zoo, query, project=caller.project, model_id=model_id))
