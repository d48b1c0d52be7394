"""What measuring a network costs above the least that its products take, for every real network.

Per network, in processor seconds of one thread, in one run:

* floor: the operations of forward pass and input gradient up to the feature layer, over the rate at
  which one thread multiplies large float32 matrices in this run.
* eager: aten's calls one by one, in batches of 16, on inputs that are ready in memory: forward to
  the feature and one input gradient; nothing else.
* plain: the product's pass over the network as it was uploaded, in the plain layout and batches of
  16: bytes to inputs, forward, gradient, product, resize to the grid, unit rows.
* fixed: the product's measuring, ``feature_maps``, from folding and the choice of a layout to the check
  that a probe alone has the same map; in a process that keeps freed memory, as a job does.

Every contestant runs in a process forked for it, as jobs do. Maps of ``plain`` and ``fixed`` are compared with
each other, and for the first probes both with maps in float64: where a value lies at the kink of a ReLU, rounding
decides about its gradient in either.

    python -m benchmarks.measuring_floor [--data ../shared/data/real] [--probes 24] [--only NAME …]
        [--packed FOLDER] [--out docs/results]
"""

import argparse
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.real_networks import NETWORKS, RealNetwork, image_sets
from benchmarks.real_run import environment
from benchmarks.real_run.stages import say
from service.core.catalog.measurement import Attribution, Channel
from service.core.manifest import ModelFormat
from workers.isolation import memory
from workers.programs.program import Program
from workers.programs.reading import read_program
from workers.torchkit.attribution.attribution import MapSettings, Pass, collect_maps, feature_maps
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.gradients import AttributionTarget, input_gradient
from workers.torchkit.devices import REFERENCE
from zooscope.packing import pack

ROOT = Path(__file__).parents[1]
BATCH = 16
SIDE = 224
MATRIX = 1024
SHORT_SECONDS = 1.0
CHECKED = 2
FAR = 1e-5
HEAVY_OPERATIONS = 10**9
LIGHT_FACTOR = 8
METHOD = METHODS[Attribution.GRADIENT_X_INPUT]
Facts = dict[str, Any]


def packed(network: RealNetwork, data: Path, folder: Path) -> Path:
    """The network as an uploaded archive; one that is there already is taken."""
    file = folder / f"{network.name}.pt2"
    if not file.exists():
        form = {"format": ModelFormat.PT2, "architecture": None}
        pack(network.module(data), network.manifest().model_copy(update=form), file)
    return file


def canonical_probes(data: Path, count: int) -> Tensor:
    """Real photographs as canonical squares (count, side, side, 3)."""
    frames = []
    for image in image_sets.imagenet_samples(data).images[:count]:
        planes = torch.from_numpy(image.copy()).permute(2, 0, 1).float().unsqueeze(0)
        square = functional.interpolate(planes, (SIDE, SIDE), mode="bilinear", antialias=True)
        frames.append(square.round().clamp(0, 255).to(torch.uint8)[0].permute(1, 2, 0))
    return torch.stack(frames)


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds, the least of three where one takes less than a second, and the result."""
    taken: list[float] = []
    while len(taken) < 3 and not (taken and taken[0] > SHORT_SECONDS):
        start = time.process_time()
        result = work()
        taken.append(time.process_time() - start)
    return min(taken), result


def matrix_rate() -> float:
    """Operations per second of one thread in a product of two large float32 matrices."""
    left, right = torch.randn(2, MATRIX, MATRIX)
    return 2 * MATRIX**3 / min(timed(lambda: left @ right)[0] for _ in range(3))


def operations(program: Program) -> int:
    """Floating-point operations of forward and input gradient of one image."""
    images = torch.zeros(1, *program.input_shape)
    with FlopCounterMode(display=False) as counter:
        input_gradient(program, images, AttributionTarget(program.feature_layer))
    return int(counter.get_total_flops())


class Contestants:
    """The passes over one network, each to be run in a process of its own."""

    def __init__(self, network: RealNetwork, file: Path, probes: Tensor) -> None:
        program = read_program(file)
        layer = network.feature_layer or program.feature_layer
        self.program = program.with_interface(feature_layer=layer)
        self.preprocessing = Preprocessing.of(network.input)
        self.probes = probes

    def eager(self) -> Facts:
        """Seconds of bare passes."""
        question = AttributionTarget(self.program.feature_layer)
        batches = list(to_network_input(self.probes, self.preprocessing).split(BATCH))  # type: ignore[no-untyped-call]
        work = lambda: [input_gradient(self.program, batch, question) for batch in batches]  # noqa: E731
        return {"seconds": timed(work)[0], "operations": operations(self.program)}

    def plain(self) -> Facts:
        """Seconds and maps of the pass over the network as it is."""
        question = AttributionTarget(self.program.feature_layer)
        one_pass = Pass(
            self.program, self.preprocessing, METHOD, question, Channel.MEAN, self.probes.shape[1]
        )
        work = lambda: collect_maps(one_pass, self.probes, REFERENCE, BATCH)  # noqa: E731
        seconds, measured = timed(work)
        return {"seconds": seconds, "maps": measured.maps.numpy()}

    def exact(self) -> Facts:
        """Maps of the first probes in float64."""
        program = self.program.to(dtype=torch.float64)
        question = AttributionTarget(program.feature_layer)
        one_pass = Pass(
            program, self.preprocessing, METHOD, question, Channel.MEAN, self.probes.shape[1]
        )
        return {"maps": collect_maps(one_pass, self.probes[:CHECKED], REFERENCE, 1).maps.numpy()}

    def fixed(self) -> Facts:
        """Seconds, maps, batch size and layout of the product's measuring."""
        memory.reuse_freed_memory()
        work = lambda: feature_maps(  # noqa: E731
            self.program, self.probes, self.preprocessing, METHOD, settings=MapSettings()
        )
        seconds, measured = timed(work)
        facts = {"batch": measured.batch_size, "layout": str(measured.policy.layout)}
        return {"seconds": seconds, "maps": measured.maps.numpy()} | facts


