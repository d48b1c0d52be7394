"""What a stylizer paints with: styles, and how they are applied."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

MOST_STYLES = 16
LARGEST_SIDE, SMALLEST_SIDE, SMALLEST_STYLE = 2048, 8, 16
SMALLEST_STROKE, LARGEST_STROKE = 0.5, 4.0

Share = Annotated[float, Field(ge=0, le=1)]


class PictureFormat(StrEnum):
    """File format of painted pictures."""

    PNG = "png"
    JPEG = "jpeg"


class PreservedColor(StrEnum):
    """What of the content's colors stays: nothing, or hue and saturation.

    ``chroma`` takes only the luma of the painted picture.
    """

    NONE = "none"
    CHROMA = "chroma"


@dataclass(frozen=True, kw_only=True)
class StyleSettings:
    """How styles are applied.

    Attributes:
        weights: How much each style counts in one picture; None paints one picture for each.
        strength: 0 returns the content's pixels, 1 is the full style.
        preserve_color: What of the content's colors stays.
        stroke: Size of strokes, relative to training; with a map, where the map is white.
        uniform_strokes: How much grain flat areas get.
        seed: Seed of that grain.
        format: Format of the answer.
        max_side: Larger contents are reduced to this; None refuses those above 2048 pixels.
        sheet: Whether all goes into one picture: contents in rows, styles in columns.
    """

    weights: Annotated[tuple[Annotated[float, Field(ge=0, le=1e6)], ...], Field(max_length=MOST_STYLES)] | None = None  # fmt: skip
    strength: Share = 1.0
    preserve_color: PreservedColor = PreservedColor.NONE
    stroke: Annotated[float, Field(ge=SMALLEST_STROKE, le=LARGEST_STROKE)] = 1.0
    uniform_strokes: Share = 0.0
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    format: PictureFormat = PictureFormat.PNG
    max_side: Annotated[int, Field(ge=SMALLEST_SIDE, le=LARGEST_SIDE)] | None = None
    sheet: bool = False


def pictures_per_content(styles: int, masks: int, settings: StyleSettings) -> int:
    """How many pictures are painted of each content: one in each style, or one in all of them."""
    return 1 if masks or settings.weights is not None else styles


@dataclass(frozen=True)
class Stylization:
    """Styles of one request, and how they are applied.

    Attributes:
        styles: Encoded image files.
        masks: Encoded gray images, one for each style, that are bright where it counts; or empty.
        stroke_map: An encoded gray image of stroke sizes: from the smallest at black to that of
            the settings at white; None for one size everywhere.
    """

    styles: Annotated[tuple[bytes, ...], Field(min_length=1, max_length=MOST_STYLES)]
    masks: Annotated[tuple[bytes, ...], Field(max_length=MOST_STYLES)]
    settings: StyleSettings
    stroke_map: bytes | None = None

    def __post_init__(self) -> None:
        """Masks and weights are as many as styles. Raises ValueError."""
        weights = self.settings.weights
        if self.masks and len(self.masks) != len(self.styles):
            raise ValueError("every style needs a mask, or none has one")
        if weights is not None and len(weights) != len(self.styles):
            raise ValueError("every style needs a weight")

    def pictures_of(self, contents: int) -> int:
        """How many pictures answer for so many contents; a sheet is one."""
        if self.settings.sheet:
            return 1
        return contents * pictures_per_content(len(self.styles), len(self.masks), self.settings)

    @property
    def files(self) -> tuple[bytes, ...]:
        """Styles, then masks, then the stroke map."""
        maps = () if self.stroke_map is None else (self.stroke_map,)
        return self.styles + self.masks + maps

    @property
    def facts(self) -> dict[str, Any]:
        """Everything but the files, as JSON values."""
        maps = len(self.files) - len(self.styles) - len(self.masks)
        counts = {"styles": len(self.styles), "masks": len(self.masks), "stroke_maps": maps}
        return {**counts, "settings": asdict(self.settings)}

    @staticmethod
    def files_of(facts: Mapping[str, Any]) -> int:
        """How many files a message with these facts brings; 0 if they are malformed."""
        counts = [facts.get(name) for name in ("styles", "masks", "stroke_maps")]
        return sum(
            count for count in counts if isinstance(count, int) and 0 < count <= MOST_STYLES
        )

    @staticmethod
    def with_files(facts: Mapping[str, Any], files: Sequence[bytes]) -> dict[str, Any]:
        """The values of a stylization, to be validated."""
        styles = facts.get("styles")
        count = styles if isinstance(styles, int) else 0
        end = len(files) - (facts.get("stroke_maps") == 1)
        return {
            "styles": tuple(files[:count]),
            "masks": tuple(files[count:end]),
            "settings": facts.get("settings"),
            "stroke_map": files[end] if end < len(files) else None,
        }
