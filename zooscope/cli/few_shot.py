"""The support of ``zooscope predict`` for few-shot learners, and how its result is printed."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from service.core.counts import counted
from zooscope.cli.option_names import Fills
from zooscope.client import FewShotSupport, InvalidField, Prediction, ZooClientError

_MOST_NAMED = 5

SupportFolder = Annotated[
    Path | None,
    typer.Option(
        "--support",
        exists=True,
        file_okay=False,
        help="Folder with one folder of images for each class and nothing else; for a few-shot"
        " learner.",
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
    """The files of each class: those in the folder of its name, hidden ones left out.

    Raises:
        ZooClientError: ``support_folder_mismatch``: no class, a class without images, a file
            beside the classes, or a folder within a class.
    """
    if folder is None:
        return {}
    images = {entry: _entries(entry) for entry in _entries(folder) if entry.is_dir()}
    if not images:
        raise _mismatch("no folder of a class", [])
    for reason, misplaced in (
        (
            "not in the folder of a class",
            [path for path in _entries(folder) if path not in images],
        ),
        ("no images in", [path for path, files in images.items() if not files]),
        ("no image", [path for files in images.values() for path in files if path.is_dir()]),
    ):
        if misplaced:
            raise _mismatch(reason, [path.relative_to(folder) for path in misplaced])
    return {path.name: files for path, files in images.items()}


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, by name, hidden entries left out."""
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _mismatch(reason: str, misplaced: Sequence[Path]) -> ZooClientError:
    named = ", ".join(str(path) for path in misplaced[:_MOST_NAMED])
    more = f" and {len(misplaced) - _MOST_NAMED} more" if len(misplaced) > _MOST_NAMED else ""
    problem = f"{reason}: {named}{more}" if misplaced else reason
    return ZooClientError(
        f"/support: {problem}",
        code="support_folder_mismatch",
        remedy="give one folder of images for each class, and nothing beside them",
        errors=[InvalidField("/support", problem)],
    )


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
