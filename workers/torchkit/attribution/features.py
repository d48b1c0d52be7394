"""The reader through which methods access a network's layers, and its errors."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.errors import MethodError

OUTPUT = "output"


class Slope(StrEnum):
    """How nonlinearities are back-propagated: by their derivative, or by f(z)/(z + ε·sgn z)."""

    EXACT = "exact"
    EPSILON_LRP = "epsilon_lrp"


class UnknownLayerError(MethodError):
    """The network has no layer of this name."""

    code = "unknown_layer"


class DetachedFeatureError(MethodError):
    """The feature does not depend on the image through differentiable steps."""

    code = "feature_detached"


class UnusableFeatureError(MethodError):
    """The layer's output is not a tensor of real numbers, one row per image."""

    code = "feature_unusable"


class FeaturesTooLargeError(MethodError):
    """The features of all probes exceed the memory limit."""

    code = "features_too_large"


class AttributionNotPossibleError(MethodError):
    """The chosen attribution cannot be computed on this graph."""

    code = "attribution_not_supported"


class UnstableMapsError(MethodError):
    """The feature is stable but its gradient is not: rounding alone changes the map."""

    code = "maps_unstable"


class BatchDependentError(MethodError):
    """The network's result for an image depends on the other images of the batch."""

    code = "batch_dependent"


@runtime_checkable
class NamedLayer(Protocol):
    """A readable layer of a network; ``shape`` excludes the batch."""

    @property
    def name(self) -> str:
        """Stable name."""
        ...

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the output for one image."""
        ...


@runtime_checkable
class FeatureReader(Protocol):
    """A network whose layers can be read, such as a Program or a ``ModuleReader``."""

    @property
    def layers(self) -> Sequence[NamedLayer]:
        """Readable layers in the order of computation."""
        ...

    @property
    def feature_layer(self) -> str:
        """The layer that is read by default."""
        ...

    def read(self, images: Tensor, layers: Sequence[str], *, slope: Any) -> Mapping[str, Tensor]:
        """Outputs of the named layers in one forward pass, differentiable in ``images``."""
        ...

    def parameters(self) -> Iterator[Tensor]:
        """Every weight."""
        ...


def read_feature(
    reader: FeatureReader,
    inputs: Float[Tensor, "probe channel row column"],
    layer: str,
    *,
    slope: Slope = Slope.EXACT,
) -> Float[Tensor, "probe unit"]:
    """The feature F of every probe as one vector, differentiable in ``inputs``.

    Raises:
        UnusableFeatureError: The output is complex, integer, or not one row per probe.
    """
    return as_feature(reader.read(inputs, [layer], slope=slope)[layer], layer, len(inputs))


def as_feature(value: Tensor, layer: str, probes: int) -> Float[Tensor, "probe unit"]:
    """A layer's output as one float32 vector per probe.

    Raises:
        UnusableFeatureError: The output is complex, integer, or not one row per probe.
    """
    if not value.is_floating_point() or value.shape[0] != probes:
        raise UnusableFeatureError(
            f"layer {layer!r} gives {value.dtype} of shape {tuple(value.shape)}"
            f" for {probes} images",
            remedy="choose a layer with real numbers, one row per image",
        )
    return value.reshape(probes, -1).to(torch.float32)


def resolve_layer(reader: FeatureReader, layer: str | None) -> str:
    """The layer's name, or by default the reader's feature layer; "output" is the network's output.

    Raises:
        UnknownLayerError: The network has no such layer.
    """
    if layer is None:
        return reader.feature_layer
    names = [named.name for named in reader.layers]
    if layer not in names and layer not in (reader.feature_layer, OUTPUT):
        raise UnknownLayerError(
            f"the network has no layer {layer!r}",
            remedy=f"use one of its {len(names)} layers, for instance {names[-1]!r}",
        )
    return layer
