"""Predictions of a stylizer: every content in every style of the request, at any size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from pydantic import TypeAdapter
from torch import Tensor
from torch.nn import functional

from service.core.predict_messages import OutputKind, PredictResponse
from service.core.stylizations import PreservedColor, StyleSettings, Stylization
from workers.child.predict_outputs import error_details
from workers.child.style_files import (
    LEVELS,
    Colors,
    Content,
    FileLimits,
    FileReader,
    UnpaintableError,
    picture_file,
    with_colors,
)
from workers.programs import Program
from workers.torchkit.attribution.canonical import luma
from workers.torchkit.stylization.networks import Conditions, ContentPath
from workers.torchkit.stylization.painting import Painter, stroke_noise, style_parameters

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
        reader = FileReader(self.limits, settings)
        try:
            work = _Work(
                self.program,
                self.path,
                settings,
                [reader.content(index, data) for index, data in enumerate(files[:count])],
                [
                    self._parameters(reader.style(index, data), settings)
                    for index, data in enumerate(files[count:first_mask])
                ],
                [reader.mask(index, data) for index, data in enumerate(files[first_mask:])],
            )
            return PredictResponse(OutputKind.IMAGE, parts=tuple(work.pictures()))
        except UnpaintableError as error:
            return PredictResponse(None, error=error_details(error, error.pointer))

    def _parameters(self, colors: Colors, settings: StyleSettings) -> Tensor:
        """The parameters of a style."""
        colors = colors.to(self.program.device)
        return style_parameters(self.program, colors, reach=settings.stroke)


@dataclass(frozen=True)
class _Work:
    """One request with all its files decoded."""

    program: Program
    path: ContentPath
    settings: StyleSettings
    contents: Sequence[Content]
    styles: Sequence[Float[Tensor, "1 parameter"]]
    masks: Sequence[UInt8[np.ndarray, "row column"]]

    def pictures(self) -> list[bytes]:
        """Every content in all styles, or in their mixture. Raises UnpaintableError."""
        weights = self.settings.weights
        pictures = []
        for index, content in enumerate(self.contents):
            if self.masks:
                shares = self._shares(index, content)
                cover = torch.stack(list(shares)).sum(0).clamp_max(1)
                pictures.append(self._picture(content, self.styles, shares, cover))
                continue
            mixtures = self.styles
            if weights is not None:
                total = sum(weights)
                parts = zip(self.styles, weights, strict=True)
                mixtures = [torch.stack([style * (w / total) for style, w in parts]).sum(0)]
            pictures += [self._picture(content, [style], (), None) for style in mixtures]
        return pictures

    def _picture(
        self,
        content: Content,
        styles: Sequence[Tensor],
        shares: Sequence[Cover],
        cover: Cover | None,
    ) -> bytes:
        """One painted picture as a file."""
        settings = self.settings
        pixels = content.pixels
        if settings.strength > 0 and (cover is None or bool(cover.any())):
            painted = self._painted(content, styles, shares)
            if settings.preserve_color is PreservedColor.CHROMA:
                painted = with_luma_of(painted, content.colors)
            blend = min(1.0, settings.strength / _WEAK)
            share = blend if cover is None else cover * blend
            mixed = content.colors + share * (painted - content.colors)
            pixels = with_colors(pixels, mixed)
        return picture_file(pixels, settings.format)

    def _painted(
        self, content: Content, styles: Sequence[Tensor], shares: Sequence[Cover]
    ) -> Colors:
        """The content in the styles, on the device of the network and back."""
        settings, device = self.settings, self.program.device
        colors = content.colors.to(device)
        if settings.strength < 1:
            own = style_parameters(self.program, colors, reach=settings.stroke)
            styles = [own + settings.strength * (style - own) for style in styles]
        noise = None
        if settings.uniform_strokes > 0:
            height, width = colors.shape[-2:]
            noise = stroke_noise(height, width, reach=settings.stroke, seed=settings.seed)
            noise = (noise * settings.uniform_strokes).to(device)
        conditions = Conditions(
            styles,
            shares=[share.to(device) for share in _normalized(shares)],
            reach=settings.stroke,
            noise=noise,
        )
        return Painter(self.path).paint(colors, conditions).cpu()

    def _shares(self, index: int, content: Content) -> Sequence[Cover]:
        """The masks at the content's size. Raises UnpaintableError."""
        height, width = content.pixels.shape[:2]
        shares = []
        for number, mask in enumerate(self.masks):
            rows, columns = mask.shape
            if (
                abs(rows * width / columns - height) > 1
                and abs(columns * height / rows - width) > 1
            ):
                raise UnpaintableError(
                    "/masks",
                    f"mask {number} has {columns} x {rows} pixels and image {index} {width} x {height}",
                    code="mask_shape_differs",
                    remedy="send masks with the proportions of every image",
                )
            values = torch.from_numpy(mask.copy())[None, None].float() / LEVELS
            shares.append(
                functional.interpolate(
                    values, size=(height, width), mode="bilinear", align_corners=False
                )
            )
        return shares


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
