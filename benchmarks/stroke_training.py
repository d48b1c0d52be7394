"""Does training with sampled strokes let ``stroke`` change a painting itself?

Pictures, loss network and length are those of benchmarks.dynamic_instance_normalization. Half of the
steps have a stroke of one, a quarter of two, a quarter of four: taps at that distance, noise as smooth
as with that stroke, and as the target of the style loss the middle of the style, as many times larger.
The variants differ in the style that predicts the parameters: ``smaller`` by the stroke as in a
prediction, ``same``, or ``larger`` like the target. ``none`` is the training without strokes.

    python -m benchmarks.stroke_training [--data ../shared/data/real] [--variants none smaller same larger]
        [--seed 0] [--steps 350] [--weights FOLDER] [--results FILE]

Writes docs/results/stroke_training.json after every variant. A variant whose weights are in FOLDER is
only measured again.
"""

import argparse
import functools
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional

from benchmarks.dynamic_instance_normalization import (
    LAYERS,
    LOSS,
    SIZE,
    StylePictures,
    measured_pools,
    published,
)
from benchmarks.students.protocol import ROOT
from benchmarks.stylizer_measures import dominant_frequency
from service.core.catalog.dynamic_instance_normalization import DynamicInstanceNormalizationParams
from workers.methods.dynamic_instance_normalization.maths import content_loss, style_loss
from workers.methods.dynamic_instance_normalization.networks import PaintingBatch, StylizerModule
from workers.methods.dynamic_instance_normalization.pictures import center_crops
from workers.methods.dynamic_instance_normalization.task import StylizationTask
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.stylization.networks import Conditions
from workers.torchkit.stylization.painting import Painter, stroke_noise
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import PictureInputs, complete

RESULTS = ROOT / "docs/results/stroke_training.json"
VARIANTS = ("none", "smaller", "same", "larger")
_STROKES, _CHANCES = (1, 2, 4), (0.5, 0.25, 0.25)
_SIDE, _CONTENTS = 128, 4
_MEASURES = ("content_loss", "style_loss", "patch_distance")


def enlarged(styles: Tensor, stroke: int) -> Tensor:
    """The middle of styles, so many times larger, at their size."""
    if stroke == 1:
        return styles
    side = styles.shape[-1] // stroke
    start = (styles.shape[-1] - side) // 2
    crops = styles[..., start : start + side, start : start + side]
    return functional.interpolate(
        crops, size=styles.shape[-2:], mode="bilinear", align_corners=False
    )


def shown(styles: Tensor, stroke: int, variant: str) -> Tensor:
    """Styles as the network sees them that predicts parameters."""
    if variant == "larger":
        return enlarged(styles, stroke)
    if variant == "same" or stroke == 1:
        return styles
    return functional.interpolate(styles, scale_factor=1 / stroke, mode="bilinear", antialias=True)


@dataclass(frozen=True)
class StrokeBatch(PaintingBatch):
    """A batch with a stroke; its first pictures have styles of their own to look at."""

    stroke: int = 1
    shown_maps: Sequence[Tensor] = ()
    own_maps: Sequence[Tensor] = ()


def paint(network: StylizerModule, batch: PaintingBatch) -> Tensor:
    """Contents in the styles, with the stroke of the batch."""
    if not isinstance(batch, StrokeBatch):
        return StylizerModule.paint(network, batch)
    parts = [network.style.of_maps(maps) for maps in (batch.shown_maps, batch.own_maps)]
    conditions = Conditions([torch.cat(parts)], reach=float(batch.stroke), noise=batch.noise)
    return network.content(batch.contents, conditions)


class StrokeTask(StylizationTask):
    """The training with a stroke drawn in every step."""

    def __init__(self, inputs: PictureInputs, params: Any, variant: str) -> None:
        super().__init__(inputs, params)
        self._variant = variant
        self.student.paint = functools.partial(paint, self.student)

    def _batch(self, contents: Tensor, other_styles: Tensor) -> StrokeBatch:
        generator, count = self.training.generator, len(other_styles)
        drawn = torch.multinomial(torch.tensor(_CHANCES), 1, generator=generator)
        stroke = _STROKES[int(drawn)]
        noise = self._smooth(self._noise(), stroke)
        with torch.no_grad():
            maps = self.loss_network(contents)
            wanted = self.loss_network(enlarged(other_styles, stroke))
            shown_maps = self.loss_network(shown(other_styles, stroke, self._variant))
        own = [part[count:] for part in maps]
        return StrokeBatch(
            contents,
            torch.cat([other_styles, contents[count:]]),
            self.loss_network.content(maps),
            [torch.cat(parts) for parts in zip(wanted, own, strict=True)],
            noise,
            stroke,
            shown_maps,
            own,
        )

    def _smooth(self, noise: Tensor | None, stroke: int) -> Tensor | None:
        """Noise of the same deviation, as smooth as with the stroke."""
        if noise is None or stroke == 1:
            return noise
        seeds = torch.randint(0, 2**31, (len(noise),), generator=self.training.generator)
        fields = [
            stroke_noise(self._size, self._size, reach=float(stroke), seed=seed)
            for seed in seeds.tolist()
        ]
        return noise.std() * torch.cat(fields)


