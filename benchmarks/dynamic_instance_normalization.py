"""Is one small network with dynamic instance normalization as good as AdaIN, and how much cheaper?

Contents: ImageNet samples, 200 to learn from. Styles: 320 drawn pictures of seven families to learn
from; unseen are two other families and three paintings in the public domain. SqueezeNet 1.0
measures the losses. The stylizer and its rivals learn from the same batches of 96 x 96 pixels.

    python -m benchmarks.dynamic_instance_normalization [--data ../shared/data/real] [--steps 350] [--seeds 0]
        [--rivals cin adain_loss_network] [--sheets FOLDER]

Writes docs/results/dynamic_instance_normalization.json.
"""

import argparse
import json
import platform
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.drawn_styles import FAMILIES, HELD_OUT, drawn_styles
from benchmarks.real_networks.listing import NETWORKS
from benchmarks.students.protocol import ROOT
from service.core.catalog.dynamic_instance_normalization import (
    DynamicInstanceNormalizationParams,
    Rival,
)
from workers.methods.dynamic_instance_normalization.evaluator import STUDENT, StyleEvaluator
from workers.methods.dynamic_instance_normalization.maths import flat_energy
from workers.methods.dynamic_instance_normalization.networks import StylizerModule
from workers.methods.dynamic_instance_normalization.pictures import center_crops
from workers.methods.dynamic_instance_normalization.task import StylizationTask, multiply_adds
from workers.programs.exporting import export_network
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.stylization.networks import Conditions
from workers.torchkit.stylization.painting import Painter, stroke_noise
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import PictureInputs, complete
from workers.torchkit.training.teachers import Teacher

RESULTS = ROOT / "docs/results/dynamic_instance_normalization.json"
_SIDE, _SIZE = 256, 96
_HELD_OUT_CONTENTS = 50
_STRENGTHS = (0.25, 0.5, 0.75, 1.0)
_REACHES = (1.0, 2.0, 4.0)
_VGG = ((3, 64), (64, 64), 2, (64, 128), (128, 128), 2, (128, 256), (256, 256), (256, 256),
        (256, 256), 2, (256, 512))  # fmt: skip
_LAYERS = ("features.1", "features.3", "features.5", "features.8")


def square(path: Path, side: int = _SIDE) -> np.ndarray:
    """The center of a picture as a canonical frame."""
    picture = Image.open(path).convert("RGB")
    size = min(picture.size)
    left, top = ((length - size) // 2 for length in picture.size)
    crop = picture.crop((left, top, left + size, top + size))
    return np.asarray(crop.resize((side, side), Image.Resampling.BILINEAR))


def loss_network(data: Path, folder: Path) -> Teacher:
    """SqueezeNet 1.0 as a network of the zoo."""
    network = next(item for item in NETWORKS if item.name == "squeezenet-1.0-pruned")
    spec = network.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(network.module(data).eval(), shape, folder / "squeezenet.pt2")
    return Teacher("squeezenet", network.name, program, spec, network.task, ("label",))


@dataclass(frozen=True)
class StylePictures:
    """Contents to learn from and held out, styles to learn from, and unseen styles by their pool."""

    contents: Tensor
    held_out: Tensor
    styles: Tensor
    unseen: Mapping[str, Tensor]

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
        )


def _quarters(painting: np.ndarray) -> np.ndarray:
    """Four parts of 128 pixels."""
    return np.stack([painting[r : r + 128, c : c + 128] for r in (0, 128) for c in (0, 128)])


def adain_vgg_multiply_adds(side: int) -> int:
    """Multiply-adds of AdaIN with VGG-19 up to relu4_1 and the mirrored decoder, on one picture."""
    total, size = 0, side
    for layer in _VGG:
        if isinstance(layer, int):
            size //= layer
        else:
            total += layer[0] * layer[1] * 9 * size * size
    return 2 * total


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
            size=_SIZE,
            device=torch.device("cpu"),
        )
        pools[name] = evaluator.final(task.student, task.spec)
        pools[name] |= {"pairs": float(min(32, len(styles)))}
    return pools


def painted(stylizer: StylizerModule, contents: Tensor, style: Tensor, **settings: Any) -> Tensor:
    """Contents in one style, with the mixture and the noise of a request."""
    strength, reach = settings.get("strength", 1.0), settings.get("reach", 1.0)
    pictures = []
    for content in contents:
        wanted, own = stylizer.style(style[None]), stylizer.style(content[None])
        mixed = own + strength * (wanted - own)
        noise = None
        if settings.get("uniform", 0.0) > 0:
            noise = stroke_noise(*content.shape[-2:], reach=reach, seed=0) * settings["uniform"]
        conditions = Conditions([mixed], reach=reach, noise=noise)
        pictures.append(Painter(stylizer.content).paint(content[None], conditions))
    return torch.cat(pictures)


