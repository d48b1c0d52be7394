"""Everything that is measured: sources, references, and one row for every triple and share."""

import resource
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.layer_protocol import networks, scores
from benchmarks.layer_protocol.cuts import (
    AMPLE,
    SCARCE,
    Frozen,
    SourceNetwork,
    from_scratch,
    trained_source,
)
from benchmarks.layer_protocol.tasks import INPUT, all_tasks
from benchmarks.layer_protocol.training import Schedule
from benchmarks.real_networks.cifar_resnet import CifarResNet
from benchmarks.real_networks.weights import loaded
from service.core.manifest import InputSpec
from workers.torchkit.attribution.canonical import Preprocessing

TARGETS = ("vehicles", "Fashion-MNIST", "MNIST")
SHARES = (SCARCE, AMPLE)
PUBLISHED = Path("weights/cifar10_resnet_akamaster/resnet20-12fca82f.th")
_IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}
_SHALLOWEST_PUBLISHED_CUT = 3
_SOURCE_SEED = 1
Row = dict[str, Any]


@dataclass(frozen=True)
class SourceTraining:
    """How a source is trained: which network learns which task for how long."""

    name: str
    family: Callable[[int], nn.Sequential]
    task: str
    schedule: Schedule


SOURCE_TRAININGS = (
    SourceTraining("animals", networks.plain, "animals", Schedule(1000, 64)),
    SourceTraining("animals, residual", networks.residual, "animals", Schedule(800, 64)),
    SourceTraining("rotated animals", networks.plain, "rotated animals", Schedule(1000, 64)),
    SourceTraining("Fashion-MNIST", networks.plain, "Fashion-MNIST", Schedule(400, 64)),
    SourceTraining("MNIST", networks.plain, "MNIST", Schedule(400, 64)),
)


@dataclass(frozen=True)
class Reference:
    """A network trained on a target's share alone."""

    target: str
    seed: int
    share: float
    network: nn.Sequential
    accuracy: float


@dataclass(frozen=True)
class Learned:
    """A source and its accuracy on its own task; None where it was not measured here."""

    source: SourceNetwork
    accuracy: float | None


def learned_sources(data: Path, *, processes: int) -> list[Learned]:
    """Every source that is trained here, and the published one when it is there."""
    own = list(spread(learned, [(data, plan) for plan in SOURCE_TRAININGS], processes=processes))
    return [*own, published(data)] if (data / PUBLISHED).is_file() else own


def learned(data: Path, plan: SourceTraining) -> Learned:
    """The network of a task."""
    task = all_tasks(data)[plan.task]
    network, accuracy = trained_source(plan.family, task, plan.schedule, seed=_SOURCE_SEED)
    cuts = tuple(range(1, networks.depth(network) + 1))
    source = SourceNetwork(plan.name, plan.family, network, Preprocessing.of(INPUT), cuts)
    return Learned(source, accuracy)


def published(data: Path) -> Learned:
    """ResNet-20 of CIFAR-10; its dear shallow cuts and the ample share are left out."""
    whole = loaded(CifarResNet(3), data / PUBLISHED)
    assert isinstance(whole, CifarResNet)
    network = networks.steps_of(whole)
    spec = INPUT.model_copy(update=_IMAGENET)
    assert isinstance(spec, InputSpec)
    cuts = tuple(range(_SHALLOWEST_PUBLISHED_CUT, networks.depth(network) + 1))
    source = SourceNetwork(
        "ResNet-20", networks.resnet20, network, Preprocessing.of(spec), cuts, shares=(SCARCE,)
    )
    return Learned(source, None)


def learned_references(data: Path, seeds: Sequence[int], *, processes: int) -> list[Reference]:
    """From scratch, for every target, seed and share."""
    wanted = [
        (data, target, seed, share) for target in TARGETS for seed in seeds for share in SHARES
    ]
    return list(spread(learned_reference, wanted, processes=processes))


def learned_reference(data: Path, target: str, seed: int, share: float) -> Reference:
    """One of them."""
    network, accuracy = from_scratch(all_tasks(data)[target], share, seed=seed)
    return Reference(target, seed, share, network, accuracy)


def pairs_of(sources: Iterable[SourceNetwork]) -> list[tuple[SourceNetwork, str]]:
    """Every source with every target that it has not learned; the published one knows all of CIFAR-10."""
    return [
        (source, target)
        for source in sources
        for target in TARGETS
        if target != source.name and (source.name, target) != ("ResNet-20", "vehicles")
    ]


def rows_of(
    data: Path, source: SourceNetwork, target: str, references: list[Reference]
) -> list[Row]:
    """One row for every seed and share of a pair."""
    task = all_tasks(data)[target]
    frozen = Frozen(source, task)
    layers = [scores.views_of(features) for features in frozen.of(task.probes)]
    strong = {
        reference.seed: reference.network for reference in references if reference.share == AMPLE
    }
    return [
        _row(frozen, reference, layers)
        | {"strong": vars(scores.depara(frozen, strong[reference.seed]))}
        for reference in references
        if reference.share in source.shares
    ]


def _row(frozen: Frozen, reference: Reference, layers: list[scores.Views]) -> Row:
    began = time.process_time()
    accuracies = frozen.reached(reference.share, seed=reference.seed)
    retrained = time.process_time()
    parts = scores.depara(frozen, reference.network)
    return {
        "source": frozen.source.name,
        "target": frozen.task.name,
        "seed": reference.seed,
        "share": reference.share,
        "cuts": list(frozen.source.cuts),
        "accuracies": accuracies,
        "scratch": reference.accuracy,
        "nodes": parts.nodes,
        "edges": parts.edges,
        "variants": scores.varied(frozen, reference.network),
        "agreements": scores.agreements(
            layers, scores.reference_views(reference.network, frozen.task)
        ),
        "retraining_seconds": retrained - began,
        "scoring_seconds": time.process_time() - retrained,
    }


def spread(
    work: Callable[..., Any], wanted: Sequence[tuple[Any, ...]], *, processes: int
) -> Iterator[Any]:
    """Results of ``work`` in order, from as many processes of one thread each."""
    if processes == 1:
        torch.set_num_threads(1)
        yield from (work(*each) for each in wanted)
        return
    with ProcessPoolExecutor(
        processes,
        mp_context=get_context("spawn"),
        initializer=torch.set_num_threads,
        initargs=(1,),
    ) as pool:
        yield from pool.map(work, *zip(*wanted, strict=True))


def all_rows(
    data: Path,
    sources: Sequence[SourceNetwork],
    references: Sequence[Reference],
    *,
    processes: int,
) -> list[Row]:
    """The rows of every pair."""
    wanted = [
        (
            data,
            source,
            target,
            [reference for reference in references if reference.target == target],
        )
        for source, target in pairs_of(sources)
    ]
    return [row for rows in spread(rows_of, wanted, processes=processes) for row in rows]


def processor_seconds() -> float:
    """Of this process and of its children that have ended: what a quiet core would have taken."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime
