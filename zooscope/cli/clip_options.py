"""The clips of ``zooscope predict`` for readers, and the texts that come back."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from zooscope.cli.option_names import Fills
from zooscope.cli.output import TableColumn
from zooscope.client import Clips, Prediction, ZooClientError
from zooscope.client.results import ClipText

# fmt: off
_SUFFIXES = frozenset(
    [
        ".mp4", ".m4v", ".mov", ".3gp", ".mpg", ".mpeg", ".webm", ".mkv", ".avi", ".gif", ".ts",
    ]
)
# fmt: on

ClipDataset = Annotated[
    str | None, typer.Option(help="Id of a dataset, dst_…, whose clips a reader reads instead.")
]
ClipIndices = Annotated[
    list[int] | None,
    typer.Option(
        "--clip-index",
        min=0,
        help="Position of a clip of the dataset, from 0; default: all. Repeatable.",
    ),
    Fills("clip_indices"),
]
BeamWidth = Annotated[
    int | None,
    typer.Option(min=1, max=10, help="Texts that a reader's search keeps; 1: greedy; default: 5."),
]
Alternatives = Annotated[
    int | None,
    typer.Option(min=0, max=9, help="Further texts of the search for each clip; default: none."),
]
Crop = Annotated[
    Literal["found", "given", "full"] | None,
    typer.Option(help="Part of the frames that a lip reader reads; default: as it learned."),
]
CropBox = Annotated[
    tuple[float, float, float, float] | None,
    typer.Option(help="Left, top, width and height of the given part, in shares of the frame."),
]
COLUMNS = (
    TableColumn("clip", lambda row: row["clip"]),
    TableColumn("text", lambda row: row["text"] or row["problem"] or ""),
    TableColumn("score", lambda row: _number(row["score"]), "right"),
    TableColumn("ended", lambda row: "yes" if row["finished"] else "no"),
    TableColumn("error rate", lambda row: _number(row["character_error_rate"]), "right"),
    TableColumn("remarks", lambda row: ", ".join(row["remarks"])),
)


def is_clip(path: Path) -> bool:
    """Whether a file is named like a clip."""
    return path.suffix.lower() in _SUFFIXES


def chosen_clips(clips: Clips) -> Clips | None:
    """The clips; None if nothing was chosen."""
    return None if clips == Clips() else clips


def text_rows(texts: Sequence[ClipText], files: Sequence[Path]) -> list[dict[str, Any]]:
    """What to print of each clip: everything but the picture of its attention."""
    return [_row(text, files) for text in texts]


def _row(text: ClipText, files: Sequence[Path]) -> dict[str, Any]:
    problem, facts = text.get("problem"), text.get("facts")
    return {
        "clip": _name(text, files),
        "text": text.get("text"),
        "score": text.get("score"),
        "finished": text.get("finished"),
        "tokens": text.get("tokens", []),
        "alternatives": text.get("alternatives", []),
        "transcript": text.get("transcript"),
        "character_error_rate": text.get("character_error_rate"),
        "facts": facts,
        "remarks": [] if facts is None else facts["remarks"],
        "problem": None if problem is None else f"{problem['code']}: {problem['detail']}",
        "remedy": None if problem is None else problem.get("remedy"),
    }


def _name(text: ClipText, files: Sequence[Path]) -> str:
    """The name of a file, or of a stored clip."""
    return files[text["clip"]].name if files else text.get("name") or str(text.get("index"))


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def write_attention(prediction: Prediction, files: Sequence[Path], out: Path) -> list[Path]:
    """Write the attention of each clip that was read as PNG; return the paths.

    Raises:
        ZooClientError: ``duplicate_name``: two pictures would have the same file name.
    """
    pictures = prediction.attention()
    names = {
        index: out / f"{Path(_name(text, files)).stem}.attention.png"
        for index, text in enumerate(prediction.texts or ())
        if index in pictures
    }
    if len(set(names.values())) < len(names):
        raise ZooClientError(
            "two clips have the same name",
            code="duplicate_name",
            remedy="rename one, or run them separately",
        )
    out.mkdir(parents=True, exist_ok=True)
    for index, path in names.items():
        path.write_bytes(pictures[index])
    return list(names.values())