def control_curves(task: StylizationTask, pictures: StylePictures) -> dict[str, Any]:
    """What strength, stroke and grain do to four contents in the first part of each painting."""
    stylizer = task.student.eval()
    assert isinstance(stylizer, StylizerModule)
    contents = center_crops(pictures.held_out[:4], 128)
    styles = center_crops(pictures.unseen["painting"][::4], 128)
    strength: dict[str, list[float]] = {str(value): [] for value in _STRENGTHS}
    stroke: dict[str, list[float]] = {str(value): [] for value in _REACHES}
    energy: dict[str, list[float]] = {"0": [], "1": []}
    flat = torch.ones(1, 1, 128, 128)
    gray = torch.full((1, 3, 128, 128), 0.5)
    with torch.no_grad():
        for style in styles:
            for value in _STRENGTHS:
                result = painted(stylizer, contents, style, strength=value)
                strength[str(value)].append(255 * float((result - contents).abs().mean()))
            for value in _REACHES:
                result = painted(stylizer, contents, style, reach=value, uniform=1.0)
                stroke[str(value)].append(dominant_frequency(result - contents))
            for value in (0.0, 1.0):
                result = painted(stylizer, gray, style, uniform=value)
                energy[str(int(value))].append(float(flat_energy(result, flat)))
    return {"strength": _means(strength), "stroke_frequency": _means(stroke), "energy": energy}


def _means(values: Mapping[str, Sequence[float]]) -> dict[str, float]:
    return {name: statistics.mean(numbers) for name, numbers in values.items()}


def dominant_frequency(pictures: Tensor) -> float:
    """Mean frequency of the spectrum's power, in cycles per pixel."""
    gray = pictures.mean(1) - pictures.mean((1, 2, 3), keepdim=True)[:, 0]
    power = torch.fft.rfft2(gray).abs().square()
    rows = torch.fft.fftfreq(gray.shape[-2]).abs()[:, None]
    columns = torch.fft.rfftfreq(gray.shape[-1])[None]
    frequency = (rows.square() + columns.square()).sqrt()
    return float((power * frequency).sum() / power.sum())


def latencies(stylizer: StylizerModule, side: int, repeats: int = 3) -> dict[str, float]:
    """CPU-seconds of encoding a style and of painting one square picture; the least of the repeats."""
    picture = torch.rand(1, 3, side, side)
    painter = Painter(stylizer.content)
    seconds: dict[str, list[float]] = {"style": [], "content": []}
    with torch.no_grad():
        for _ in range(repeats):
            begun = time.process_time()
            style = stylizer.style(picture)
            seconds["style"].append(time.process_time() - begun)
            begun = time.process_time()
            painter.paint(picture, Conditions([style]))
            seconds["content"].append(time.process_time() - begun)
    return {name: min(values) for name, values in seconds.items()}


def vgg_seconds(side: int) -> float:
    """CPU-seconds of the encoder of AdaIN-VGG on one square picture, with random weights."""
    layers: list[nn.Module] = []
    for layer in _VGG:
        if isinstance(layer, int):
            layers.append(nn.MaxPool2d(2))
        else:
            layers += [nn.Conv2d(*layer, 3, padding=1), nn.ReLU()]
    network, picture = nn.Sequential(*layers), torch.rand(1, 3, side, side)
    with torch.no_grad():
        begun = time.process_time()
        network(picture)
        return time.process_time() - begun


def one_seed(
    teacher: Teacher, pictures: StylePictures, arguments: Any, seed: int
) -> dict[str, Any]:
    """Everything measured with one seed."""
    params = DynamicInstanceNormalizationParams.model_validate(
        {
            "budget": {"steps": arguments.steps}, "seed": seed, "num_evaluations": 1,
            "layers": list(_LAYERS), "content_layer": _LAYERS[2],
            "compare_with": arguments.rivals, "image_size": _SIZE,
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
    begun = time.process_time()
    task = StylizationTask(inputs, params)
    result = complete(task, inputs, params, RecordingReporter())
    seconds = time.process_time() - begun
    stylizer = task.student
    assert isinstance(stylizer, StylizerModule)
    if arguments.sheets is not None:
        arguments.sheets.mkdir(parents=True, exist_ok=True)
        (arguments.sheets / f"sheet-{seed}.png").write_bytes(result.pictures["contact_sheet.png"])
        torch.save(stylizer.state_dict(), arguments.sheets / f"stylizer-{seed}.pt")
    return {
        "seed": seed,
        "cpu_seconds_of_all_networks": seconds,
        "pools": measured_pools(task, pictures),
        **control_curves(task, pictures),
        "macs_at_256": {
            "content_path": multiply_adds(stylizer.content, 256),
            "style": style_side_multiply_adds(stylizer, 256),
            "adain_vgg_content_path": adain_vgg_multiply_adds(256),
        },
        "cpu_seconds_at_512": latencies(stylizer, 512) | {"vgg_encoder": vgg_seconds(512)},
    }


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--rivals", nargs="*", choices=[rival.value for rival in Rival],
                        default=["cin", "adain_loss_network"])  # fmt: skip
    parser.add_argument("--sheets", type=Path, default=None)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    pictures = StylePictures.of(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        teacher = loss_network(arguments.data, Path(folder))
        seeds = [one_seed(teacher, pictures, arguments, seed) for seed in arguments.seeds]
    facts = {
        "steps": arguments.steps,
        "networks": [STUDENT, *arguments.rivals],
        "layers": list(_LAYERS),
        "torch": torch.__version__,
        "machine": platform.machine(),
        "seeds": seeds,
    }
    RESULTS.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
