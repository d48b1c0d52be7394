"""What our attribution pass costs above the bare forward and input-gradient of the same network.

For each architecture, in one run with the repeats of all contestants interleaved:

* bare: eager module, weights frozen, forward to the feature and one input-gradient, on a tensor
  that is ready in memory; nothing else.
* captum: captum's ``Saliency`` in a loop over batches of the same size, on the same ready tensor.
* float32: our whole pass in the reference numerics: bytes to input, forward, gradient, product,
  channel mean, resize to the grid, unit rows in float64 norms, mask, features kept.
* chosen: the same under the policy that was measured to be the fastest faithful one.
* program: the chosen pass on the exported network, run by the interpreter that uploads get.

Networks are timm's with random weights, batch statistics taken from the images themselves.
Images are random canonical bytes that already lie in memory, as measurements read them.

    python benchmarks/attribution_cost.py [--json FILE] [--threads 2] [--repeats 7] [--images 32]
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from captum.attr import Saliency
from torch import Tensor, nn

from service.core.catalog.measurement import Attribution, Channel, Target
from workers.programs.program import Program
from workers.programs.reading import read_program
from workers.torchkit.attribution.attribution import (
    DEFAULTS,
    Pass,
    chosen_policy,
    collect_maps,
)
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import FeatureReader
from workers.torchkit.attribution.gradients import AttributionTarget, scalar_target, target_of_each
from workers.torchkit.attribution.module_reader import ModuleReader
from workers.torchkit.devices import REFERENCE, smallest_cosine

ARCHITECTURES = {
    "resnet18": 128,
    "mobilenetv3_small_100": 128,
    "convnext_atto": 128,
    "vit_tiny_patch16_224": 224,
    "efficientnet_b0": 128,
    "densenet121": 96,
}
BATCH = 16
FOR_CHOOSING = 256
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class CostRow:
    """One architecture: median seconds of each contestant for all images, and ratios."""

    architecture: str
    side: int
    seconds: dict[str, float]
    over_bare: dict[str, float]
    over_captum: dict[str, float]
    choosing_seconds: float
    policy: dict[str, Any]
    program_policy: dict[str, Any]
    chosen_cosine: float
    program_cosine: float


class Headless(nn.Module):
    """A timm network up to the input of its last linear layer."""

    def __init__(self, name: str) -> None:
        super().__init__()
        import timm

        torch.manual_seed(0)
        self.body = timm.create_model(name, num_classes=0).train()
        self.feature = nn.Identity()

    def forward(self, images: Tensor) -> Tensor:
        """Pooled features."""
        features: Tensor = self.feature(self.body(images))
        return features


def majorized_points(name: str, inputs: Tensor) -> Headless:
    """The network in evaluation mode, its batch statistics those of the images."""
    network = Headless(name)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        network(inputs)
    return network.eval().requires_grad_(False)  # noqa: FBT003 - torch's own signature


def exported(network: nn.Module, inputs: Tensor) -> Program:
    """The network after the way of an upload: export, archive, our reader."""
    sizes = ({0: torch.export.Dim("batch", min=1, max=1024)},)
    graph = torch.export.export(network, (inputs[:4],), dynamic_shapes=sizes)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "network.pt2"
        torch.export.save(graph, path)
        program = read_program(path)
        return program.to(torch.device("cpu"), memory_format=torch.contiguous_format)


def bare(network: nn.Module, batches: list[Tensor]) -> list[Tensor]:
    """Forward and input-gradient, nothing else."""
    gradients = []
    for batch in batches:
        leaf = batch.detach().requires_grad_()
        gradients.append(torch.autograd.grad(scalar_target(network(leaf), Target.L2), leaf)[0])
    return gradients


def captum_loop(network: nn.Module, batches: list[Tensor]) -> list[Tensor]:
    """Captum's Saliency over the same batches."""
    method = Saliency(lambda images: target_of_each(network(images), Target.L2))
    return [method.attribute(batch.detach().requires_grad_()) for batch in batches]


def pass_of(reader: FeatureReader, layer: str, side: int, grid: int) -> Pass:
    """Gradient × input, ½‖F‖², mean over channels, on the canonical grid."""
    method = METHODS[Attribution.GRADIENT_X_INPUT]
    preprocessing = Preprocessing(3, side, side, mean=MEAN, std=STD)
    return Pass(reader, preprocessing, method, AttributionTarget(layer), Channel.MEAN, grid)


