"""Attributes every image, then draws the maps."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.catalogue.attribution_map import AttributionMapParams, Style
from service.core.catalogue.measurement import Precision
from workers.contract import Report
from workers.torchkit.attribution import FeatureMaps, MapSettings, feature_maps
from workers.torchkit.canonical import Preprocessing
from workers.torchkit.captum_methods import METHODS
from workers.torchkit.features import FeatureReader
from workers.torchkit.rendering import draw, png


class ImageStatus(StrEnum):
    """Whether an image has a map, or its map or feature is zero or not finite."""

    VALID = "valid"
    EMPTY = "empty"


@dataclass(frozen=True)
class Inputs:
    """A network with its preprocessing, and canonical images with their dataset indices."""

    model: FeatureReader
    preprocessing: Preprocessing
    images: UInt8[Tensor, "image side side 3"]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """One map and one picture per image, in the order of ``indices``.

    Attributes:
        maps: Length 1 per image; one plane, or three in RGB order if channels are kept. Zero
            if the status is EMPTY: the map or the feature is zero or not finite.
        pictures: PNG files.
        numerics: Arithmetic, memory layout and batch size of the pass.
    """

    indices: tuple[int, ...]
    maps: Float[Tensor, "image plane side side"]
    pictures: tuple[bytes, ...]
    statuses: tuple[ImageStatus, ...]
    numerics: dict[str, Any]


def run(inputs: Inputs, params: AttributionMapParams, report: Report) -> Result:
    """Maps, pictures and statuses of all images."""
    attributed = feature_maps(
        inputs.model,
        inputs.images,
        inputs.preprocessing,
        METHODS[params.attribution],
        settings=settings_of(params),
        report=report,
    )
    maps = attributed.maps.reshape(len(inputs.images), -1, attributed.grid, attributed.grid)
    return Result(
        indices=inputs.indices,
        maps=maps,
        pictures=pictures_of(maps, inputs.images, params.style),
        statuses=statuses_of(attributed),
        numerics={**asdict(attributed.policy), "batch_size": attributed.batch_size},
    )


def settings_of(params: AttributionMapParams) -> MapSettings:
    """Settings of the pass; few images are attributed, so always in float32."""
    return MapSettings(
        target=params.target,
        channel=params.channel,
        layer=params.layer,
        precision=Precision.FLOAT32,
        seed=params.seed,
    )


def pictures_of(
    maps: Float[Tensor, "image plane side side"],
    images: UInt8[Tensor, "image side side 3"],
    style: Style,
) -> tuple[bytes, ...]:
    """A PNG per image; separate channels are averaged for display."""
    planes = maps.mean(dim=1)
    return tuple(
        png(draw(plane, image, style)) for plane, image in zip(planes, images, strict=True)
    )


def statuses_of(attributed: FeatureMaps) -> tuple[ImageStatus, ...]:
    """VALID where map and feature are finite and nonzero."""
    return tuple(
        ImageStatus.VALID if valid else ImageStatus.EMPTY for valid in attributed.mask.tolist()
    )
