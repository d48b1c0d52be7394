"""What a step of every training that learns from images costs beside a plain loop in torch.

A plain loop has its images ready as tensors of the network's input, its teachers as modules, and
one optimizer; the terms of the loss are the method's own functions, so that the figures judge the
loop: reading images, running teachers as uploaded programs, bookkeeping. Processor seconds of a
step are the difference of a long and a short run over the difference of their steps.

    python -m benchmarks.training_steps [--repeats 3] [--only NAME …]

Writes docs/results/training_steps.json, after every row, and docs/results/training_steps.md.
"""

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.real_run import environment
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures, digits
from benchmarks.students.protocol import RESULTS, ROOT
from benchmarks.students.teaching import module, teacher
from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.catalog.common_feature_amalgamation import (
    CommonFeatureAmalgamationParams,
    CommonNormalization,
)
from service.core.catalog.fine_tune import FineTuneParams
from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams
from service.core.catalog.training import Student, StudentArchitecture
from workers.methods import method_package
from workers.methods.adaptive_amalgamation.alignment import Adaptor, AlignedSpace, TaskOutputs
from workers.methods.common_feature_amalgamation.maths import (
    PUBLISHED_BANDWIDTHS,
    discrepancy,
    unit_vectors,
)
from workers.methods.common_feature_amalgamation.space import CommonSpace
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.steps import shifted
from workers.torchkit.training.student_networks import StudentNetwork
from workers.torchkit.training.students import student_network
from workers.torchkit.training.task import ImageInputs

Work = Callable[[int], None]
BATCH, WIDTH, MARGIN, MAPS = 64, 12, 2, 3
SHORT, LONG = 12, 72
NETS = (NetSpec("cnn", (16, 32, 32)), NetSpec("blocks", (16, 32, 32)))
STUDENT = Student(architecture=StudentArchitecture.PLAIN, width=WIDTH)


@cache
def pictures() -> LabeledPictures:
    """Digits with a margin of two pixels."""
    return digits().train.padded(MARGIN)


@cache
def inputs(teachers: int) -> ImageInputs:
    """For the method: teachers of all ten digits as programs, and the images with labels."""
    train = pictures()
    return ImageInputs(
        name="student",
        teachers=tuple(teacher(net, train, name=net.build, seed=0) for net in NETS[:teachers]),
        images=train.frames,
        labels=train.truth,
        label_names=train.labels,
    )


def modules(teachers: int) -> list[nn.Sequential]:
    """The same teachers as modules."""
    made = [module(net, pictures(), seed=0) for net in NETS[:teachers]]
    return [network for network in made if isinstance(network, nn.Sequential)]


def fresh() -> StudentNetwork:
    """An untrained student."""
    generator = torch.Generator().manual_seed(0)
    return student_network(STUDENT, pictures().spec, labels=10, generator=generator)


def ready() -> Tensor:
    """All images as network input."""
    return to_network_input(pictures().frames, Preprocessing.of(pictures().spec))