def interleaved(contestants: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each, taken in turns after one round of warming up.

    With one thread the processor's own seconds are counted, which neighbors on a shared machine
    disturb less; with several the wall clock, because idle threads spin.
    """
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    taken: dict[str, list[float]] = {name: [] for name in contestants}
    for turn in range(repeats + 1):
        for name, work in contestants.items():
            start = clock()
            work()
            if turn:
                taken[name].append(clock() - start)
    return {name: statistics.median(seconds) for name, seconds in taken.items()}


def measure(name: str, side: int, *, images: int, repeats: int) -> CostRow:
    """One architecture, all contestants."""
    grid = side * 8 // 7
    generator = torch.Generator().manual_seed(0)
    size = (max(images, FOR_CHOOSING), grid, grid, 3)
    pictures = torch.randint(0, 256, size, generator=generator).to(torch.uint8)
    probes = pictures[:images]
    inputs = to_network_input(probes, Preprocessing(3, side, side, mean=MEAN, std=STD))
    network = majorized_points(name, inputs)
    batches = list(inputs.split(BATCH))  # type: ignore[no-untyped-call]
    eager = pass_of(
        ModuleReader(network, "feature", input_shape=(3, side, side)), "feature", side, grid
    )
    uploaded = pass_of(exported(network, inputs), "output", side, grid)

    start = time.perf_counter()
    policy = chosen_policy(eager, pictures, DEFAULTS)
    choosing = time.perf_counter() - start
    program_policy = chosen_policy(uploaded, pictures, DEFAULTS)

    seconds = interleaved(
        {
            "bare": lambda: bare(network, batches),
            "captum": lambda: captum_loop(network, batches),
            "float32": lambda: collect_maps(eager, probes, REFERENCE, BATCH),
            "chosen": lambda: collect_maps(eager, probes, policy, BATCH),
            "program": lambda: collect_maps(uploaded, probes, program_policy, BATCH),
        },
        repeats,
    )
    reference = collect_maps(eager, probes, REFERENCE, BATCH).maps
    return CostRow(
        architecture=name,
        side=side,
        seconds=seconds,
        over_bare={key: value / seconds["bare"] for key, value in seconds.items()},
        over_captum={key: value / seconds["captum"] for key, value in seconds.items()},
        choosing_seconds=choosing,
        policy=asdict(policy),
        program_policy=asdict(program_policy),
        chosen_cosine=smallest_cosine(collect_maps(eager, probes, policy, BATCH).maps, reference),
        program_cosine=smallest_cosine(
            collect_maps(uploaded, probes, program_policy, BATCH).maps, reference
        ),
    )


def line(row: CostRow) -> str:
    """One line of the table."""
    ratios = "  ".join(
        f"{row.over_bare[key]:7.3f}" for key in ("captum", "float32", "chosen", "program")
    )
    return (
        f"{row.architecture:24}{row.side:5}{1e3 * row.seconds['bare'] / 1:10.0f}  {ratios}  "
        f"{row.over_captum['chosen']:9.3f}  "
        f"{row.policy['arithmetic']}/{row.policy['layout']}  {row.chosen_cosine:.5f}"
    )


HEADER = (
    f"{'architecture':24}{'side':>5}{'bare ms':>10}  {'captum':>7}  {'float32':>7}  {'chosen':>7}"
    f"  {'program':>7}  {'ch/captum':>9}  policy, smallest cosine to float32"
)


def main() -> None:
    """Measure, print the table, write the JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--images", type=int, default=32)
    parser.add_argument("--only", choices=ARCHITECTURES)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"{options.images} images, batch {BATCH}, {options.threads} threads, {platform.machine()}"
    )
    print(HEADER)
    rows = []
    for name, side in ARCHITECTURES.items():
        if options.only in (None, name):
            rows.append(measure(name, side, images=options.images, repeats=options.repeats))
            print(line(rows[-1]), flush=True)
    medians = {
        key: statistics.median(row.over_bare[key] for row in rows)
        for key in ("captum", "float32", "chosen", "program")
    }
    print("median over bare:", {key: round(value, 3) for key, value in medians.items()})
    if options.json:
        report = {"torch": torch.__version__, "threads": options.threads, "batch": BATCH}
        report |= {"images": options.images, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
