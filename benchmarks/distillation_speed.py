"""Is the data-free game faster here than as published, and as good in the same time?

The published loop, reimplemented in plain torch, and the method ``adversarial_distillation`` play with
the same teacher, the same fresh student and a generator of the same build, in one process and in
turns. First: processor and wall time of one outer iteration, on digits and on a pair of CIFAR
size. Then: accuracy on digits after the same processor time, for several seeds.

    python -m benchmarks.distillation_speed [--seeds 0 1 2] [--repeats 2]

Writes docs/results/distillation_speed.json and docs/results/distillation_speed.md.
"""

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import torch
from torch import nn

from benchmarks.real_networks.cifar_resnet import CifarResNet
from benchmarks.real_run import environment
from benchmarks.students import published_adversary as published
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import LabeledPictures, digits
from benchmarks.students.protocol import RESULTS, ROOT
from benchmarks.students.scenes import Scene, of_method
from benchmarks.students.teaching import module, teacher
from service.core.catalog.adversarial_distillation import AdversarialDistillationParams
from service.core.catalog.training import Student, StudentArchitecture
from service.core.manifest import InputSpec, TaskKind
from workers.methods.adversarial_distillation import run
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.loop import drops
from workers.torchkit.training.task import DataFreeInputs
from workers.torchkit.training.teachers import Teacher

_RATE, _TURNS = 0.05, 300
_DROPS = drops(0.5, 0.8)
Spent = dict[str, float]


@dataclass(frozen=True)
class TeacherStudentPair:
    """A teacher in both forms, a student, and the sizes of the game.

    Attributes:
        steps: Outer iterations of one timed run.
    """

    name: str
    scene: Scene
    teacher: nn.Module
    batch: int
    units: int
    width: int
    steps: int
    seed: int

    def published(self) -> tuple[published.PublishedGame, nn.Module]:
        """The published game at its beginning, and its student."""
        torch.manual_seed(self.seed)
        spec, student = self.scene.spec, self.scene.fresh(self.seed)
        generator = published.PublishedGenerator.fresh(
            spec, units=self.units, width=self.width, seed=self.seed
        )
        game = published.PublishedGame(self.teacher, student, generator, published.Rates(_RATE))
        return game, student

    def params(self, **budget: float) -> AdversarialDistillationParams:
        """The same game for the method."""
        return AdversarialDistillationParams.model_validate(
            {
                "preset": "dfad",
                "student": self.scene.student,
                "budget": budget,
                "batch_size": self.batch,
                "generator_width": self.width,
                "noise_units": self.units,
                "student_learning_rate": _RATE,
                "num_evaluations": 1,
                "checkpoint_interval_seconds": 60,
                "seed": self.seed,
            }
        )


def of_digits(seed: int) -> TeacherStudentPair:
    """LeNet 16-32-64 and a student of half its width."""
    split, net = digits(), NetSpec("lenet", (16, 32, 64))
    digit_teacher = teacher(net, split.train, name="digits", seed=seed)
    student = Student(architecture=StudentArchitecture.LENET, width=8)
    scene = Scene((digit_teacher,), student, split.test.evaluation_set, split.train)
    return TeacherStudentPair(
        "digits", scene, module(net, split.train, seed=seed), batch=128, units=64, width=16,
        steps=300, seed=seed,
    )  # fmt: skip