def batches(images: Tensor, steps: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Shifted batches without repetition, and their positions."""
    generator = torch.Generator().manual_seed(0)
    for _ in range(steps):
        positions = torch.randperm(len(images), generator=generator)[:BATCH]
        yield shifted(images[positions], generator=generator), positions


def descend(loss: Tensor, optimizer: torch.optim.Optimizer) -> None:
    """One step of the optimizer."""
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    optimizer.step()


def soft(student: Tensor, target: Tensor, temperature: float) -> Tensor:
    """T²·KL of two softmaxes of logits."""
    return temperature**2 * functional.kl_div(
        functional.log_softmax(student / temperature, 1),
        functional.softmax(target / temperature, 1),
        reduction="batchmean",
    )


def mean_of(logits: list[Tensor]) -> Tensor:
    """Logits of the mean of the teachers' softmaxes."""
    return torch.stack([each.softmax(1) for each in logits]).mean(0).clamp_min(1e-12).log()


def distillation(teachers: int) -> Work:
    """Soft targets of the teachers at temperature 4, AdamW."""

    def work(steps: int) -> None:
        networks, student = modules(teachers), fresh().train()
        optimizer = torch.optim.AdamW(student.parameters(), lr=1e-3)
        for images, _ in batches(ready(), steps):
            with torch.no_grad():
                logits = [network(images) for network in networks]
            target = logits[0] if teachers == 1 else mean_of([each / 4 for each in logits]) * 4
            descend(soft(student(images), target, 4.0), optimizer)

    return work


def fine_tuning(steps: int) -> None:
    """Body and a new linear layer, batch statistics at rest, AdamW."""
    network = modules(1)[0]
    body, head = network[:-1], nn.Linear(32, 10)
    optimizer = torch.optim.AdamW([*body.parameters(), *head.parameters()], lr=1e-3)
    for images, positions in batches(ready(), steps):
        logits = head(body(images))
        descend(functional.cross_entropy(logits, pictures().truth[positions]), optimizer)


def maps_and_logits(network: nn.Sequential, images: Tensor) -> tuple[list[Tensor], Tensor]:
    """Maps after every convolution of a teacher, and its logits."""
    maps = []
    for layer in list(network)[:MAPS]:
        images = layer(images)
        maps.append(images)
    return maps, network[MAPS:](images)


def common_features(weight: float) -> Work:
    """Outputs together, and with a weight common features and reconstruction of two teachers."""

    def work(steps: int) -> None:
        networks, student = modules(2), fresh().train()
        generator = torch.Generator().manual_seed(0)
        space = CommonSpace(
            student.channels[-1], [32, 32], student.channels[-1] // 2,
            kind=CommonNormalization.BATCH, generator=generator,
        )  # fmt: skip
        learning = [*student.parameters(), *space.parameters()] if weight else student.parameters()
        optimizer = torch.optim.Adam(learning, lr=2e-3, weight_decay=1e-4)
        for images, _ in batches(ready(), steps):
            with torch.no_grad():
                outputs = [maps_and_logits(network, images) for network in networks]
            answer = student.answer(images)
            loss = soft(answer.logits, mean_of([logits for _, logits in outputs]), 1.0)
            if weight:
                loss = loss + _common(space, answer.maps[-1], [maps[-1] for maps, _ in outputs])
            descend(loss, optimizer)

    return work


def _common(space: CommonSpace, own: Tensor, theirs: list[Tensor]) -> Tensor:
    shape = (own.shape[-2], own.shape[-1])
    theirs = [functional.adaptive_avg_pool2d(maps, shape) for maps in theirs]
    meeting, total = space(own, theirs), own.new_zeros(())
    for features, built, maps in zip(meeting.teachers, meeting.reconstructed, theirs, strict=True):
        pair = unit_vectors(meeting.student), unit_vectors(features)
        total = total + discrepancy(*pair, bandwidths=PUBLISHED_BANDWIDTHS)
        total = total + functional.mse_loss(built, maps)
    return total


def adaptive(steps: int) -> None:
    """One task of two sources: a third of the steps for the component, the rest for the student."""
    networks, generator = modules(2), torch.Generator().manual_seed(0)
    component, student, images = fresh().train(), fresh().train(), ready()
    channels = component.channels
    spaces = [
        AlignedSpace([*zip(channels, (16, 32, 32), strict=True)], generator) for _ in networks
    ]
    learning = [
        *component.parameters(),
        *(weight for space in spaces for weight in space.parameters()),
    ]
    optimizer = torch.optim.Adam(learning, lr=1e-2)
    halves = [batches(half, steps // 3) for half in images.chunk(2)]
    for pair in zip(*halves, strict=True):
        parts = [drawn for drawn, _ in pair]
        answer, loss = component.answer(torch.cat(parts)), images.new_zeros(())
        for index, (network, part) in enumerate(zip(networks, parts, strict=True)):
            with torch.no_grad():
                maps, logits = maps_and_logits(network, part)
            rows = slice(index * BATCH, (index + 1) * BATCH)
            own = TaskOutputs(answer.logits[rows], tuple(maps[rows] for maps in answer.maps))
            loss = loss + sum(spaces[index](own, TaskOutputs(logits, tuple(maps))))
        descend(loss, optimizer)
    adaptor = Adaptor([*zip(channels, channels, strict=True)], generator)
    optimizer = torch.optim.Adam([*student.parameters(), *adaptor.parameters()], lr=1e-2)
    component.eval()
    for batch, _ in batches(images, steps - steps // 3):
        with torch.no_grad():
            wanted = component.answer(batch)
        learned = student.answer(batch)
        terms = adaptor(
            TaskOutputs(learned.logits, learned.maps), TaskOutputs(wanted.logits, wanted.maps)
        )
        descend(sum(terms), optimizer)


def ours(method: str, params: type[Any], teachers: int, **more: Any) -> Work:
    """The method on the same networks and images, without an evaluation set."""

    def work(steps: int) -> None:
        config = {"budget": {"steps": steps}, "batch_size": BATCH, "num_evaluations": 1, "seed": 0}
        if method != "fine_tune":
            config |= {"student": STUDENT}
        validated = params.model_validate(config | more)
        method_package(method).run(inputs(teachers), validated, RecordingReporter())

    return work


_ALONE = {"common_weight": 0, "reconstruction_weight": 0}


@dataclass(frozen=True)
class Contest:
    """A method and its plain twin."""

    title: str
    ours: Work
    plain: Work


CONTESTS = {
    "distillation": Contest(
        "`knowledge_distillation`, one teacher",
        ours("knowledge_distillation", KnowledgeDistillationParams, 1),
        distillation(1),
    ),
    "two_teachers": Contest(
        "`knowledge_distillation`, two teachers",
        ours("knowledge_distillation", KnowledgeDistillationParams, 2),
        distillation(2),
    ),
    "fine_tune": Contest("`fine_tune`", ours("fine_tune", FineTuneParams, 1), fine_tuning),
    "outputs": Contest(
        "`common_feature_amalgamation`, outputs alone",
        ours("common_feature_amalgamation", CommonFeatureAmalgamationParams, 2, **_ALONE),
        common_features(0),
    ),
    "common_features": Contest(
        "`common_feature_amalgamation`",
        ours("common_feature_amalgamation", CommonFeatureAmalgamationParams, 2),
        common_features(1),
    ),
    "adaptive": Contest(
        "`adaptive_amalgamation`, both stages",
        ours("adaptive_amalgamation", AdaptiveAmalgamationParams, 2),
        adaptive,
    ),
}


def step_milliseconds(work: Work) -> float:
    """Processor milliseconds of one step."""
    spent = []
    for steps in (SHORT, LONG):
        begun = time.process_time()
        work(steps)
        spent.append(time.process_time() - begun)
    return 1000 * (spent[1] - spent[0]) / (LONG - SHORT)


def measured(contest: Contest, repeats: int) -> dict[str, float]:
    """Medians of both in turns, after one round that does not count."""
    pairs = [
        (step_milliseconds(contest.plain), step_milliseconds(contest.ours))
        for _ in range(repeats + 1)
    ][1:]
    return {
        "plain": statistics.median(plain for plain, _ in pairs),
        "ours": statistics.median(own for _, own in pairs),
        "ratio": statistics.median(own / plain for plain, own in pairs),
    }


def page(facts: dict[str, Any]) -> str:
    """The results as a page."""
    host, rows = facts["surroundings"], facts["rows"]
    lines = "".join(
        f"| {contest.title} | {rows[key]['plain']:.1f} | {rows[key]['ours']:.1f}"
        f" | {rows[key]['ratio']:.2f} | {'yes' if rows[key]['ratio'] <= 1 else '**no**'} |\n"
        if key in rows
        else f"| {contest.title} | not measured | | | |\n"
        for key, contest in CONTESTS.items()
    )
    return _PAGE.format(**host, lines=lines, batch=BATCH, repeats=facts["repeats"])


_PAGE = """# A training step against a plain loop

Written by `python -m benchmarks.training_steps`; every figure is in [training_steps.json](training_steps.json). {machine}, one
thread; torch {torch}; load average {load} at the end: well above 1 means that the machine was shared. Medians of {repeats} rounds in
turns.

Digits in frames of 12 × 12, batches of {batch}, teachers CNN and blocks (16, 32, 32), student plain (12). The *plain* loop holds
its images as ready tensors of the network's input and its teachers as modules in evaluation mode; *ours* reads canonical bytes and
runs teachers as uploaded programs. Both compute the same loss. CPU milliseconds of a step, without preparation and report. Data-free steps
are compared in [distillation_speed](distillation_speed.md); other trainings are not measured.

| training | plain | ours | ours / plain | at most 1.0 |
|---|---|---|---|---|
{lines}"""


def main() -> None:
    """Measure, keep every row at once, and write the page."""
    parser = argparse.ArgumentParser(prog="training_steps")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", choices=CONTESTS)
    options = parser.parse_args()
    torch.set_num_threads(1)
    path = RESULTS / "training_steps.json"
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"] if path.exists() else {}
    for key in options.only or CONTESTS:
        rows[key] = measured(CONTESTS[key], options.repeats)
        host = environment.describe(ROOT)
        facts = {"surroundings": host, "repeats": options.repeats, "rows": rows}
        path.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "training_steps.md").write_text(page(facts), encoding="utf-8")
        print(key, {name: round(value, 3) for name, value in rows[key].items()}, flush=True)


if __name__ == "__main__":
    main()
