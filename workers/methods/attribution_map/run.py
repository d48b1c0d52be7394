"""The recipe: attribute, then draw."""

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
    """Whether an image's map can be trusted, or the feature gave nothing to attribute."""

    VALID = "valid"
    EMPTY = "empty"


@dataclass(frozen=True)
class Inputs:
    """A network, how it sees, and the canonical images with their numbers in the data set."""

    model: FeatureReader
    preprocessing: Preprocessing
    images: UInt8[Tensor, "image side side 3"]
    indices: tuple[int, ...]


@dataclass(frozen=True)
class Result:
    """One map and one picture per image, in the order of ``indices``.

    Attributes:
        maps: Length 1 per image; one plane, or three in RGB order when channels are kept. Zero
            where the status is EMPTY: the map or the feature was zero or not finite.
        pictures: PNG files.
        numerics: Arithmetic, layout and batch size that were used.
    """

    indices: tuple[int, ...]
    maps: Float[Tensor, "image plane side side"]
    pictures: tuple[bytes, ...]
    statuses: tuple[ImageStatus, ...]
    numerics: dict[str, Any]


def run(inputs: Inputs, params: AttributionMapParams, report: Report) -> Result:
    """Attribute every image and draw its map."""
    found = feature_maps(
        inputs.model,
        inputs.images,
        inputs.preprocessing,
        METHODS[params.attribution],
        settings=settings_of(params),
        report=report,
    )
    maps = found.maps.reshape(len(inputs.images), -1, found.grid, found.grid)
    return Result(
        indices=inputs.indices,
        maps=maps,
        pictures=pictures_of(maps, inputs.images, params.style),
        statuses=statuses_of(found),
        numerics={**asdict(found.policy), "batch_size": found.batch_size},
    )


def settings_of(params: AttributionMapParams) -> MapSettings:
    """What the pass needs of the card's knobs; few images are looked at, in float32."""
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
    """A PNG per image; kept channels are averaged for the eye."""
    planes = maps.mean(dim=1)
    return tuple(
        png(draw(plane, image, style)) for plane, image in zip(planes, images, strict=True)
    )


def statuses_of(found: FeatureMaps) -> tuple[ImageStatus, ...]:
    """Valid where map and feature are finite and not zero."""
    return tuple(
        ImageStatus.VALID if valid else ImageStatus.EMPTY for valid in found.mask.tolist()
    )
