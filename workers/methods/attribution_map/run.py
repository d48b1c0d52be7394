"""Attributes every image, then draws the maps."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.catalog.attribution_map import AttributionMapParams, Style
from service.core.catalog.measurement import Precision
from service.core.errors import MethodError
from workers.torchkit.attribution.attribution import FeatureMaps, MapSettings, feature_maps
from workers.torchkit.attribution.canonical import Preprocessing
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import FeatureReader
from workers.torchkit.drawing.heat_map_sheet import draw_heat_map_sheet
from workers.torchkit.drawing.rendering import Picture, draw
from workers.torchkit.protocols import Report


class ImageStatus(StrEnum):
    """Whether an image's map can be trusted, or the feature gave nothing to attribute."""

    VALID = "valid"
    EMPTY = "empty"


@dataclass(frozen=True)
class Subject:
    """A network to explain, with its preprocessing and name."""

    model_id: str
    name: str
    reader: FeatureReader
    preprocessing: Preprocessing


@dataclass(frozen=True)
class AttributionMapData:
    """Networks, and canonical images with their dataset indices.

    Attributes:
        subjects: Read one after the other, so that only one network is in memory.
        count: How many there are.
        limit_bytes: What the weights and values of a pass may take; None if nothing limits them.
    """

    subjects: Iterable[Subject]
    count: int
    images: UInt8[Tensor, "image side side 3"]
    indices: tuple[int, ...]
    limit_bytes: int | None = None


@dataclass(frozen=True)
class NetworkMaps:
    """One map and one picture per image of one network, in the order of the images.

    Attributes:
        maps: Length 1 per image; one plane, or three in RGB order if channels are kept. Zero
            if the status is EMPTY: the map or the feature is zero or not finite.
        pictures: Arrays, not yet files.
        numerics: Arithmetic, memory layout and batch size of the pass.
    """

    model_id: str
    name: str
    maps: Float[Tensor, "image plane side side"]
    pictures: tuple[Picture, ...]
    statuses: tuple[ImageStatus, ...]
    numerics: dict[str, Any]


@dataclass(frozen=True)
class AttributionMapResult:
    """The maps of every network, and a PNG file with all of them."""

    indices: tuple[int, ...]
    networks: tuple[NetworkMaps, ...]
    sheet: bytes


def run(
    inputs: AttributionMapData, params: AttributionMapParams, report: Report
) -> AttributionMapResult:
    """Attribute every image to every network and draw the maps."""
    networks = tuple(
        maps_of(subject, inputs, params, part_of(report, index, inputs.count))
        for index, subject in enumerate(inputs.subjects)
    )
    return AttributionMapResult(
        indices=inputs.indices, networks=networks, sheet=sheet_of(inputs, networks, params)
    )


def maps_of(
    subject: Subject, inputs: AttributionMapData, params: AttributionMapParams, report: Report
) -> NetworkMaps:
    """The maps of one network.

    Raises:
        MethodError: As ``feature_maps``; the detail names the network.
    """
    try:
        attributed = feature_maps(
            subject.reader,
            inputs.images,
            subject.preprocessing,
            METHODS[params.attribution],
            settings=replace(settings_of(params), limit_bytes=inputs.limit_bytes),
            report=report,
        )
    except MethodError as error:
        error.detail = f"{subject.name}: {error.detail}"
        raise
    maps = attributed.maps.reshape(len(inputs.images), -1, attributed.grid, attributed.grid)
    return NetworkMaps(
        model_id=subject.model_id,
        name=subject.name,
        maps=maps,
        pictures=pictures_of(maps, inputs.images, params.style),
        statuses=statuses_of(attributed),
        numerics={**asdict(attributed.policy), "batch_size": attributed.batch_size},
    )


def part_of(report: Report, index: int, count: int) -> Report:
    """A report on one of ``count`` equal parts of the work."""

    def part(step: int, total: int, message: str = "") -> None:
        report(index * total + step, count * total, message)

    return part


def sheet_of(
    inputs: AttributionMapData, networks: Sequence[NetworkMaps], params: AttributionMapParams
) -> bytes:
    """A PNG file: the images in the first row, then one row of maps for each network."""
    maps = [
        [
            plane if status is ImageStatus.VALID else None
            for plane, status in zip(network.maps.mean(dim=1), network.statuses, strict=True)
        ]
        for network in networks
    ]
    return draw_heat_map_sheet(
        list(inputs.images),
        maps,
        row_titles=[network.name for network in networks],
        column_titles=[f"image {index}" for index in inputs.indices],
        title=f"Attribution maps: {params.attribution.full_name}",
        style=params.style,
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
) -> tuple[Picture, ...]:
    """A picture per image; separate channels are averaged for display."""
    planes = maps.mean(dim=1)
    return tuple(draw(plane, image, style) for plane, image in zip(planes, images, strict=True))


def statuses_of(attributed: FeatureMaps) -> tuple[ImageStatus, ...]:
    """VALID where map and feature are finite and nonzero."""
    return tuple(
        ImageStatus.VALID if valid else ImageStatus.EMPTY for valid in attributed.mask.tolist()
    )
