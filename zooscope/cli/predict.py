"""``zooscope predict``: images through a network."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from zooscope.cli.context import Talk, command
from zooscope.cli.output import TableColumn
from zooscope.client import Prediction, ZooClientError

app = typer.Typer()
_COLUMNS = (
    TableColumn("image", lambda found: found["image"]),
    TableColumn("class", lambda found: found["name"] or str(found["index"])),
    TableColumn("probability", lambda found: f"{found['probability']:.3f}", "right"),
)
Images = Annotated[
    list[Path], typer.Argument(exists=True, dir_okay=False, help="JPEG, PNG, WebP or BMP files.")
]


@command(app)
def predict(
    talk: Talk,
    *,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="Id of a network, mdl_…")],
    images: Images,
    output: Annotated[str | None, typer.Option(help="classes, image or features.")] = None,
    layer: Annotated[str | None, typer.Option(help="Features of this layer.")] = None,
    top_k: Annotated[int | None, typer.Option(min=1, help="Classes told for each image.")] = None,
    out: Annotated[
        Path, typer.Option("--out", "-o", file_okay=False, help="Folder for pictures and arrays.")
    ] = Path(),
) -> None:
    """Run images through a network: likely classes, or files for pictures and features."""
    found = talk.zoo.models.predict(model, images, output=output, layer=layer, top_k=top_k)
    if found.classes is not None:
        rows = [
            {"image": images[one["image"]].name, **chance}
            for one in found.classes
            for chance in one["classes"]
        ]
        talk.out.rows(rows, _COLUMNS, empty="the network told no classes")
        return
    written = _written(found, images, out)
    paths = [str(path) for path in written]
    talk.out.done({"id": model, "paths": paths}, f"written: {', '.join(paths)}")


def _written(found: Prediction, images: Sequence[Path], out: Path) -> list[Path]:
    """Lay pictures beside each other under the images' names, or one array of features.

    Raises:
        ZooClientError: ``duplicate_name``: two images would be written to one file.
    """
    out.mkdir(parents=True, exist_ok=True)
    if found.npy is not None:
        path = out / "features.npy"
        path.write_bytes(found.npy)
        return [path]
    paths = [out / f"{image.stem}.prediction.png" for image in images]
    if len(set(paths)) < len(paths):
        raise ZooClientError(
            "two images have the same name",
            code="duplicate_name",
            remedy="rename one, or send them one after the other",
        )
    for path, picture in zip(paths, found.pictures or [], strict=True):
        path.write_bytes(picture)
    return paths
