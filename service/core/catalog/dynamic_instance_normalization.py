"""Specification of ``dynamic_instance_normalization``: a stylizer learns from contents and styles."""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from service.core.catalog.method_spec import (
    Audience,
    Family,
    JobLane,
    LayerName,
    MethodKind,
    MethodSpec,
)
from service.core.catalog.training import Budget, TeachersAndImages, TrainingConfig
from service.core.ids import DatasetId, ModelId
from service.core.manifest import StylizerNetwork

FEWEST_LAYERS = 2
_MOST_LAYERS = 4
_DEEPEST = 8
_SPATIAL = 3


class LossNetworkAndPictures(TeachersAndImages):
    """A network whose layers compare pictures, contents and styles."""

    teachers: tuple[ModelId, ...] = Field(min_length=1, max_length=1)
    """The loss network: its layers measure style and content, and describe styles."""
    dataset_id: DatasetId
    """The contents; they need no labels."""
    style_dataset_id: DatasetId
    """The styles; they need no labels."""
    eval_dataset_id: None = None
    """Always None: shares of contents and styles are held out."""


class Rival(StrEnum):
    """A network that learns from the same batches, only to be compared.

    The first four as ``network``. ``in_only``: normalization without a style. ``adain_light``:
    AdaIN on the maps of a light encoder for content and style. ``adain_loss_network``: AdaIN on the
    maps of the loss network, with a decoder.
    """

    DIN = "din"
    DIN_K1 = "din_k1"
    CIN = "cin"
    DYN_ONLY = "dyn_only"
    IN_ONLY = "in_only"
    ADAIN_LIGHT = "adain_light"
    ADAIN_LOSS_NETWORK = "adain_loss_network"


class DynamicInstanceNormalizationParams(TrainingConfig):
    """The stylizer, its losses and what it is compared with."""

    budget: Budget = Budget(steps=350)
    """Length of the training."""
    batch_size: int = Field(4, ge=2, le=64)
    """Number of contents, and of styles, per step."""
    image_size: int = Field(96, ge=8, le=512, multiple_of=4)
    """Height and width of the random crops; at most those of the stored squares are used."""
    learning_rate: float = Field(2e-3, gt=0, le=1)
    """Peak learning rate of Adam."""
    network: StylizerNetwork = StylizerNetwork.DIN
    """What a style predicts."""
    width: int = Field(16, ge=4, le=64, multiple_of=4)
    """Channels of the first layer; the inner ones have two and four times as many."""
    layers: Annotated[tuple[LayerName, ...], Field(fail_fast=True)] | None = Field(
        None, min_length=2, max_length=8
    )
    """Layers of the loss network, from the first to the last; None takes the last before each of
    the first four reductions, down to an eighth of the input."""
    content_layer: LayerName | None = None
    """The one of them that compares contents, and describes styles together with the one before;
    None takes the one in the middle."""
    style_weight: float = Field(1.5, ge=0, le=1000)
    """Weight of the style loss beside the content loss."""
    identity_weight: float = Field(5.0, ge=0, le=1000)
    """Weight of the pixel error where the style is the content itself."""
    identity_fraction: float = Field(0.25, ge=0, le=0.9)
    """Share of a batch whose style is its own content; at least one picture unless it is 0."""
    grain_fraction: float = Field(0.5, ge=0, le=1)
    """Share of steps that add noise to flat areas, which ``uniform_strokes`` needs later."""
    compare_with: Annotated[tuple[Rival, ...], Field(fail_fast=True)] = Field((), max_length=7)
    """Networks that learn from the same batches, each at about the cost of one more training."""


def default_layers(layers: Iterable[tuple[str, Sequence[int]]], rows: int) -> list[str]:
    """The last layer before each of the first four reductions, down to an eighth of the input.

    Args:
        layers: Names and shapes (channel, row, column), in the order of execution.
        rows: Height of the network's input.
    """
    chosen: list[tuple[str, int]] = []
    for name, shape in layers:
        if len(shape) != _SPATIAL or min(shape[1:]) < FEWEST_LAYERS:
            continue
        if chosen and chosen[-1][1] == shape[1]:
            chosen[-1] = (name, shape[1])
        elif not chosen or shape[1] < chosen[-1][1]:
            chosen.append((name, shape[1]))
    fine = [name for name, height in chosen if height * (_DEEPEST + 1) > rows]
    return fine[:_MOST_LAYERS]


SPEC = MethodSpec(
    name="dynamic_instance_normalization",
    title="Train a stylizer that gives pictures the style of any other",
    family=Family.TRAINING,
    kind=MethodKind.TRAINING,
    audience=Audience.PUBLIC,
    version=1,
    source="Jing et al. 2020, arXiv 1911.06953; AdaIN, arXiv 1703.06868",
    inputs=LossNetworkAndPictures,
    params=DynamicInstanceNormalizationParams,
    result="a stylizer, with report, contact sheet and learning curve",
    lane=JobLane.LONG,
    time_limit_seconds=None,
)
