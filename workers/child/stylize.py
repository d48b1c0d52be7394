"""Predictions of a stylizer: every content in every style of the request, at any size."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from pydantic import TypeAdapter
from torch import Tensor
from torch.nn import functional

from service.core.predict_messages import OutputKind, PredictResponse
from service.core.stylizations import SMALLEST_STROKE, PreservedColor, StyleSettings, Stylization
from workers.child.predict_outputs import error_details
from workers.child.style_files import (
    LEVELS,
    Colors,
    Content,
    FileLimits,
    FileReader,
    Pixels,
    UnpaintableError,
    picture_file,
    pixels_of,
    with_colors,
)
from workers.programs import Program
from workers.torchkit.attribution.canonical import luma
from workers.torchkit.drawing.style_sheet import style_sheet
from workers.torchkit.stylization.networks import Conditions, ContentPath
from workers.torchkit.stylization.painting import (
    Painter,
    stroke_noise,
    style_parameters,
    varying_noise,
)

_SETTINGS = TypeAdapter(StyleSettings)
_WEAK = 0.25

Cover = Float[Tensor, "1 1 row column"]


def files_beside(request: Mapping[str, Any]) -> int:
    """How many files follow the images of a request for their styles."""
    return Stylization.files_of(request["stylization"]) if request["stylization"] else 0


@dataclass(frozen=True)
class Stylizer:
    """A stylizer at work: its program, its content path, and limits of the files it reads."""

    program: Program
    path: ContentPath
    limits: FileLimits

    def response(self, files: Sequence[bytes], request: Mapping[str, Any]) -> PredictResponse:
        """The painted pictures of one request, content by content; its contents come first."""
        facts, count = request["stylization"], request["images"]
        settings = _SETTINGS.validate_python(facts["settings"])
        first_mask = count + facts["styles"]
        first_map = first_mask + facts["masks"]
        reader = FileReader(self.limits, settings)
        try:
            grays = [reader.stroke_map(data) for data in files[first_map:]]
            stroke_map = _sizes(grays[0], settings.stroke) if grays else None
            reach = settings.stroke if stroke_map is None else float(stroke_map.mean())
            styles = [
                reader.style(index, data) for index, data in enumerate(files[count:first_mask])
            ]
            work = _Work(
                self.program,
                self.path,
                settings,
                [reader.content(index, data) for index, data in enumerate(files[:count])],
                [self._parameters(colors, reach) for colors in styles],
                [
                    reader.mask(index, data)
                    for index, data in enumerate(files[first_mask:first_map])
                ],
                reach,
                stroke_map,
            )
            if settings.sheet:
                return PredictResponse(OutputKind.IMAGE, parts=(work.sheet(styles),))
            files_painted = (picture_file(pixels, settings.format) for pixels in work.pictures())
            return PredictResponse(OutputKind.IMAGE, parts=tuple(files_painted))
        except UnpaintableError as error:
            return PredictResponse(None, error=error_details(error, error.pointer))

    def _parameters(self, colors: Colors, reach: float) -> Tensor:
        """The parameters of a style."""
        return style_parameters(self.program, colors.to(self.program.device), reach=reach)


def _sizes(
    grays: UInt8[np.ndarray, "row column"], largest: float
) -> Float[Tensor, "1 1 row column"]:
    """Sizes of strokes: the smallest that there is at black, the largest at white."""
    shares = torch.from_numpy(grays.copy())[None, None].float() / LEVELS
    return SMALLEST_STROKE + (largest - SMALLEST_STROKE) * shares


@dataclass(frozen=True)
class _Work:
    """One request with all its files decoded.

    Attributes:
        reach: Size of strokes; its mean where it varies.
        stroke_map: Where it varies, at the size of its file; None for nowhere.
    """

    program: Program
    path: ContentPath
    settings: StyleSettings
    contents: Sequence[Content]
    styles: Sequence[Float[Tensor, "1 parameter"]]
    masks: Sequence[UInt8[np.ndarray, "row column"]]
    reach: float
    stroke_map: Float[Tensor, "1 1 row column"] | None

    def sheet(self, styles: Sequence[Colors]) -> bytes:
        """Every content in every style as one picture file. Raises UnpaintableError."""
        sheet = style_sheet(
            (content.pixels for content in self.contents),
            (pixels_of(colors) for colors in styles),
            self.pictures(),
            note=f"strength {self.settings.strength:g} · stroke {self.settings.stroke:g}",
        )
        return picture_file(sheet, self.settings.format)

    def pictures(self) -> Iterator[Pixels]:
        """Every content in all styles, or in their mixture. Raises UnpaintableError."""
        weights = self.settings.weights
        for index, content in enumerate(self.contents):
            reach = self._reach(index, content)
            if self.masks:
                shares = self._shares(index, content)
                cover = torch.stack(list(shares)).sum(0).clamp_max(1)
                yield self._picture(content, self.styles, reach, (shares, cover))
                continue
            mixtures = self.styles
            if weights is not None:
                total = sum(weights)
                parts = zip(self.styles, weights, strict=True)
                mixtures = [torch.stack([style * (w / total) for style, w in parts]).sum(0)]
            for style in mixtures:
                yield self._picture(content, [style], reach, ((), None))

    def _picture(
        self,
        content: Content,
        styles: Sequence[Tensor],
        reach: float | Cover,
        regions: tuple[Sequence[Cover], Cover | None],
    ) -> Pixels:
        """One painted picture; ``regions`` are the shares of styles and where any counts."""
        settings, (shares, cover) = self.settings, regions
        pixels = content.pixels
        if settings.strength > 0 and (cover is None or bool(cover.any())):
            painted = self._painted(content, styles, shares, reach)
            if settings.preserve_color is PreservedColor.CHROMA:
                painted = with_luma_of(painted, content.colors)
            blend = min(1.0, settings.strength / _WEAK)
            share = blend if cover is None else cover * blend
            mixed = content.colors + share * (painted - content.colors)
            pixels = with_colors(pixels, mixed)
        return pixels

    def _painted(
        self,
        content: Content,
        styles: Sequence[Tensor],
        shares: Sequence[Cover],
        reach: float | Cover,
    ) -> Colors:
        """The content in the styles, on the device of the network and back."""
        settings, device = self.settings, self.program.device
        colors = content.colors.to(device)
        if settings.strength < 1:
            own = style_parameters(self.program, colors, reach=self.reach)
            styles = [own + settings.strength * (style - own) for style in styles]
        noise = None
        if settings.uniform_strokes > 0:
            height, width = colors.shape[-2:]
            noise = (
                varying_noise(reach, seed=settings.seed)
                if isinstance(reach, Tensor)
                else stroke_noise(height, width, reach=reach, seed=settings.seed)
            )
            noise = (noise * settings.uniform_strokes).to(device)
        conditions = Conditions(
            styles,
            shares=[share.to(device) for share in _normalized(shares)],
            reach=reach.to(device) if isinstance(reach, Tensor) else reach,
            noise=noise,
        )
        return Painter(self.path).paint(colors, conditions).cpu()

    def _shares(self, index: int, content: Content) -> Sequence[Cover]:
        """The masks at the content's size. Raises UnpaintableError."""
        shares = []
        for number, mask in enumerate(self.masks):
            values = torch.from_numpy(mask.copy())[None, None].float() / LEVELS
            shares.append(
                _at_size(values, content, ("/masks", f"mask {number}", f"image {index}"))
            )
        return shares

    def _reach(self, index: int, content: Content) -> float | Cover:
        """The size of strokes, at the content's size where it varies. Raises UnpaintableError."""
        if self.stroke_map is None:
            return self.reach
        names = ("/stroke_map", "the stroke map", f"image {index}")
        return _at_size(self.stroke_map, content, names)


