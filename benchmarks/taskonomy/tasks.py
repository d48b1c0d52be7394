"""The tasks: what a network is shown, what it is asked, and how far off it was."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import torch
from torch import Tensor
from torch.nn import functional

from benchmarks.taskonomy import targets
from benchmarks.taskonomy.images import Album, AlbumPictures

NOISE = 0.2
BLUR = 1.5
FACTOR = 4
HOLE = slice(8, 24)
CELL = 8

Shown = tuple[Tensor, Tensor]
Asks = Callable[[AlbumPictures, torch.Generator], Shown]


class Answer(StrEnum):
    """A class for the whole image, or numbers for every pixel."""

    LABEL = "label"
    PIXELS = "pixels"


@dataclass(frozen=True)
class TaskonomyTask:
    """One task.

    Attributes:
        outputs: Classes, or numbers for each pixel.
        asks: Frames and what is to be answered, drawn from pictures.
        choose: The pictures that the task is about.
        gray: The network sees luma alone.
        scale: Dense answers are divided by it, so that losses of tasks are of one size.
        region: Rows and columns that count; None for all.
    """

    name: str
    about: str
    answer: Answer
    outputs: int
    asks: Asks
    choose: Callable[[AlbumPictures], AlbumPictures]
    gray: bool = False
    scale: float = 1.0
    region: slice | None = None

    @property
    def numbers(self) -> int:
        """Outputs of the decoder: classes, or numbers for each of the feature's places."""
        return self.outputs if self.answer is Answer.LABEL else self.outputs * CELL**2

    def examples(self, pictures: AlbumPictures, generator: torch.Generator) -> Shown:
        """Frames as shown and answers: labels, or cells (n, outputs · 64, 4, 4)."""
        frames, answers = self.asks(pictures, generator)
        if self.answer is Answer.LABEL:
            return frames, answers
        return frames, functional.pixel_unshuffle(answers / self.scale, CELL)

    def losses(self, outputs: Tensor, answers: Tensor) -> Tensor:
        """Cross-entropy, or mean squared error over what counts, of every image."""
        if self.answer is Answer.LABEL:
            return functional.cross_entropy(outputs, answers, reduction="none")
        off = functional.pixel_shuffle((outputs - answers).square(), CELL)
        if self.region is not None:
            off = off[:, :, self.region, self.region]
        return off.flatten(1).mean(dim=1)


def tasks_of(album: Album) -> tuple[TaskonomyTask, ...]:
    """Every task that the collection allows: 18 with color, 17 without."""
    tasks = (*_by_class(album), *_by_arrangement(), *_by_pixel())
    return tasks if album.colored else tuple(task for task in tasks if not task.gray)


def everything(pictures: AlbumPictures) -> AlbumPictures:
    """All pictures."""
    return pictures


def _by_class(album: Album) -> tuple[TaskonomyTask, ...]:
    return (
        *(
            _classes(f"classes {'ABC'[i]}", album, chosen)
            for i, chosen in enumerate(album.class_sets)
        ),
        _label("coarse", _names(album, album.coarse) + " or not", 2, _coarse(album)),
    )


def _names(album: Album, chosen: tuple[int, ...]) -> str:
    return ", ".join(album.class_names[index] for index in chosen)


def _classes(name: str, album: Album, chosen: tuple[int, ...]) -> TaskonomyTask:
    return TaskonomyTask(
        name,
        _names(album, chosen),
        Answer.LABEL,
        len(chosen),
        lambda pictures, _generator: (pictures.frames, pictures.labels),
        lambda pictures: pictures.of(chosen),
    )


def _coarse(album: Album) -> Asks:
    def asks(pictures: AlbumPictures, _generator: torch.Generator) -> Shown:
        here = torch.tensor(album.coarse, device=pictures.labels.device)
        return pictures.frames, torch.isin(pictures.labels, here).long()

    return asks


def _label(name: str, about: str, outputs: int, asks: Asks) -> TaskonomyTask:
    return TaskonomyTask(name, about, Answer.LABEL, outputs, asks, everything)