def trained(inputs: PictureInputs, arguments: Any, variant: str) -> StylizationTask:
    """A variant after its training; earlier weights are read back."""
    params = DynamicInstanceNormalizationParams.model_validate(
        {
            "budget": {"steps": arguments.steps}, "seed": arguments.seed, "num_evaluations": 1,
            "layers": list(LAYERS), "content_layer": LAYERS[2], "image_size": SIZE,
        }
    )  # fmt: skip
    plain = variant == "none"
    task = StylizationTask(inputs, params) if plain else StrokeTask(inputs, params, variant)
    weights = arguments.weights / f"strokes-{variant}-{arguments.seed}.safetensors"
    if weights.exists():
        task.student.load_state_dict(load_file(weights))
        return task
    complete(task, inputs, params, RecordingReporter())
    state = {name: value.clone() for name, value in task.student.state_dict().items()}
    save_file(state, weights)
    return task


def at_strokes(
    task: StylizationTask, contents: Tensor, styles: Tensor, variant: str
) -> dict[str, dict[str, float]]:
    """Paintings at every stroke: their mean frequency, and losses against the enlarged styles.

    ``unmoved_style_loss`` is that of the paintings with stroke 1 against the same enlarged styles.
    """
    student, network = task.student.eval(), task.loss_network
    own = network.content(network(contents))
    rows: dict[str, list[Tensor]] = {str(stroke): [] for stroke in _STROKES}
    for style in styles.split(1):
        unmoved = network(_painted(student, contents, student.style(style), 1))
        for stroke in _STROKES:
            parameters = student.style(shown(style, stroke, variant))
            pictures = _painted(student, contents, parameters, stroke)
            maps, target = network(pictures), network(enlarged(style, stroke))
            wanted = [part.expand(len(contents), -1, -1, -1) for part in target]
            numbers = (
                torch.tensor(dominant_frequency(pictures)),
                content_loss(network.content(maps), own),
                style_loss(maps, wanted),
                style_loss(unmoved, wanted),
            )
            rows[str(stroke)].append(torch.stack(numbers))
    names = ("frequency", "content_loss", "style_loss", "unmoved_style_loss")
    return {
        stroke: dict(zip(names, torch.stack(values).mean(0).tolist(), strict=True))
        for stroke, values in rows.items()
    }


def _painted(student: StylizerModule, contents: Tensor, style: Tensor, stroke: int) -> Tensor:
    """Contents with the parameters of one style; without noise."""
    conditions = Conditions([style], reach=float(stroke))
    return torch.cat(
        [Painter(student.content).paint(content, conditions) for content in contents.split(1)]
    )


def measured(task: StylizationTask, pictures: StylePictures, variant: str) -> dict[str, Any]:
    """Quality at stroke 1 by the measures of the method, and what strokes do, on every pool."""
    pools = measured_pools(task, pictures)
    contents = center_crops(pictures.held_out[:_CONTENTS], _SIDE)
    with torch.no_grad():
        return {
            name: {
                **{measure: pools[name][measure] for measure in _MEASURES},
                "strokes": at_strokes(
                    task, contents, center_crops(styles[:: len(styles) // 5], _SIDE), variant
                ),
            }
            for name, styles in pictures.unseen.items()
        }


def main() -> None:
    """Train, measure and write, variant by variant."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--steps", type=int, default=350)
    parser.add_argument("--weights", type=Path, default=Path(tempfile.gettempdir()) / "stylizers")
    parser.add_argument("--results", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    arguments.weights.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    pictures = StylePictures.of(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        teacher = published(LOSS, arguments.data, Path(folder))
    inputs = PictureInputs(
        name="stylizer",
        teachers=(teacher,),
        evaluation_set=EvaluationSet(pictures.held_out, None, ()),
        images=pictures.contents,
        styles=pictures.styles,
        held_out_styles=pictures.unseen["painting"],
    )
    earlier = json.loads(arguments.results.read_text()) if arguments.results.exists() else {}
    variants = earlier.get("variants", {})
    for variant in arguments.variants:
        task = trained(inputs, arguments, variant)
        variants[variant] = measured(task, pictures, variant)
        facts = {"steps": arguments.steps, "seed": arguments.seed, "variants": variants}
        arguments.results.write_text(json.dumps(facts, indent=2) + "\n")


if __name__ == "__main__":
    main()
