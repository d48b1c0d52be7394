"""Real pictures of 32 × 32 pixels for every zoo, in parts that share no photograph, scene or writer."""

import io
import itertools
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.real_networks import image_sets
from benchmarks.real_networks.image_sets import LabeledImages, Pixels
from benchmarks.taskonomy.images import SIDE, Album, AlbumPictures, cifar, fashion

SEED = 7
PARTS = (0.55, 0.15, 0.15, 0.15)
CROPS = 24
JITTERS = 10
STRIDE = 16
PROBES = 1000
_DIGITS, _A, _LETTER, _PROVINCE = 10, 10, 11, 12
_LEFT, _STEP, _GAP = 8.5, 12.6, 2.5


def with_probes(album: Album, data: Path) -> Album:
    """The album with the last thousand training images as probes: its own are too few."""
    train = image_sets.cifar10(data, "train_1of5")
    probes = _frames(train.images[-PROBES:])
    labels = torch.tensor(train.labels[-PROBES:])
    return Album(
        **{**vars(album), "few": album.few.first(1000), "probes": AlbumPictures(probes, labels)}
    )


def gray(data: Path) -> Album:
    """Fashion-MNIST with a thousand probes."""
    album = fashion(data)
    train = image_sets.gray_digits(data, "fashion_mnist", "train")
    probes = AlbumPictures(_frames(train.images[-PROBES:]), torch.tensor(train.labels[-PROBES:]))
    return Album(**{**vars(album), "probes": probes})


def mnist(data: Path) -> Album:
    """MNIST: 0 to 3; 4 to 6; 7 to 9. Coarse: even or odd."""
    train = image_sets.gray_digits(data, "mnist", "train")
    test = image_sets.gray_digits(data, "mnist", "t10k")
    pools = [train.images[:8000], train.images[8000:10000], test.images[:2400]]
    numbers = [train.labels[:8000], train.labels[8000:10000], test.labels[:2400]]
    parts = [
        *(zip(pools, numbers, strict=True)),
        (train.images[-PROBES:], train.labels[-PROBES:]),
    ]
    sets = ((0, 1, 2, 3), (4, 5, 6), (7, 8, 9))
    return _album("MNIST", parts, train.classes, sets, coarse=(0, 2, 4, 6, 8), colored=False)


