"""The support of ``zooscope predict`` for few-shot learners, and how its result is printed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from service.core.counts import counted
from zooscope.cli.option_names import Fills
from zooscope.client import FewShotSupport, Prediction

SupportFolder = Annotated[
    Path | None,
    typer.Option(
        "--support",
        exists=True,
        file_okay=False,
        help="Folder with one folder of images for each class; for a few-shot learner.",
    ),
    Fills("support", "support_labels"),
]
SupportDataset = Annotated[
    str | None,
    typer.Option(help="Id of a labeled dataset, dst_…, whose images are the support instead."),
]
SupportClasses = Annotated[
    list[str] | None,
    typer.Option(
        "--class", help="Label of the support dataset to choose; default: all. Repeatable."
    ),
]
Shots = Annotated[
    int | None,
    typer.Option(min=1, help="Images of each class to draw from the support dataset."),
]
Seed = Annotated[
    int | None, typer.Option(min=0, help="Seed of the draw from the support dataset; default: 0.")
]
Prior = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Number of support images that experience with base classes counts as; 0 compares"
        " with plain means.",
    ),
]


def support_files(folder: Path | None) -> dict[str, Sequence[Path]]:
    """The files of each class: those in the folder of its name, hidden ones left out."""
    if folder is None:
        return {}
    classes = sorted(path for path in folder.iterdir() if path.is_dir() and not _hidden(path))
    return {
        path.name: sorted(file for file in path.iterdir() if file.is_file() and not _hidden(file))
        for path in classes
    }


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")


def chosen_support(support: FewShotSupport) -> FewShotSupport | None:
    """The support; None if nothing was chosen."""
    return None if support == FewShotSupport() else support


def few_shot_text(prediction: Prediction, images: Sequence[Path]) -> Text:
    """The classes of each image with distances, then the support of each class and the notes."""
    return Text("\n".join(_lines(prediction, images)))


def _lines(prediction: Prediction, images: Sequence[Path]) -> Iterator[str]:
    for answer in prediction.classes or []:
        far = ", far from all classes" if answer.get("outside") else ""
        yield f"{images[answer['image']].name}{far}"
        for likely in answer["classes"]:
            distance = likely.get("distance") or 0.0
            share = f"{likely['probability']:.3f}"
            yield f"  {share}  {likely['name']}  (squared distance {distance:.2f})"
    if prediction.support is None:
        return
    for about in prediction.support["classes"]:
        repeated = about["shots"] - about["distinct"]
        copies = f", {repeated} of them copies" if repeated else ""
        yield f"support of {about['name']}: {counted(about['shots'], 'image')}{copies}"
    yield from (f"note: {note}" for note in prediction.support["notes"])
