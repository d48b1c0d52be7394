"""Which learning rate of the body suits ``fine_tune`` on published networks?

The real LeNet-5 of MNIST and the real ResNet-20 of CIFAR-10 go on to Fashion-MNIST with few labels.

    python -m benchmarks.body_rates [--seeds 0 1 2] [--rows …]

Writes docs/results/body_rates.json and a table of the method's page.
"""

import tempfile
from functools import cache, partial
from pathlib import Path

import torch
from torch.nn import functional

from benchmarks.real_networks import NETWORKS, image_sets
from benchmarks.students.pictures import LabeledPictures
from benchmarks.students.protocol import ROOT, Column, Study, StudyRow, StudyTable, main
from benchmarks.students.scenes import Numbers, of_method
from service.core.catalog.fine_tune import FineTuneParams
from workers.methods.fine_tune import run
from workers.programs.exporting import export_network
from workers.torchkit.training.task import ImageInputs
from workers.torchkit.training.teachers import Teacher

DATA = ROOT.parent / "shared/data/real"
TESTED, STEPS, BATCH = 500, 300, 32
RATES = (0.1, 0.3, 1.0)
SOURCES = (
    ("lenet5-mnist", "LeNet-5 of MNIST", (50, 200)),
    ("resnet20-cifar10", "ResNet-20 of CIFAR-10", (200,)),
)


@cache
def source(name: str) -> Teacher:
    """The published network as the service would hold it."""
    network = next(network for network in NETWORKS if network.name == name)
    shape = (network.input.channels, network.input.height, network.input.width)
    with tempfile.TemporaryDirectory() as folder:
        program = export_network(network.module(DATA), shape, Path(folder) / "network.pt2")
    return Teacher(name, name, program, network.input, network.task, network.classes or ())


@cache
def fashion(part: str) -> LabeledPictures:
    """Fashion-MNIST with a black margin of two pixels."""
    images = image_sets.gray_digits(DATA, "fashion_mnist", part)
    planes = torch.stack([torch.from_numpy(image.copy()) for image in images.images])
    frames = functional.pad(planes, (2, 2, 2, 2)).unsqueeze(-1).expand(-1, -1, -1, 3)
    return LabeledPictures(frames, torch.tensor(images.labels), images.classes)


def tuned(seed: int, *, name: str, count: int, rate: float) -> Numbers:
    """Accuracy after the last step."""
    few = fashion("train").first(count, seed=seed)
    inputs = ImageInputs(
        name="student",
        teachers=(source(name),),
        evaluation_set=fashion("t10k").first(TESTED).evaluation_set,
        images=few.frames.contiguous(),
        labels=few.truth,
        label_names=few.labels,
    )
    params = FineTuneParams.model_validate(
        {
            "budget": {"steps": STEPS},
            "batch_size": BATCH,
            "num_evaluations": 1,
            "seed": seed,
            "body_rate": rate,
        }
    )
    return of_method(run, params, inputs)


ROWS = tuple(
    StudyRow(
        f"{name}_{count}_{rate}",
        f"{title}, {count} labeled: `body_rate` {rate}",
        partial(tuned, name=name, count=count, rate=rate),
    )
    for name, title, counts in SOURCES
    for count in counts
    for rate in RATES
)
TABLES = (
    StudyTable(
        "real_body_rate",
        ROWS,
        (Column("accuracy", "accuracy"),),
        f"Published networks, cut at the feature layer, on Fashion-MNIST in frames of 32 × 32;"
        f" {TESTED} test images, {STEPS} steps of {BATCH} images.",
        page="methods/fine_tune.md",
    ),
)

if __name__ == "__main__":
    main(Study("body_rates", TABLES))
