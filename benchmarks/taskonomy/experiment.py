"""One zoo from images to scores: train, transfer, measure."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float32, Int64
from torch import Tensor

from benchmarks.taskonomy import judging, measures
from benchmarks.taskonomy.images import Album
from benchmarks.taskonomy.judging import Judged, Scores
from benchmarks.taskonomy.tasks import Answer, TaskonomyTask, tasks_of
from benchmarks.taskonomy.training import TrainedSource, seconds_spent, stored_source
from benchmarks.taskonomy.transfers import Bench, bench_for, losses_of
from benchmarks.taskonomy.truth import TransferTruth, truth_of
from service.core.catalog.depara import EDGE_WEIGHTS, DeparaParams, settings_of
from service.core.catalog.measurement import Attribution, Centering, Metric

REPLICATES = 200
POWERS = (1.0, 0.5, 0.25, 0.125)
_BY_RELATIONS = {"RSA": Metric.RSA, "DDS": Metric.DDS, "linear CKA": Metric.LINEAR_CKA}
PLUS = settings_of(Metric.DEPARA_PLUS, DeparaParams())


@dataclass(frozen=True)
class Plan:
    """What a run costs: steps of an encoder, seeds of a decoder, probes, and where it is kept."""

    steps: int
    seeds: int
    probes: int
    folder: Path


@dataclass(frozen=True)
class TaskonomyZoo:
    """Trained sources, the targets they were tried on, and what came of it."""

    name: str
    sources: tuple[TrainedSource, ...]
    benches: tuple[Bench, ...]
    losses: Float32[np.ndarray, "target source seed image"]
    truth: TransferTruth
    itself: Int64[np.ndarray, " target"]
    seconds: dict[str, float]

    @property
    def tasks(self) -> tuple[TaskonomyTask, ...]:
        """The targets."""
        return tuple(bench.task for bench in self.benches)

    @property
    def labeled(self) -> Int64[np.ndarray, " chosen"]:
        """Positions of the targets that have labels."""
        return np.flatnonzero([task.answer is Answer.LABEL for task in self.tasks])

    def judged(self, scores: Scores) -> Judged:
        """A table of scores against the truth."""
        return judging.judged(scores, self.truth.affinity, self.truth.wins, self.itself)

    def rows(self, square: Scores) -> Scores:
        """Rows of the targets in a similarity of every two sources."""
        selected: Scores = square[self.itself]
        return selected


def zoo_of(album: Album, plan: Plan, *, seed: int) -> TaskonomyZoo:
    """Train what is not in the folder, and try every source on every target."""
    plan.folder.mkdir(parents=True, exist_ok=True)
    tasks = tasks_of(album)
    sources = tuple(
        stored_source(task, album, steps=plan.steps, seed=seed, folder=plan.folder)
        for task in (None, *tasks)
    )
    benches = tuple(bench_for(task, album) for task in tasks)
    losses, seconds = losses_of(sources, benches, seeds=plan.seeds, folder=plan.folder)
    truth = truth_of(losses, replicates=REPLICATES)
    spent = {"encoders": seconds_spent(plan.folder), "transfers": seconds}
    return TaskonomyZoo(
        album.name, sources, benches, losses, truth, np.arange(1, len(sources)), spent
    )


@dataclass(frozen=True)
class Scored:
    """Every measure's table, DEPARA's nodes, and its edges by the power of the spectrum."""

    tables: dict[str, Scores]
    node: Scores
    edges: dict[float, Scores]


def scores_of(zoo: TaskonomyZoo, album: Album, plan: Plan) -> Scored:
    """What every measure says about every target and source."""
    probes = album.probes.first(plan.probes).frames
    device = album.training.frames.device
    features = [measures.flat_features(source, probes.to(device)) for source in zoo.sources]
    by_power = {
        power: zoo.rows(
            measures.edge_similarities(features, power=power, centering=Centering.CENTERED)
        )
        for power in POWERS
    }
    raw = measures.edge_similarities(features, power=1.0, centering=Centering.RAW)
    graphs = _by_graphs(zoo, measures.frames_of(probes))
    node = graphs["attribution, gradient × input"]
    tables = {
        **graphs,
        "DEPARA-E": by_power[1.0],
        "DEPARA-E, raw features": zoo.rows(raw),
        "LogME (labels)": _logme(zoo),
        "static list": judging.static_list(zoo.truth.wins, zoo.itself),
    }
    return Scored(tables, node, by_power)


def _by_graphs(zoo: TaskonomyZoo, frames: Tensor) -> dict[str, Scores]:
    """Maps and graphs, by the method that the service runs."""

    def parts(params: DeparaParams) -> tuple[Scores, Scores]:
        pairs = measures.parts_of(zoo.sources, frames, params)
        return zoo.rows(pairs.node), zoo.rows(pairs.edge)

    node, edge = parts(DeparaParams())
    return {
        "attribution, saliency": parts(DeparaParams(attribution=Attribution.SALIENCY))[0],
        "attribution, gradient × input": node,
        "attribution, ε-LRP": parts(DeparaParams(attribution=Attribution.EPSILON_LRP))[0],
        "DEPARA, λ = 0.25": judging.weighted(node, edge, 0.25),
        "DEPARA, λ = 1": judging.weighted(node, edge, 1.0),
        "DEPARA plus": judging.weighted(*parts(PLUS), EDGE_WEIGHTS[Metric.DEPARA_PLUS]),
        **{
            name: parts(settings_of(metric, DeparaParams()))[0]
            for name, metric in _BY_RELATIONS.items()
        },
    }


def _logme(zoo: TaskonomyZoo) -> Scores:
    """NaN for targets without labels."""
    scores = np.full((len(zoo.benches), len(zoo.sources)), np.nan)
    for position in zoo.labeled:
        scores[position] = measures.logme_of(zoo.sources, zoo.benches[position])
    return scores
