"""Upload files: archives of networks with their manifests, and images in zip files."""

import io
import json
import warnings
import zipfile
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from service.core.manifest import ModelFormat, ModelManifest, Task
from workers.tools.demo_zoo.images import Pictures
from workers.tools.demo_zoo.networks import Network
from workers.tools.demo_zoo.tasks import DemoTask

EXAMPLES = 2
LICENSE = "BSD-3-Clause (images of scikit-learn)"
# A fixed time stamp makes equal pictures equal bytes, so a second demo reuses its datasets.
MOMENT = (2026, 1, 1, 0, 0, 0)


def write_network(network: Network, lesson: DemoTask, folder: Path) -> None:
    """Writes ``NAME.pt2`` and ``NAME.manifest.json``: the exported network and its manifest."""
    spec = lesson.input
    example = torch.zeros(EXAMPLES, spec.channels, spec.height, spec.width)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.export.export(
            network, (example,), dynamic_shapes=({0: torch.export.Dim.DYNAMIC},), strict=False
        )
        torch.export.save(program, folder / f"{lesson.name}.pt2")
    manifest = manifest_of(lesson).model_dump(mode="json", exclude_none=True)
    (folder / f"{lesson.name}.manifest.json").write_text(json.dumps(manifest, indent=1))


def manifest_of(lesson: DemoTask) -> ModelManifest:
    """The manifest of a demo network."""
    return ModelManifest(
        name=lesson.name,
        format=ModelFormat.PT2,
        task=Task(kind=lesson.kind, text=lesson.text),
        input=lesson.input,
        classes=lesson.classes,
        feature_layer="encoder",
        trained_on="images that come with scikit-learn" if lesson.steps else "nothing",
        license=LICENSE,
        tags=("demo",),
    )


def write_labeled(pictures: Pictures, path: Path) -> None:
    """Writes a zip with one folder per label."""
    with zipfile.ZipFile(path, "w") as archive:
        for index, label in enumerate(pictures.labels.tolist()):
            _add(archive, f"{label}/{index:04d}.png", pictures.frames[index])


def write_unlabeled(pictures: Pictures, path: Path) -> None:
    """Writes a zip without folders."""
    with zipfile.ZipFile(path, "w") as archive:
        for index, frame in enumerate(pictures.frames):
            _add(archive, f"{index:04d}.png", frame)


def _add(archive: zipfile.ZipFile, name: str, frame: Tensor) -> None:
    """Adds one frame as a PNG."""
    pixels = (frame * 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    archive.writestr(zipfile.ZipInfo(name, MOMENT), buffer.getvalue())