def _at_size(
    values: Float[Tensor, "1 1 row column"], content: Content, names: tuple[str, str, str]
) -> Cover:
    """A map at the content's size; ``names`` are its field, the map and the content.

    Raises:
        UnpaintableError: Its proportions differ by more than a pixel.
    """
    (rows, columns), (height, width) = values.shape[-2:], content.pixels.shape[:2]
    if abs(rows * width / columns - height) > 1 and abs(columns * height / rows - width) > 1:
        field, name, other = names
        raise UnpaintableError(
            field,
            f"{name} has {columns} x {rows} pixels and {other} {width} x {height}",
            code="mask_shape_differs",
            remedy="send masks and stroke map with the proportions of every image",
        )
    return functional.interpolate(
        values, size=(height, width), mode="bilinear", align_corners=False
    )


def _normalized(shares: Sequence[Cover]) -> Sequence[Cover]:
    """Shares that add up to 1 everywhere; equal ones where all are 0."""
    if not shares:
        return ()
    total = torch.stack(list(shares)).sum(0)
    even = torch.full_like(total, 1 / len(shares))
    return [torch.where(total > 0, share / total.clamp_min(1e-6), even) for share in shares]


def with_luma_of(painted: Colors, content: Colors) -> Colors:
    """The content's colors with the luma of the painted picture."""
    return (content + luma(painted) - luma(content)).clamp(0, 1)