def in_own_process(work: Callable[[], Facts]) -> Facts:
    """The facts and the matrix rate, from a forked process."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=lambda: sender.send(work() | {"rate": matrix_rate()}))
    process.start()
    sender.close()
    facts: Facts = receiver.recv()
    process.join()
    return facts


def measured(network: RealNetwork, file: Path, probes: Tensor) -> Facts:
    """One network: operations of all probes, seconds of each contestant, agreement of maps."""
    contestants = Contestants(network, file, probes)
    if operations(contestants.program) > HEAVY_OPERATIONS:
        contestants.probes = probes = probes[: len(probes) // LIGHT_FACTOR]
    eager, plain, fixed, exact = (
        in_own_process(work)
        for work in (contestants.eager, contestants.plain, contestants.fixed, contestants.exact)
    )
    differences = distances(fixed, plain)
    return {
        "network": network.name,
        "layer": contestants.program.feature_layer,
        "probes": len(probes),
        "operations": eager["operations"] * len(probes),
        "seconds": {
            "eager": eager["seconds"],
            "plain": plain["seconds"],
            "fixed": fixed["seconds"],
        },
        "batch": fixed["batch"],
        "layout": fixed["layout"],
        "median_difference": float(differences.median()),
        "largest_difference": float(differences.max()),
        "far": int((differences > FAR).sum()),
        "far_from_float64": {
            name: int((distances(facts, exact) > FAR).sum())
            for name, facts in (("plain", plain), ("fixed", fixed))
        },
        "rate": max(facts["rate"] for facts in (eager, plain, fixed)),
    }


def distances(facts: Facts, others: Facts) -> Tensor:
    """Length of the difference of two unit maps, for every probe that both have."""
    maps, other_maps = (torch.from_numpy(side["maps"]) for side in (facts, others))
    count = min(len(maps), len(other_maps))
    return torch.linalg.vector_norm(maps[:count] - other_maps[:count], dim=1)


def with_floors(rows: list[Facts]) -> Facts:
    """All rows with their floors, at the best rate of the run, and the sums."""
    rate = max(row["rate"] for row in rows)
    for row in rows:
        row["floor"] = row["operations"] / rate
    totals = {
        name: sum(row["seconds"][name] for row in rows) for name in ("eager", "plain", "fixed")
    }
    gains = [row["seconds"]["plain"] / row["seconds"]["fixed"] for row in rows]
    return {
        "rate": rate,
        "rows": rows,
        "total_seconds": totals | {"floor": sum(row["floor"] for row in rows)},
        "median_gain": statistics.median(gains),
    }


def page(facts: Facts) -> str:
    """The page."""
    lines = [
        "# Measuring against its floor",
        "",
        f"Written by `python -m benchmarks.measuring_floor --probes {facts['probes']}`; every figure is in"
        " [measuring_floor.json](measuring_floor.json).",
        f"{facts['machine']['machine']}, one thread; torch {facts['machine']['torch']};"
        f" load average {facts['machine']['load']}: well above 1 means that the machine was shared.",
        "Times are processor seconds, which a shared machine disturbs less than the wall clock.",
        "",
        f"{LIGHT_FACTOR * facts['probes']} photographs of {SIDE} × {SIDE} pixels, {facts['probes']} where an image takes more than 10⁹"
        " operations, through every real network, gradient × input at its feature layer. The *floor* is what the products of forward",
        f"pass and input gradient take at {facts['rate'] / 1e9:.0f} GFLOP/s, the rate of one thread for"
        f" {MATRIX} × {MATRIX} float32 matrices in the same run. *Eager* is forward",
        "and gradient alone, call by call; *plain* the whole measuring pass over the network as uploaded;"
        " *fixed* the pass as it is made.",
        "*Eager*, *plain* and *fixed* are multiples of the floor; *gain* is plain over fixed.",
        "",
        "Maps have length 1, so that differences are relative. *Median* and *above 1e-5* compare the maps of fixed and plain;"
        f" the last column counts, among the first {CHECKED} probes, those of plain and of fixed that",
        "differ by more than 1e-5 from float64: where a value lies at the kink of a ReLU or two values of a maximum"
        " tie, rounding decides about the gradient in either.",
        "",
        "| network | probes | floor, s | eager | plain | fixed | gain | batch | median | above 1e-5 | off float64: plain, fixed |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    lines += [_line(row) for row in facts["rows"]]
    total = facts["total_seconds"]
    lines += [
        f"| **all** | | {total['floor']:.2f} | {total['eager'] / total['floor']:.1f}"
        f" | {total['plain'] / total['floor']:.1f} | {total['fixed'] / total['floor']:.1f}"
        f" | {total['plain'] / total['fixed']:.2f} | | | | |",
        "",
        f"All networks: {total['plain']:.1f} s plain, {total['fixed']:.1f} s fixed; median gain of a network"
        f" {facts['median_gain']:.2f}."
        f" {sum(row['seconds']['fixed'] > 3 * row['floor'] for row in facts['rows'])} of {len(facts['rows'])} networks take more than"
        " three times their floor.",
        "",
    ]
    return "\n".join(lines)


def _line(row: Facts) -> str:
    seconds, floor, far = row["seconds"], row["floor"], row["far_from_float64"]
    return (
        f"| {row['network']} | {row['probes']} | {floor:.3f} | {seconds['eager'] / floor:.1f} | {seconds['plain'] / floor:.1f}"
        f" | {seconds['fixed'] / floor:.1f} | {seconds['plain'] / seconds['fixed']:.2f} | {row['batch']}"
        f" | {row['median_difference']:.0e} | {row['far']} | {far['plain']}, {far['fixed']} |"
    )


def main() -> None:
    """Measure, print, and write page and figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared" / "data" / "real")
    parser.add_argument("--probes", type=int, default=24, help="for heavy networks")
    parser.add_argument("--only", nargs="*")
    parser.add_argument("--packed", type=Path, help="folder that keeps the packed networks")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if not (options.data / "weights").is_dir():
        say(f"skipped: there are no real networks in {options.data}")
        return
    torch.set_num_threads(1)
    machine = environment.describe(ROOT)
    probes, rows = canonical_probes(options.data, LIGHT_FACTOR * options.probes), []
    with tempfile.TemporaryDirectory() as folder:
        for network in NETWORKS:
            if options.only is None or network.name in options.only:
                file = packed(network, options.data, options.packed or Path(folder))
                rows.append(measured(network, file, probes))
                facts = with_floors(rows) | {
                    "machine": machine,
                    "probes": options.probes,
                }
                say(_line(rows[-1]))
                if options.out is not None:
                    write(facts, options.out)
    say(page(facts))


def write(facts: Facts, folder: Path) -> None:
    """The page and its figures, after every network."""
    figures = json.dumps(facts, indent=1) + "\n"
    (folder / "measuring_floor.json").write_text(figures, encoding="utf-8")
    (folder / "measuring_floor.md").write_text(page(facts), encoding="utf-8")


if __name__ == "__main__":
    main()
