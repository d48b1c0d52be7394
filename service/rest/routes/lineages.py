"""/v1/models/{id}/lineage: what a network was made from, and what was made from it."""

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.responses import Response

from service.core.fingerprints import fingerprint
from service.core.lineage.files import LineageFormat, file_of
from service.core.operations.lineages import lineages
from service.core.operations.lineages.lineages import LineageRequest
from service.rest.dependencies import AppZoo, Id, IfNoneMatch, Reader
from service.rest.responses import known, tagged, unchanged
from service.views.lineages import LineageView

router = APIRouter(prefix="/v1/models", tags=["models"])

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            "application/json": {},
            "image/svg+xml": {"schema": {"type": "string"}},
            "application/xml": {"schema": {"type": "string"}},
        }
    },
}


@router.get("/{model_id}/lineage", response_model=LineageView, responses=_FILES)
def show(
    model_id: Id,
    zoo: AppZoo,
    caller: Reader,
    asked: Annotated[LineageRequest, Query()],
    seen: IfNoneMatch = None,
) -> Response:
    """The networks, jobs and datasets that a network comes from or that come from it.

    Of a descendant's other teachers no further lineage is told. What was removed is there as
    `gone`; a job that has yet to make its student is there without one. `notes` say what is left
    out.
    """
    with zoo.transaction() as session:
        found = lineages.lineage(session, project=caller.project, model_id=model_id, request=asked)
    view = LineageView.of(found)
    etag = f'"{fingerprint([asked.format, asked.theme, view.model_dump(mode="json")])[:32]}"'
    if asked.format is LineageFormat.JSON:
        return tagged(view, etag=etag, seen=seen)
    if known(etag, seen):
        return unchanged(etag)
    file = file_of(found, asked.format, asked.theme)
    headers = {
        "ETag": etag,
        "X-Content-Type-Options": "nosniff",
        "Content-Disposition": f'attachment; filename="{file.name}"',
    }
    return Response(file.content, headers=headers, media_type=file.media_type)