def _drawn(change: Callable[[Tensor, Tensor], Tensor], ways: int) -> Asks:
    """Frames changed in one of some ways; the way is the answer."""

    def asks(pictures: AlbumPictures, generator: torch.Generator) -> Shown:
        way = torch.randint(ways, (len(pictures),), generator=generator)
        way = way.to(pictures.frames.device)
        return change(pictures.frames, way), way

    return asks


def _part(frames: Tensor, quarter: Tensor) -> Tensor:
    parts = targets.taken(targets.quartered(frames), quarter.unsqueeze(1)).squeeze(1)
    return functional.interpolate(parts, scale_factor=2, mode="bilinear", align_corners=False)


def _by_arrangement() -> tuple[TaskonomyTask, ...]:
    return (
        _label("rotation", "quarter turns, of 4", 4, _drawn(targets.rotated, 4)),
        _label("jigsaw", "order of the quarters, of 24", 24, _drawn(targets.rearranged, 24)),
        _label("zoom", "how far the middle was enlarged, of 4", 4, _drawn(targets.zoomed, 4)),
        _label("place", "which quarter is shown, enlarged", 4, _drawn(_part, 4)),
    )


def _restores(
    name: str, about: str, spoil: Callable[[Tensor, torch.Generator], Tensor]
) -> TaskonomyTask:
    def asks(pictures: AlbumPictures, generator: torch.Generator) -> Shown:
        return spoil(pictures.frames, generator), pictures.frames - 0.5

    region = HOLE if name == "inpainting" else None
    return TaskonomyTask(name, about, Answer.PIXELS, 3, asks, everything, scale=0.2, region=region)


def _noisy(frames: Tensor, generator: torch.Generator) -> Tensor:
    noise = torch.randn(frames.shape, generator=generator).to(frames.device)
    return frames + NOISE * noise


def _holed(frames: Tensor, _generator: torch.Generator) -> Tensor:
    """The middle square at the mean gray that networks see as 0."""
    holed = frames.clone()
    holed[:, :, HOLE, HOLE] = 0.5
    return holed


def _computed(
    name: str, about: str, compute: Callable[[Tensor], Tensor], *, outputs: int, scale: float
) -> TaskonomyTask:
    def asks(pictures: AlbumPictures, _generator: torch.Generator) -> Shown:
        return pictures.frames, compute(pictures.frames)

    return TaskonomyTask(name, about, Answer.PIXELS, outputs, asks, everything, scale=scale)


def _by_pixel() -> tuple[TaskonomyTask, ...]:
    return (
        _restores("autoencoding", "the image itself", lambda frames, _generator: frames),
        _restores("denoising", f"Gaussian noise of {NOISE} removed", _noisy),
        _restores("inpainting", "the middle square of 16 × 16, from around it", _holed),
        _restores(
            "deblurring",
            f"blur of σ = {BLUR} undone",
            lambda frames, _generator: targets.blurred(frames, BLUR),
        ),
        _restores(
            "enlarging",
            "the image from its 8 × 8 means",
            lambda frames, _generator: targets.coarsened(frames, FACTOR),
        ),
        _colorizing(),
        _computed("edges", "Sobel magnitude", targets.edges, outputs=1, scale=0.08),
        _computed("corners", "Harris's response", targets.corners, outputs=1, scale=0.005),
        _computed(
            "orientation", "direction of local slope", targets.orientation, outputs=2, scale=0.06
        ),
        _computed(
            "foreground", "color unlike the border's", targets.foreground, outputs=1, scale=0.4
        ),
    )


def _colorizing() -> TaskonomyTask:
    def asks(pictures: AlbumPictures, _generator: torch.Generator) -> Shown:
        gray = targets.luma(pictures.frames)
        return gray.expand_as(pictures.frames), targets.chroma(pictures.frames)

    return TaskonomyTask(
        "colorizing",
        "color from gray",
        Answer.PIXELS,
        2,
        asks,
        everything,
        gray=True,
        scale=0.05,
    )
