"""Digits in two styles, and four networks that are each at home with half of them in one style."""

from collections.abc import Callable
from functools import cache
from itertools import product

import torch
from torch import Tensor

from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures, digits, names
from benchmarks.students.scenes import Numbers
from benchmarks.students.teaching import teacher
from workers.torchkit.training.teachers import Teacher

TASKS = {"a": names(range(5)), "b": names(range(5, 10))}
STYLES = ("1", "2")
BESIDE = {"a1": ("5", "6"), "a2": ("7", "8"), "b1": ("0", "1"), "b2": ("2", "3")}
NETS = {"1": NetSpec("cnn", (32, 64, 64)), "2": NetSpec("res", (48,))}


def in_style(pictures: LabeledPictures, style: str) -> LabeledPictures:
    """As they are, or turned with light for dark."""
    return pictures if style == "1" else pictures.turned()


@cache
def sources(seed: int) -> tuple[Teacher, ...]:
    """The four networks, task by task."""
    networks = []
    for task, style in product(TASKS, STYLES):
        labels = (*TASKS[task], *BESIDE[task + style])
        pictures = in_style(digits().train.only(labels), style)
        networks.append(teacher(NETS[style], pictures, name=task + style, seed=seed))
    return tuple(networks)


@cache
def styles(seed: int) -> Tensor:
    """The style, 0 or 1, of every training image."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(2, (len(digits().train),), generator=generator)


@cache
def mixed(seed: int) -> LabeledPictures:
    """All training digits, each in its style."""
    plain = digits().train
    turned = styles(seed).bool()[:, None, None, None]
    frames = torch.where(turned, plain.turned().frames, plain.frames)
    return LabeledPictures(frames, plain.truth, plain.labels)


@cache
def evaluation_pictures() -> LabeledPictures:
    """All test digits in both styles."""
    return digits().test + digits().test.turned()


def of_sources(seed: int) -> Numbers:
    """Accuracy of the sources among their task's labels: at home, and in the other style."""
    numbers: Numbers = {}
    for (task, style), source in zip(product(TASKS, STYLES), sources(seed), strict=True):
        columns = [source.classes.index(label) for label in TASKS[task]]
        for test_style in STYLES:
            images = in_style(digits().test.only(TASKS[task]), test_style)
            predicted = source.answer(source.of_frames(images.frames))[:, columns].argmax(dim=1)
            side = "home" if test_style == style else "away"
            numbers[f"{side}_{task}{style}"] = float((predicted == images.truth).float().mean())
    homes = [value for name, value in numbers.items() if name.startswith("home")]
    aways = [value for name, value in numbers.items() if name.startswith("away")]
    return {**numbers, "home": sum(homes) / len(homes), "away": sum(aways) / len(aways)}


def own_images(seed: int, name: str) -> Tensor:
    """Which images show a digit of the task."""
    numbers = torch.tensor([int(label) for label in TASKS[name]])
    return torch.isin(mixed(seed).truth, numbers)


def own_styles(seed: int, name: str) -> Tensor:
    """Styles of the images of a task."""
    return styles(seed)[own_images(seed, name)]


def by_style(name: str, answer: Callable[[LabeledPictures], Tensor], prefix: str = "") -> Numbers:
    """Test accuracy among the task's labels in each style."""
    accuracies = {}
    for style in STYLES:
        images = in_style(digits().test.only(TASKS[name]), style)
        right = answer(images).argmax(dim=1) == images.truth
        accuracies[f"{prefix}{name}{style}"] = float(right.float().mean())
    return accuracies
