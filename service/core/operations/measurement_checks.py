"""Checks that refuse a client's measurement before it is queued: its networks, images and layer."""

from collections.abc import Iterator, Sequence

from sqlalchemy.orm import Session

from service.core.candidate_layers import OUTPUT
from service.core.catalog import JobInputs, Params
from service.core.catalog.attribution_map import AttributionMapInputs, AttributionMapParams
from service.core.catalog.depara import DeparaInputs, DeparaParams
from service.core.catalog.transferability_estimators import (
    TransferabilityEstimatorsInputs,
    TransferabilityEstimatorsParams,
)
from service.core.catalog.transferability_map import (
    TransferabilityMapInputs,
    TransferabilityMapParams,
)
from service.core.catalog.unit_responses import UnitResponsesInputs
from service.core.counts import counted
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.trainings.teachers import why_no_units
from service.core.tables import DatasetRecord, ModelRecord

_DATASET = "/inputs/dataset_id"
_OfOneNetwork = DeparaInputs | TransferabilityEstimatorsInputs | UnitResponsesInputs
_WithLayer = DeparaParams | TransferabilityEstimatorsParams | AttributionMapParams


def require_measurable(
    session: Session, *, project: str, inputs: JobInputs, params: Params
) -> None:
    """Accept a measurement of ready networks on ready images, and every other method.

    Raises:
        InvalidRequestError: The images, the layer or the numbers do not fit.
        ConflictError: A network or the dataset is not ready, or the dataset is too large.
    """
    if isinstance(inputs, TransferabilityMapInputs):
        assert isinstance(params, TransferabilityMapParams)
        _require_map(session, project, inputs, params)
    if not isinstance(inputs, _OfOneNetwork | AttributionMapInputs):
        return
    for pointer, model in _models(session, project, inputs):
        if isinstance(params, _WithLayer):
            require_layer(model, params.layer, pointer="/params/layer")
        obstacle = why_no_units(model) if isinstance(inputs, UnitResponsesInputs) else None
        if obstacle is not None:
            raise invalid_value(
                pointer, obstacle.detail, code=obstacle.code, remedy=obstacle.remedy
            )
    with error_pointer(_DATASET):
        dataset = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=inputs.dataset_id
        )
        dataset_labels.require_frames(dataset)
        if isinstance(inputs, TransferabilityEstimatorsInputs):
            dataset_labels.require_labeled(dataset)
    if isinstance(inputs, AttributionMapInputs):
        require_images(dataset, inputs.indices, pointer="/inputs/indices")


def _models(
    session: Session, project: str, inputs: _OfOneNetwork | AttributionMapInputs
) -> Iterator[tuple[str, ModelRecord]]:
    """The networks, all of them ready, each with its pointer."""
    if isinstance(inputs, AttributionMapInputs):
        named = {f"model_ids/{index}": name for index, name in enumerate(inputs.model_ids)}
    else:
        named = {"model_id": inputs.model_id}
    for field, model_id in named.items():
        with error_pointer(f"/inputs/{field}"):
            model = owned_rows.get_ready(session, ModelRecord, project=project, id=model_id)
        yield f"/inputs/{field}", model


def require_layer(model: ModelRecord, layer: str | None, *, pointer: str) -> None:
    """Accept a layer that the network has. Raises InvalidRequestError: ``unknown_layer``."""
    names = {entry["name"] for entry in model.layers} | {OUTPUT, model.feature_layer, None}
    if layer not in names:
        raise invalid_value(
            pointer,
            f"{model.id} has no layer {layer!r}",
            code="unknown_layer",
            remedy=f"use one of GET /v1/models/{model.id}/layers",
        )


def require_images(dataset: DatasetRecord, positions: Sequence[int], *, pointer: str) -> None:
    """Accept positions that the dataset has. Raises InvalidRequestError: ``unknown_image``."""
    last = (dataset.images or 0) - 1
    if max(positions) > last or min(positions) < 0:
        raise invalid_value(
            pointer,
            f"{dataset.id} has images 0 to {last}",
            code="unknown_image",
            remedy=f"see GET /v1/datasets/{dataset.id}/images",
        )


def _require_map(
    session: Session,
    project: str,
    inputs: TransferabilityMapInputs,
    params: TransferabilityMapParams,
) -> None:
    """Accept a ready probe set, and as many named networks as neighbors and clusters need."""
    with error_pointer(_DATASET):
        owned_rows.get_ready(session, DatasetRecord, project=project, id=inputs.dataset_id)
    if inputs.model_ids is None:
        return
    count = len(set(inputs.model_ids))
    if params.k is not None and params.k >= count:
        raise invalid_value(
            "/params/k",
            f"{count} networks have at most {max(0, count - 1)} neighbors each, not {params.k}",
            code="k_out_of_range",
            remedy="use a smaller k, or omit it",
        )
    if params.clusters is not None and params.clusters > count:
        raise invalid_value(
            "/params/clusters",
            f"{counted(count, 'network')} cannot form {params.clusters} clusters",
            code="clusters_out_of_range",
            remedy="use fewer clusters, or omit the number",
        )
