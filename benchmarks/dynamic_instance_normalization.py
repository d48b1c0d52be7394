"""Is one small network with dynamic instance normalization as good as AdaIN, and how much cheaper?

Contents: ImageNet samples, 200 to learn from. Styles: 320 drawn pictures of seven families to learn
from; unseen are two other families and three paintings in the public domain. SqueezeNet 1.0
measures the losses. The stylizer and its rivals learn from the same batches of 96 x 96 pixels.

    python -m benchmarks.dynamic_instance_normalization [--data ../shared/data/real] [--steps 350] [--seeds 0]
        [--rivals cin adain_loss_network] [--sheets FOLDER] [--results FILE]

Writes docs/results/dynamic_instance_normalization.json after every seed. Weights and contact sheets
stay in FOLDER; a seed whose weights are there is only measured again.
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.drawn_styles import FAMILIES, HELD_OUT, drawn_styles
from benchmarks.real_networks.listing import NETWORKS
from benchmarks.students.protocol import ROOT
from benchmarks.stylizer_measures import (
    adain_vgg_multiply_adds,
    control_curves,
    latencies,
    losses_of,
    vgg_seconds,
)
from service.core.catalog.dynamic_instance_normalization import (
    DynamicInstanceNormalizationParams,
    Rival,
)
from workers.methods.dynamic_instance_normalization.evaluator import STUDENT, StyleEvaluator
from workers.methods.dynamic_instance_normalization.loss_network import LossNetwork, chosen_layers
from workers.methods.dynamic_instance_normalization.networks import StylizerModule
from workers.methods.dynamic_instance_normalization.pictures import center_crops
from workers.methods.dynamic_instance_normalization.task import StylizationTask, multiply_adds
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import PictureInputs, complete
from workers.torchkit.training.teachers import Teacher

RESULTS = ROOT / "docs/results/dynamic_instance_normalization.json"
_SIDE, SIZE = 256, 96
_HELD_OUT_CONTENTS = 50
LOSS, _JUDGE = "squeezenet-1.0-pruned", "mobilenet-v1-0.5-160-coral"
LAYERS = ("features.1", "features.3", "features.5", "features.8")


def square(path: Path, side: int = _SIDE) -> np.ndarray:
    """The center of a picture as a canonical frame."""
    picture = Image.open(path).convert("RGB")
    size = min(picture.size)
    left, top = ((length - size) // 2 for length in picture.size)
    crop = picture.crop((left, top, left + size, top + size))
    return np.asarray(crop.resize((side, side), Image.Resampling.BILINEAR))


def published(name: str, data: Path, folder: Path) -> Teacher:
    """A published network as one of the zoo."""
    network = next(item for item in NETWORKS if item.name == name)
    spec = network.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(network.module(data).eval(), shape, folder / f"{name}.pt2")
    return Teacher(name, network.name, program, spec, network.task, ("label",))


def second_judge(teacher: Teacher, samples: Tensor) -> LossNetwork:
    """A network that was in no loss, by the layers that the method would choose."""
    params = DynamicInstanceNormalizationParams()
    return LossNetwork(teacher, chosen_layers(teacher, params), samples)


@dataclass(frozen=True)
class StylePictures:
    """Contents to learn from and held out, styles to learn from, unseen ones by their pool, whole paintings."""

    contents: Tensor
    held_out: Tensor
    styles: Tensor
    unseen: Mapping[str, Tensor]
    paintings: Tensor

    @classmethod
    def of(cls, data: Path) -> "StylePictures":
        """The pictures of the shared data, and drawn ones."""
        files = sorted((data / "images/imagenet_samples_256").glob("*.jpg"))
        frames = torch.from_numpy(np.stack([square(file) for file in files[: 200 + 50]]))
        paintings = [square(file) for file in sorted((data / "styles").glob("*.jpg"))]
        parts = [_quarters(painting) for painting in paintings]
        return cls(
            frames[:-_HELD_OUT_CONTENTS],
            frames[-_HELD_OUT_CONTENTS:],
            drawn_styles(FAMILIES, 320, side=128, seed=0),
            {
                "drawn": drawn_styles(HELD_OUT, 20, side=128, seed=1),
                "painting": torch.from_numpy(np.concatenate(parts)),
            },
            torch.from_numpy(np.stack(paintings)),
        )


def _quarters(painting: np.ndarray) -> np.ndarray:
    """Four parts of 128 pixels."""
    return np.stack([painting[r : r + 128, c : c + 128] for r in (0, 128) for c in (0, 128)])


def style_side_multiply_adds(stylizer: StylizerModule, side: int) -> int:
    """Multiply-adds of encoding one style."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        stylizer.style(torch.zeros(1, 3, side, side))
    return int(counter.get_total_flops()) // 2


def measured_pools(task: StylizationTask, pictures: StylePictures) -> dict[str, dict[str, float]]:
    """Measures of all networks on every pool of unseen styles."""
    pools = {}
    for name, styles in pictures.unseen.items():
        evaluator = StyleEvaluator(
            pictures.held_out,
            styles,
            loss_network=task.loss_network,
            networks=task.networks,
            size=SIZE,
            device=torch.device("cpu"),
        )
        pools[name] = evaluator.final(task.student, task.spec)
        pools[name] |= {"pairs": float(min(32, len(styles)))}
    return pools


