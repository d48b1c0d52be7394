"""Heat maps of every network on chosen probes: fetched from the zoo, laid out, measured."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from safetensors.numpy import load_file

from benchmarks.real_run.objects import density_ratio, ink, things_in_streets
from benchmarks.real_run.probes import Probes
from zooscope import ZooClient
from zooscope.client.results import Model

SIDE, CAPTION, MARGIN, COLORS = 72, 190, 3, 96
_FOR_SHEET = {
    "ImageNet samples": 3,
    "flowers": 1,
    "CamVid streets": 1,
    "CIFAR-10": 1,
    "MNIST": 1,
    "Fashion-MNIST": 1,
    "number plates": 1,
}
_DIGITS = 24


@dataclass(frozen=True)
class Explained:
    """What one attribution says of one network: maps by probe, and pictures by probe."""

    maps: Mapping[int, NDArray[np.float32]]
    pictures: Mapping[int, bytes]


@dataclass(frozen=True)
class OnObjects:
    """Density ratios of one network, by attribution: street scenes, and digits by saliency."""

    streets: float
    streets_by_saliency: float
    digits_by_saliency: float


def sheet_positions(probes: Probes) -> list[int]:
    """A few probes of every source, in the probes' order."""
    return [
        position
        for source, count in _FOR_SHEET.items()
        for position in probes.positions(source)[:count]
    ]


@dataclass(frozen=True)
class Asked:
    """The two jobs of one network, and the probes they explain."""

    by_product: str
    by_slope: str
    chosen: list[int]
    scenes: list[int]
    digits: list[int]


def asked(zoo: ZooClient, model: Model, probe_set: str, probes: Probes) -> Asked:
    """Order the maps of a network, so that all networks wait in the queue together."""
    scenes, digits = probes.positions("CamVid streets"), probes.positions("MNIST")[:_DIGITS]
    chosen = sorted({*scenes, *sheet_positions(probes)})
    inputs = {"model_id": model["id"], "dataset_id": probe_set}
    by_product, by_slope = (
        zoo.jobs.submit(
            "attribution_map",
            inputs={**inputs, "indices": positions},
            params={"attribution": attribution},
        )["id"]
        for attribution, positions in (("gxi", chosen), ("saliency", scenes + digits))
    )
    return Asked(by_product, by_slope, chosen, scenes, digits)


def explained(
    zoo: ZooClient,
    job_id: str,
    positions: Sequence[int],
    *,
    drawn: Sequence[int],
    folder: Path,
) -> Explained:
    """The maps at ``positions`` and the overlays of those in ``drawn``, once the job is done."""
    done = zoo.jobs.wait(job_id)
    if done["state"] != "succeeded":
        raise RuntimeError(f"{job_id}: {done.get('error')}")
    result = done["result"]
    assert result is not None
    file = zoo.jobs.download(result["maps_artifact_id"], folder / f"{job_id}.safetensors")
    maps = load_file(file)["maps"].mean(axis=1)
    pictures = {
        image["index"]: _bytes(zoo, image["artifact_id"], folder)
        for image in result["images"]
        if image["index"] in set(drawn)
    }
    return Explained(dict(zip(positions, maps, strict=True)), pictures)


def _bytes(zoo: ZooClient, artifact_id: str, folder: Path) -> bytes:
    return zoo.jobs.download(artifact_id, folder / f"{artifact_id}.png").read_bytes()


def measured_on_objects(
    zoo: ZooClient, jobs: Asked, probes: Probes, *, data: Path, folder: Path
) -> tuple[OnObjects, Explained]:
    """Density ratios of a network, and the maps and pictures for the sheet."""
    sheet = sheet_positions(probes)
    by_product = explained(zoo, jobs.by_product, jobs.chosen, drawn=sheet, folder=folder)
    by_slope = explained(zoo, jobs.by_slope, jobs.scenes + jobs.digits, drawn=(), folder=folder)
    side = next(iter(by_product.maps.values())).shape[-1]
    things, labeled = things_in_streets(data, side)
    strokes, everywhere = ink([_gray(probes, position, side) for position in jobs.digits])
    return OnObjects(
        density_ratio(_stack(by_product, jobs.scenes), things, labeled),
        density_ratio(_stack(by_slope, jobs.scenes), things, labeled),
        density_ratio(_stack(by_slope, jobs.digits), strokes, everywhere),
    ), by_product


def _stack(explanation: Explained, positions: Sequence[int]) -> NDArray[np.float32]:
    return np.stack([explanation.maps[position] for position in positions])


def _gray(probes: Probes, position: int, side: int) -> NDArray[np.uint8]:
    with Image.open(probes.folder / f"{position:04d}.png") as image:
        return np.asarray(image.convert("L").resize((side, side), Image.Resampling.BILINEAR))


def sheet(rows: Mapping[str, Explained], probes: Probes) -> Image.Image:
    """The probes above, then one network a row: red adds to the feature, blue takes away."""
    positions = sheet_positions(probes)
    step = SIDE + MARGIN
    canvas = Image.new("RGB", (CAPTION + len(positions) * step, (len(rows) + 1) * step), "white")
    pen = ImageDraw.Draw(canvas)
    originals = [_square(probes.folder / f"{position:04d}.png") for position in positions]
    _row(canvas, 0, originals)
    for number, (name, explanation) in enumerate(rows.items(), start=1):
        pen.text((MARGIN, number * step + SIDE // 2 - 5), name, fill="black")
        tiles = [
            Image.open(io.BytesIO(explanation.pictures[position])).convert("RGB")
            for position in positions
        ]
        _row(canvas, number, tiles)
    return canvas.quantize(COLORS, dither=Image.Dither.NONE)


def _row(canvas: Image.Image, number: int, tiles: Sequence[Image.Image]) -> None:
    step = SIDE + MARGIN
    for column, tile in enumerate(tiles):
        small = tile.resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        canvas.paste(small, (CAPTION + column * step, number * step))


def _square(path: Path) -> Image.Image:
    with Image.open(path) as image:
        size = min(image.size)
        left, top = (image.width - size) // 2, (image.height - size) // 2
        return image.convert("RGB").crop((left, top, left + size, top + size))