def omniglot(data: Path) -> Album:
    """Glyphs, white on black; classes are alphabets, parts are drawn by different people."""
    alphabets: list[str] = []
    by_writer: dict[int, list[tuple[Pixels, int]]] = {}
    for alphabet, writer, glyph in _glyphs(data):
        if alphabet not in alphabets:
            alphabets.append(alphabet)
        by_writer.setdefault(writer, []).append((glyph, alphabets.index(alphabet)))
    parts = _parted([by_writer[writer] for writer in sorted(by_writer)])
    everyone = tuple(range(len(alphabets)))
    sets = (everyone[:3], everyone[3:6], everyone[6:9])
    coarse = everyone[: len(everyone) // 2]
    return _album("Omniglot", parts, tuple(alphabets), sets, coarse=coarse, colored=False)


def camvid(data: Path) -> Album:
    """Squares of street scenes, by what covers most of them; parts are different scenes."""
    groups = [_scene_patches(scene, truth) for scene, truth in image_sets.camvid(data)]
    names = ("sky", "building", "pole", "road", "pavement", "tree", "sign", "fence", "car")
    names = (*names, "pedestrian", "bicyclist")
    sets = ((0, 1, 3), (4, 5), (7, 8, 9))
    return _album("CamVid", _parted(groups), names, sets, coarse=(3, 4), colored=True)


def flowers(data: Path) -> Album:
    """Crops of photographs of flowers; parts are different photographs."""
    photographs = image_sets.flowers(data)
    rng = np.random.default_rng(SEED)
    groups = [
        [(crop, label) for crop in _crops(image, rng)]
        for image, label in zip(photographs.images, photographs.labels, strict=True)
    ]
    sets = ((0, 1), (2, 3, 4), (0, 1, 2, 3, 4))
    return _album(
        "flowers", _parted(groups), photographs.classes, sets, coarse=(0, 3), colored=True
    )


def plates(data: Path) -> Album:
    """Characters of number plates; parts are different plates."""
    images, texts = image_sets.plates(data)
    rng = np.random.default_rng(SEED)
    groups = [
        list(_characters(image, text, rng)) for image, text in zip(images, texts, strict=True)
    ]
    names = (*"0123456789", "A", "another letter", "province")
    sets = ((0, 1, 2, 3, 4), (5, 6, 7, 8, 9), (_A, _LETTER, _PROVINCE))
    coarse = tuple(range(_DIGITS))
    return _album("plates", _parted(groups), names, sets, coarse=coarse, colored=True)


ALBUMS: dict[str, Callable[[Path], Album]] = {
    "mnist": mnist,
    "fashion": gray,
    "cifar": lambda data: with_probes(cifar(data), data),
    "omniglot": omniglot,
    "camvid": camvid,
    "flowers": flowers,
    "plates": plates,
}


def _glyphs(data: Path) -> Iterator[tuple[str, int, Pixels]]:
    for number in (1, 2):
        path = data / f"images/omniglot_small/images_background_small{number}.zip"
        with zipfile.ZipFile(path) as archive:
            for member in sorted(archive.namelist()):
                if member.endswith(".png"):
                    picture = Image.open(io.BytesIO(archive.read(member))).convert("L")
                    small = picture.resize((SIDE, SIDE), Image.Resampling.BOX)
                    glyph = Path(member)
                    writer = int(glyph.stem.split("_")[1])
                    yield glyph.parts[-3], writer, 255 - np.asarray(small)


def _scene_patches(scene: Pixels, truth: Pixels) -> list[tuple[Pixels, int]]:
    patches = []
    for top in range(0, scene.shape[0] - SIDE + 1, STRIDE):
        for left in range(0, scene.shape[1] - SIDE + 1, STRIDE):
            window = slice(top, top + SIDE), slice(left, left + SIDE)
            label = int(np.bincount(truth[window].ravel(), minlength=12)[:11].argmax())
            patches.append((scene[window], label))
    return patches


def _crops(image: Pixels, rng: np.random.Generator) -> Iterator[Pixels]:
    for _ in range(CROPS):
        side = int(rng.integers(96, min(image.shape[:2]) + 1))
        top, left = (int(rng.integers(0, length - side + 1)) for length in image.shape[:2])
        yield _small(image[top : top + side, left : left + side])


def _characters(
    image: Pixels, text: str, rng: np.random.Generator
) -> Iterator[tuple[Pixels, int]]:
    """Squares around every character, moved a little; centers are those of the common layout."""
    high, wide = image.shape[:2]
    for position, character in enumerate(text[:7]):
        middle = _LEFT + _STEP * position + (_GAP if position > 1 else 0)
        for _ in range(JITTERS):
            left = round(middle + rng.uniform(-2, 2) - high / 2)
            left = min(max(left, 0), wide - high)
            yield _small(image[:, left : left + high]), _kind(character, position)


def _kind(character: str, position: int) -> int:
    if position == 0:
        return _PROVINCE
    if character.isdigit():
        return int(character)
    return _A if character == "A" else _LETTER


def _small(square: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BILINEAR))


Part = tuple[Sequence[Pixels], Sequence[int]]


def _parted(groups: Sequence[Sequence[tuple[Pixels, int]]]) -> list[Part]:
    """Groups that must stay together, dealt to training, few, held out and probes; each shuffled."""
    rng = np.random.default_rng(SEED)
    order = rng.permutation(len(groups))
    edges = np.round(np.cumsum((0, *PARTS)) * len(groups)).astype(int)
    parts = []
    for start, stop in itertools.pairwise(edges):
        members = [member for index in order[start:stop] for member in groups[index]]
        members = [members[index] for index in rng.permutation(len(members))]
        parts.append(([image for image, _ in members], [label for _, label in members]))
    return parts


def _frames(images: Sequence[Pixels]) -> torch.Tensor:
    """RGB frames in [0, 1]; smaller images get an even black margin."""
    stacked = torch.from_numpy(np.stack(images)).float() / 255
    frames = stacked.permute(0, 3, 1, 2) if stacked.ndim == 4 else stacked.unsqueeze(1)
    margin = (SIDE - frames.shape[-1]) // 2
    padded = torch.nn.functional.pad(frames, (margin,) * 4)
    return padded.expand(-1, 3, -1, -1).contiguous()


def _album(
    name: str,
    parts: Sequence[Part],
    classes: Sequence[str],
    sets: tuple[tuple[int, ...], ...],
    *,
    coarse: tuple[int, ...],
    colored: bool,
) -> Album:
    pictures = [AlbumPictures(_frames(images), torch.tensor(labels)) for images, labels in parts]
    training, few, held_out, probes = pictures
    return Album(
        name, training, few, held_out, probes.first(PROBES), tuple(classes), sets, coarse, colored
    )


__all__ = ["ALBUMS", "LabeledImages"]
