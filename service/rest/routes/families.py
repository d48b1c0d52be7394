"""/v1/models/{id}/family: the relatives of a model by its weights."""

from fastapi import APIRouter
from starlette.responses import Response

from service.core.fingerprints import fingerprint
from service.core.operations.families import families
from service.core.operations.families.families import FamilyConfirmation
from service.rest.dependencies import AppZoo, IfNoneMatch, ModelId, Reader, Writer
from service.rest.responses import etag_response, json_response
from service.rest.scoped_route import ScopedRoute
from service.views.families import FamilyView, RelativeView

router = APIRouter(prefix="/v1/models", tags=["models"], route_class=ScopedRoute)


@router.get("/{model_id}/family", response_model=FamilyView)
def show(
    model_id: ModelId, zoo: AppZoo, caller: Reader, if_none_match: IfNoneMatch = None
) -> Response:
    """List the models that a model is a copy, a descendant or another form of, by their weights.

    `descent` is what a relative is to the model, `unknown` where the weights do not show it.
    """
    with zoo.transaction() as session:
        relatives = families.family(session, project=caller.project, model_id=model_id)
    view = FamilyView.of(model_id, relatives)
    etag = f'"{fingerprint(view.model_dump(mode="json"))[:32]}"'
    return etag_response(view, etag=etag, if_none_match=if_none_match)


@router.post("/{model_id}/family:confirm", response_model=RelativeView)
def confirm(model_id: ModelId, body: FamilyConfirmation, zoo: AppZoo, caller: Writer) -> Response:
    """Confirm that a relative is the ancestor or a descendant of a model; the lineage shows it.

    Without `descent`, the suggested one is confirmed.
    """
    with zoo.transaction() as session:
        relative = families.confirm(
            session, project=caller.project, model_id=model_id, confirmation=body
        )
    return json_response(RelativeView.of(relative))