def judged(task: StylizationTask, judge: LossNetwork, pictures: StylePictures) -> dict[str, Any]:
    """Losses of the second judge on every pool, and of both networks at 256 x 256 pixels."""
    verdicts: dict[str, Any] = {"judge": {}}
    for name, styles in pictures.unseen.items():
        contents = center_crops(pictures.held_out[: len(styles)], SIZE)
        wanted = center_crops(styles, SIZE)
        verdicts["judge"][name] = losses_of(task, judge, contents, wanted)
    large = center_crops(pictures.held_out[:12], _SIDE)
    styles = center_crops(pictures.paintings.repeat(4, 1, 1, 1), _SIDE)
    verdicts["at_256"] = {
        "loss_network": losses_of(task, task.loss_network, large, styles),
        "judge": losses_of(task, judge, large, styles),
    }
    return verdicts


def trained(
    teacher: Teacher, pictures: StylePictures, arguments: Any, seed: int
) -> tuple[StylizationTask, dict[str, float]]:
    """All networks after their training, and its CPU-seconds; earlier weights are read back."""
    params = DynamicInstanceNormalizationParams.model_validate(
        {
            "budget": {"steps": arguments.steps}, "seed": seed, "num_evaluations": 1,
            "layers": list(LAYERS), "content_layer": LAYERS[2],
            "compare_with": arguments.rivals, "image_size": SIZE,
        }
    )  # fmt: skip
    inputs = PictureInputs(
        name="stylizer",
        teachers=(teacher,),
        evaluation_set=EvaluationSet(pictures.held_out, None, ()),
        images=pictures.contents,
        styles=pictures.styles,
        held_out_styles=pictures.unseen["painting"],
    )
    task, facts = StylizationTask(inputs, params), {}
    networks = nn.ModuleDict(task.networks)
    weights = arguments.sheets / f"networks-{seed}.safetensors"
    if weights.exists():
        networks.load_state_dict(load_file(weights))
        return task, facts
    begun = time.process_time()
    result = complete(task, inputs, params, RecordingReporter())
    facts["cpu_seconds_of_all_networks"] = time.process_time() - begun
    sheet = arguments.sheets / f"sheet-{seed}.png"
    sheet.write_bytes(result.pictures["contact_sheet.png"])
    save_file({name: value.clone() for name, value in networks.state_dict().items()}, weights)
    return task, facts


def measured(task: StylizationTask, judge: LossNetwork, pictures: StylePictures) -> dict[str, Any]:
    """Everything measured of the trained networks of one seed."""
    stylizer = task.student.eval()
    assert isinstance(stylizer, StylizerModule)
    contents = center_crops(pictures.held_out[:4], 128)
    styles = center_crops(pictures.unseen["painting"][::4], 128)
    return {
        "pools": measured_pools(task, pictures),
        **judged(task, judge, pictures),
        **control_curves(stylizer, contents, styles),
        "macs_at_256": {
            "content_path": multiply_adds(stylizer.content, _SIDE),
            "style": style_side_multiply_adds(stylizer, _SIDE),
            "adain_vgg_content_path": adain_vgg_multiply_adds(_SIDE),
        },
        "cpu_seconds_at_256": latencies(stylizer, _SIDE) | vgg_seconds(_SIDE),
        "cpu_seconds_at_512": latencies(stylizer, 2 * _SIDE) | vgg_seconds(2 * _SIDE),
    }


def with_seed(path: Path, facts: dict[str, Any], figures: dict[str, Any]) -> None:
    """Writes the facts with one more seed; other seeds of the file, and older figures, stay."""
    earlier = json.loads(path.read_text())["seeds"] if path.exists() else []
    seeds = {entry["seed"]: entry for entry in earlier}
    seeds[figures["seed"]] = seeds.get(figures["seed"], {}) | figures
    entries = [seeds[seed] for seed in sorted(seeds)]
    path.write_text(json.dumps({**facts, "seeds": entries}, indent=2) + "\n")


def main() -> None:
    """Measure and write, seed by seed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rivals", nargs="*", choices=[rival.value for rival in Rival],
                        default=["cin", "adain_light", "adain_loss_network"])  # fmt: skip
    parser.add_argument("--sheets", type=Path, default=Path(tempfile.gettempdir()) / "stylizers")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    arguments.sheets.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    pictures = StylePictures.of(arguments.data)
    facts = {
        "steps": arguments.steps,
        "networks": [STUDENT, *arguments.rivals],
        "layers": list(LAYERS),
        "judge": _JUDGE,
        "torch": torch.__version__,
        "machine": platform.machine(),
    }
    with tempfile.TemporaryDirectory() as folder:
        teacher = published(LOSS, arguments.data, Path(folder))
        other = published(_JUDGE, arguments.data, Path(folder))
        judge = second_judge(other, center_crops(pictures.styles[:64], SIZE))
        for seed in arguments.seeds:
            task, cost = trained(teacher, pictures, arguments, seed)
            figures = {"seed": seed, **cost, **measured(task, judge, pictures)}
            with_seed(arguments.results, facts, figures)


if __name__ == "__main__":
    main()
