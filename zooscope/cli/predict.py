"""``zooscope predict``: run images or clips through a network."""

from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli import clip_options, few_shot
from zooscope.cli import styles as painting
from zooscope.cli.context import CliContext, command
from zooscope.cli.option_names import Fills
from zooscope.cli.output import TableColumn
from zooscope.client import Clips, FewShotSupport, Prediction, Styles, ZooClientError

app = typer.Typer()
_COLUMNS = (
    TableColumn("image", lambda row: row["image"]),
    TableColumn("class", lambda row: row["name"] or str(row["index"])),
    TableColumn("probability", lambda row: f"{row['probability']:.3f}", "right"),
)
Files = Annotated[
    list[Path] | None,
    typer.Argument(
        metavar="FILES",
        exists=True,
        dir_okay=False,
        help="JPEG, PNG, WebP or BMP files; clips (mp4, mpg, webm, mkv, avi, …) for a reader.",
    ),
    Fills("images", "clips"),
]


@command(app)
def predict(
    context: CliContext,
    *,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Id or name of the network.")],
    files: Files = None,
    output: Annotated[
        str | None,
        typer.Option(help="classes, image, features or texts; default: what suits the network."),
    ] = None,
    layer: Annotated[str | None, typer.Option(help="Layer whose features are returned.")] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Number of classes for each image; default: 5.")
    ] = None,
    support: few_shot.SupportFolder = None,
    support_dataset: few_shot.SupportDataset = None,
    classes: few_shot.SupportClasses = None,
    shots: few_shot.Shots = None,
    seed: few_shot.Seed = None,
    prior: few_shot.Prior = None,
    style: painting.StyleFiles = None,
    style_dataset: painting.StyleDataset = None,
    style_image: painting.StyleImages = None,
    mask: painting.MaskFiles = None,
    style_weight: painting.StyleWeights = None,
    strength: painting.Strength = None,
    preserve_color: painting.PreserveColor = None,
    stroke: painting.Stroke = None,
    stroke_map: painting.StrokeMap = None,
    uniform_strokes: painting.UniformStrokes = None,
    picture_format: painting.Format = None,
    max_side: painting.MaxSide = None,
    sheet: painting.Sheet = None,
    clip_dataset: clip_options.ClipDataset = None,
    clip_index: clip_options.ClipIndices = None,
    beam_width: clip_options.BeamWidth = None,
    alternatives: clip_options.Alternatives = None,
    crop: clip_options.Crop = None,
    crop_box: clip_options.CropBox = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            file_okay=False,
            help="Output folder for images and arrays, default: here; with it, a reader's attention"
            " is written, too.",
        ),
    ] = None,
) -> None:
    """Run images or clips through a network: print classes or texts, or write images and features."""
    clip_files = [file for file in files or () if clip_options.is_clip(file)]
    images = [file for file in files or () if not clip_options.is_clip(file)]
    options = FewShotSupport(
        files=few_shot.support_files(support),
        dataset_id=support_dataset,
        classes=classes or (),
        shots=shots,
        seed=seed,
        prior=prior,
    )
    styles = painting.chosen_styles(
        Styles(
            files=style or (),
            dataset_id=style_dataset,
            positions=style_image or (),
            masks=mask or (),
            weights=style_weight or None,
            strength=strength,
            preserve_color=preserve_color,
            stroke=stroke,
            stroke_map=stroke_map,
            uniform_strokes=uniform_strokes,
            seed=seed,
            format=picture_format,
            max_side=max_side,
            sheet=sheet,
        )
    )
    prediction = context.zoo.models.predict(
        model,
        images,
        output=output,
        layer=layer,
        top_k=top_k,
        support=few_shot.chosen_support(options),
        styles=styles,
        clips=clip_options.chosen_clips(
            Clips(
                files=tuple(clip_files),
                dataset_id=clip_dataset,
                indices=clip_index or (),
                beam_width=beam_width,
                alternatives=alternatives,
                crop=crop,
                crop_box=crop_box,
            )
        ),
    )
    if prediction.texts is not None:
        if out is not None:
            clip_options.write_attention(prediction, clip_files, out)
        rows = clip_options.text_rows(prediction.texts, clip_files)
        context.out.rows(rows, clip_options.COLUMNS, empty="the reader read nothing")
        return
    if prediction.support is not None:
        result = {"items": prediction.classes, "support": prediction.support}
        context.out.drawing(result, few_shot.few_shot_text(prediction, images))
        return
    if prediction.classes is not None:
        likely = [
            {"image": images[answer["image"]].name, **chance}
            for answer in prediction.classes
            for chance in answer["classes"]
        ]
        context.out.rows(likely, _COLUMNS, empty="the network returned no classes")
        return
    count = len(prediction.pictures or ())
    names = painting.picture_names(images, styles, count)
    paths = [str(path) for path in _write_files(prediction, names, out or Path())]
    context.out.done({"id": model, "paths": paths}, f"written: {', '.join(paths)}")


def _write_files(prediction: Prediction, names: list[str], out: Path) -> list[Path]:
    """Write the pictures under these names, or one array of features; return the paths.

    Raises:
        ZooClientError: ``duplicate_name``: two outputs would have the same file name.
    """
    out.mkdir(parents=True, exist_ok=True)
    if prediction.npy is not None:
        path = out / "features.npy"
        path.write_bytes(prediction.npy)
        return [path]
    paths = [out / name for name in names]
    if len(set(paths)) < len(paths):
        raise ZooClientError(
            "two images or styles have the same name",
            code="duplicate_name",
            remedy="rename one, or run them separately",
        )
    for path, picture in zip(paths, prediction.pictures or [], strict=True):
        path.write_bytes(picture)
    return paths
