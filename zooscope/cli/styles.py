"""The styles of ``zooscope predict`` for stylizers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from zooscope.cli.option_names import Fills
from zooscope.client import Styles

StyleFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--style",
        exists=True,
        dir_okay=False,
        help="Picture whose style a stylizer paints in; repeatable.",
    ),
    Fills("styles"),
]
StyleDataset = Annotated[
    str | None,
    typer.Option(help="Id of a dataset, dst_…, whose pictures are the styles instead."),
]
StyleImages = Annotated[
    list[int] | None,
    typer.Option(
        "--style-image",
        min=0,
        help="Position of a picture of the style dataset, from 0; default: all. Repeatable.",
    ),
    Fills("style_images"),
]
MaskFiles = Annotated[
    list[Path] | None,
    typer.Option(
        "--mask",
        exists=True,
        dir_okay=False,
        help="Gray picture, bright where a style counts; one for each style. Repeatable.",
    ),
    Fills("masks"),
]
StyleWeights = Annotated[
    list[float] | None,
    typer.Option(
        "--style-weight",
        min=0,
        help="How much each style counts, to mix all into one picture; repeatable.",
    ),
    Fills("style_weights"),
]
Strength = Annotated[
    float | None, typer.Option(min=0, max=1, help="0 keeps the pixels as they are; default: 1.")
]
PreserveColor = Annotated[
    Literal["none", "chroma"] | None,
    typer.Option(help="Keep hue and saturation of the images; default: none."),
]
Stroke = Annotated[float | None, typer.Option(min=0.5, max=4, help="Size of strokes; default: 1.")]
StrokeMap = Annotated[
    Path | None,
    typer.Option(
        exists=True,
        dir_okay=False,
        help="Gray picture of stroke sizes: 0.5 where it is black, --stroke where it is white.",
    ),
]
UniformStrokes = Annotated[
    float | None, typer.Option(min=0, max=1, help="Grain of flat areas; default: 0.")
]
Format = Annotated[
    Literal["png", "jpeg"] | None,
    typer.Option("--format", help="Format of painted pictures; default: png."),
    Fills("format"),
]
MaxSide = Annotated[
    int | None, typer.Option(min=8, max=2048, help="Side to which larger images are reduced.")
]

Sheet = Annotated[
    bool | None,
    typer.Option(
        "--sheet",
        help="Write one picture of all, sheet.png: images in rows, styles in columns.",
    ),
]


def chosen_styles(styles: Styles) -> Styles | None:
    """The styles; None if nothing was chosen but a seed."""
    return None if styles == Styles(seed=styles.seed) else styles


def picture_names(images: list[Path], styles: Styles | None, count: int) -> list[str]:
    """File names of painted pictures: of every image, in every style where each has its own; or of their sheet."""
    suffix = "jpg" if styles is not None and styles.format == "jpeg" else "png"
    if styles is not None and styles.sheet:
        return [f"sheet.{suffix}"]
    if styles is None or count == len(images):
        return [f"{image.stem}.prediction.{suffix}" for image in images]
    names = [style.stem for style in styles.files]
    if styles.dataset_id is not None:
        names = [f"style{position}" for position in _positions(styles, count // len(images))]
    return [f"{image.stem}.{name}.{suffix}" for image in images for name in names]


def _positions(styles: Styles, count: int) -> Sequence[int]:
    """Positions of the styles in their dataset, which is all of it if none was chosen."""
    return styles.positions or range(count)
