"""/v1/models/{id}/lineage: the ancestors and descendants of a model."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.core.file_names import content_disposition
from service.core.fingerprints import fingerprint
from service.core.lineage.files import LineageFormat, file_of
from service.core.operations.lineages import lineages
from service.core.operations.lineages.lineages import LineageRequest
from service.rest.dependencies import AppZoo, IfNoneMatch, ModelId, Reader
from service.rest.openapi import body_of
from service.rest.responses import etag_matches, etag_response, not_modified
from service.rest.scoped_route import ScopedRoute
from service.views.lineages import LineageView

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ScopedRoute)

_FILES = body_of(
    "application/json", "image/svg+xml", "application/xml", headers=["Content-Disposition"]
)


@router.get("/{model_id}/lineage", response_model=LineageView, responses=_FILES)
def show(
    model_id: ModelId,
    zoo: AppZoo,
    caller: Reader,
    query: Annotated[LineageRequest, Query()],
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Get the models, jobs and datasets that a model comes from, and those that come from it.

    The ancestors of a descendant's other teachers are not included. A deleted resource appears as
    `gone`; a job that has not yet produced its student appears without one. `notes` list what is
    left out.
    """
    with zoo.transaction() as session:
        lineage = lineages.lineage(
            session, project=caller.project, model_id=model_id, request=query
        )
    view = LineageView.of(lineage)
    etag = f'"{fingerprint([query.format, query.theme, view.model_dump(mode="json")])[:32]}"'
    if query.format is LineageFormat.JSON:
        return etag_response(view, etag=etag, if_none_match=if_none_match)
    if etag_matches(etag, if_none_match):
        return not_modified(etag)
    file = file_of(lineage, query.format, query.theme)
    headers = {
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": content_disposition(file.name),
    }
    return Response(file.content, headers=headers, media_type=file.media_type)