def of_cifar_size(seed: int) -> TeacherStudentPair:
    """ResNet-20 and a residual student of half its width; untrained, for time alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = CifarResNet(3, 10).eval()
    spec = InputSpec(channels=3, height=32, width=32, mean=(0.5,) * 3, std=(0.25,) * 3)
    labels = tuple(str(number) for number in range(10))
    with tempfile.TemporaryDirectory() as folder:
        program = export_network(network, (3, 32, 32), Path(folder) / "resnet20.pt2")
    resnet_teacher = Teacher(
        "resnet20", "resnet20", program, spec, TaskKind.CLASSIFICATION, labels
    )
    nothing = LabeledPictures(
        torch.zeros(1, 32, 32, 3, dtype=torch.uint8), torch.zeros(1, dtype=torch.int64), labels
    )
    student = Student(architecture=StudentArchitecture.RESIDUAL, width=8)
    scene = Scene((resnet_teacher,), student, nothing.evaluation_set, nothing)
    return TeacherStudentPair(
        "32 × 32 color", scene, network, batch=32, units=128, width=32, steps=12, seed=seed
    )  # fmt: skip


def timed(action: Callable[[], None]) -> Spent:
    """Seconds of wall and processor."""
    began, busy = time.monotonic(), time.process_time()
    action()
    return {"wall": time.monotonic() - began, "processor": time.process_time() - busy}


def compared(pair: TeacherStudentPair, repeats: int) -> dict[str, Any]:
    """Milliseconds of an outer iteration on both sides, run in turns, and their ratio.

    A run of the method counts whole: its student, its picture and its report are in its time. The
    first run of both is not counted.
    """
    game, _ = pair.published()

    def theirs() -> None:
        for _ in range(pair.steps):
            game.turn(batch=pair.batch)

    def ours() -> None:
        run(
            DataFreeInputs(name="timed", teachers=pair.scene.teachers),
            pair.params(steps=pair.steps),
            RecordingReporter(),
        )

    times = [(timed(theirs), timed(ours)) for _ in range(repeats + 1)][1:]
    comparison: dict[str, Any] = {"steps": pair.steps, "repeats": repeats}
    for clock in ("processor", "wall"):
        comparison[clock] = {
            "published": _median(released[clock] for released, _ in times) * 1000 / pair.steps,
            "ours": _median(own[clock] for _, own in times) * 1000 / pair.steps,
            "ratio": _median(own[clock] / released[clock] for released, own in times),
        }
    return comparison


def _median(values: Any) -> float:
    return float(statistics.median(values))


def quality(pair: TeacherStudentPair, ratio: float) -> dict[str, float]:
    """Accuracy of both students after the same processor time, and the steps that each took.

    Args:
        ratio: Our time of a step over the published one's.
    """
    game, student = pair.published()
    for step in range(_TURNS):
        game.turn(batch=pair.batch, share=_DROPS(step / _TURNS))
    steps = round(_TURNS / ratio)
    own = of_method(run, pair.params(steps=steps), pair.scene.alone)
    return {
        "published": pair.scene.graded(student)["accuracy"],
        "published_steps": _TURNS,
        "ours": own["accuracy"],
        "ours_steps": steps,
    }


_PAIRS: tuple[Callable[[int], TeacherStudentPair], ...] = (of_digits, of_cifar_size)
_TARGET = 0.8


def measured(options: argparse.Namespace) -> dict[str, Any]:
    """Both questions, with what the figures depend on."""
    host = environment.describe(ROOT)
    pairs = [make(options.seeds[0]) for make in _PAIRS]
    times = {pair.name: compared(pair, options.repeats) for pair in pairs}
    ratio = times["digits"]["processor"]["ratio"]
    equal = {str(seed): quality(of_digits(seed), ratio) for seed in options.seeds}
    return {
        "surroundings": host | {"load_after": f"{psutil.getloadavg()[0]:.1f}"},
        "time": times,
        "quality": equal,
    }


def page(facts: dict[str, Any]) -> str:
    """The results as a page."""
    host = facts["surroundings"]
    return _PAGE.format(
        machine=host["machine"],
        torch=host["torch"],
        before=host["load"],
        after=host["load_after"],
        times=_times(facts["time"]),
        turns=_TURNS,
        quality=_quality(facts["quality"]),
    )


_PAGE = """# Data-free distillation against its published loop

Written by `python -m benchmarks.distillation_speed`; every figure is in
[distillation_speed.json](distillation_speed.json). {machine}, one thread; torch {torch}; load average {before}
before and {after} after: well above 1 means that the machine was shared.

Both sides use the same teacher, the same untrained student, and generators of the same architecture and learning rates,
in one process and alternating. *Published* is the loop of the scripts of Fang et al. 2019 (arXiv 1912.11006), reimplemented in
plain torch (`benchmarks/students/published_adversary.py`): nothing is frozen, the teacher is a module. *Ours* is the method
`adversarial_distillation` with preset `dfad`, whose teacher is an uploaded program that is interpreted call by call.

## Time of one step

Five student steps and one generator step, in milliseconds; medians of alternating runs. A run of our method counts
in full, with its preparation, its evaluation and its report.

{times}
Digits: teacher LeNet 16-32-64, student LeNet 8-16-32, batches of 128, generator of width 16. 32 × 32 color: teacher
an untrained ResNet-20, a residual student of width 8, batches of 32, generator of width 32; only time is measured there.

## Accuracy after the same time

Digits; each side has the CPU time of {turns} published steps, by the ratio above, and decays its learning rates over
the steps that fit in it.

{quality}"""


_CLOCKS = {"processor": "CPU", "wall": "wall"}


def _times(times: dict[str, Any]) -> str:
    lines = "| pair | clock | published | ours | ours / published | at most 0.8 |\n|---|---|---|---|---|---|\n"
    for name, comparison in times.items():
        for clock in ("processor", "wall"):
            each = comparison[clock]
            verdict = "yes" if each["ratio"] <= _TARGET else "**no**"
            lines += f"| {name} | {_CLOCKS[clock]} | {each['published']:.1f} | {each['ours']:.1f} | {each['ratio']:.2f} | {verdict} |\n"
    return lines


def _quality(rows: dict[str, dict[str, float]]) -> str:
    lines = "| seed | published (steps) | ours (steps) | ours − published |\n|---|---|---|---|\n"
    leads = []
    for seed, row in rows.items():
        leads.append(row["ours"] - row["published"])
        lines += f"| {seed} | {row['published']:.3f} ({row['published_steps']:.0f}) | {row['ours']:.3f} ({row['ours_steps']:.0f}) | {leads[-1]:+.3f} |\n"
    below = sum(lead < 0 for lead in leads)
    return (
        f"{lines}\nMean lead {statistics.fmean(leads):+.3f}; below the published loop in {below} of "
        f"{len(leads)} seeds.\n"
    )


def main() -> None:
    """Measure and write both files."""
    parser = argparse.ArgumentParser(prog="distillation_speed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--repeats", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(1)
    facts = measured(options)
    text = json.dumps(facts, indent=1)
    (RESULTS / "distillation_speed.json").write_text(text + "\n", encoding="utf-8")
    (RESULTS / "distillation_speed.md").write_text(page(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
