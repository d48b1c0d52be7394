"""/v1/methods: the methods that jobs can run."""

from typing import Annotated

from fastapi import APIRouter, Path
from starlette.responses import Response

from service.core.catalog import method_named, public_methods
from service.rest.dependencies import Reader
from service.rest.responses import json_response
from service.rest.scoped_route import ScopedRoute
from service.views.jobs import MethodView
from service.views.paging import ListView

router = APIRouter(prefix="/v1/methods", tags=["methods"], route_class=ScopedRoute)


@router.get("", response_model=ListView[MethodView])
def index(caller: Reader) -> Response:
    """List the methods that you can submit as jobs."""
    del caller
    views = [MethodView.model_validate(spec.describe()) for spec in public_methods()]
    return json_response(ListView[MethodView](items=views))


@router.get("/{name}", response_model=MethodView)
def show(
    name: Annotated[str, Path(max_length=100, pattern=r"^[a-z0-9_]+$")], caller: Reader
) -> Response:
    """Get a method with the JSON schemas of its inputs and parameters."""
    del caller
    return json_response(MethodView.model_validate(method_named(name).describe()))
