"""Checks of the training of a stylizer, and of a style to bake into one."""

from sqlalchemy.orm import Session

from service.core.catalog import JobInputs, Params
from service.core.catalog.dynamic_instance_normalization import (
    FEWEST_LAYERS,
    DynamicInstanceNormalizationParams,
    default_layers,
)
from service.core.catalog.style_baking import StyleBakingInputs, StyleBakingParams
from service.core.counts import counted
from service.core.operations import dataset_labels, owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.trainings.plans import TrainingPlan, abbreviated
from service.core.tables import DatasetRecord, ModelRecord

_COLORS, _SPATIAL = 3, 3
_LOSS_NETWORK = "/inputs/teachers/0"


def require_loss_network(plan: TrainingPlan, params: DynamicInstanceNormalizationParams) -> None:
    """Accept a color network of any batch size with two layers that have rows and columns."""
    network = plan.teachers[0]
    channels = network.manifest["input"]["channels"]
    if channels != _COLORS:
        raise invalid_value(
            _LOSS_NETWORK,
            f"{network.id} takes images with {channels} channel, and styles have colors",
            code="unfit_loss_network",
            remedy="choose a network with three input channels",
        )
    if network.fixed_batch is not None:
        raise invalid_value(
            _LOSS_NETWORK,
            f"{network.id} takes exactly {counted(network.fixed_batch, 'image')} at once",
            code="fixed_batch_size",
            remedy="export it with a free batch axis; `zooscope pack` does where it can",
        )
    names = _chosen_layers(network, params)
    if params.content_layer is not None and params.content_layer not in names:
        raise invalid_value(
            "/params/content_layer",
            f"{params.content_layer} is none of the layers {abbreviated(names)}",
            code="layer_not_found",
            remedy=f"choose one of: {', '.join(names)}",
        )


def _chosen_layers(network: ModelRecord, params: DynamicInstanceNormalizationParams) -> list[str]:
    """The named layers, or the defaults, all of them with rows and columns."""
    shapes = {layer["name"]: layer["shape"] for layer in network.layers}
    for index, name in enumerate(params.layers or ()):
        if len(shapes.get(name, ())) == _SPATIAL:
            continue
        raise invalid_value(
            f"/params/layers/{index}",
            f"layer {name} of {network.id} has shape {shapes[name]}"
            if name in shapes
            else f"{network.id} has no layer {name!r}",
            code="layer_not_spatial" if name in shapes else "layer_not_found",
            remedy=f"choose convolutional layers under GET /v1/models/{network.id}/layers",
        )
    names = list(
        params.layers or default_layers(shapes.items(), network.manifest["input"]["height"])
    )
    if len(names) < FEWEST_LAYERS:
        raise invalid_value(
            _LOSS_NETWORK,
            f"{network.id} has {len(names)} sizes of maps; comparing pictures takes"
            f" {FEWEST_LAYERS}",
            code="unfit_loss_network",
            remedy="choose a convolutional network, or name at least two layers in params.layers",
        )
    return names


def require_valid_baking(
    session: Session, *, project: str, inputs: JobInputs, params: Params
) -> None:
    """Accept a stylizer with a style that the dataset has, and every other method.

    Raises:
        InvalidRequestError: ``not_a_stylizer``, ``image_not_found``.
        ConflictError: Stylizer or dataset are not ready.
    """
    if not isinstance(inputs, StyleBakingInputs):
        return
    assert isinstance(params, StyleBakingParams)
    with error_pointer("/inputs/source_model_id"):
        stylizer = owned_rows.get_ready(
            session, ModelRecord, project=project, id=inputs.source_model_id
        )
    if not stylizer.is_stylizer:
        raise invalid_value(
            "/inputs/source_model_id",
            f"{stylizer.id} is no stylizer",
            code="not_a_stylizer",
            remedy="choose a model that dynamic_instance_normalization made",
        )
    with error_pointer("/inputs/dataset_id"):
        dataset = owned_rows.get_ready(
            session, DatasetRecord, project=project, id=inputs.dataset_id
        )
        dataset_labels.require_frames(dataset)
    if params.image >= (dataset.images or 0):
        raise invalid_value(
            "/params/image",
            f"{dataset.id} has {counted(dataset.images or 0, 'image')} and none at position {params.image}",
            code="image_not_found",
            remedy=f"choose a position below {dataset.images}",
        )
