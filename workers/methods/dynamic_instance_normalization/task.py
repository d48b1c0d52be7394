"""The training of a stylizer: loss network, stylizer and rivals, one stage."""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from service.core.catalog.dynamic_instance_normalization import (
    DynamicInstanceNormalizationParams,
    Rival,
)
from service.core.manifest import InputSpec, ModelManifest, StylizerHead, Task, TaskKind
from workers.methods.dynamic_instance_normalization.evaluator import STUDENT, StyleEvaluator
from workers.methods.dynamic_instance_normalization.loss_network import LossNetwork, chosen_layers
from workers.methods.dynamic_instance_normalization.maths import (
    content_loss,
    identity_loss,
    style_loss,
)
from workers.methods.dynamic_instance_normalization.networks import (
    PaintingBatch,
    Paints,
    StylizerModule,
    drawn,
    rival_network,
)
from workers.methods.dynamic_instance_normalization.pictures import center_crops, random_crops
from workers.torchkit.stylization.networks import SHRINKAGE, Conditions, ContentPath
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.loop import OptimizerGroup, Training, TrainingStage, TrainingStep
from workers.torchkit.training.task import Findings, PictureInputs
from workers.torchkit.training.teachers import Head

LARGEST_NORM = 5.0
MEASURED_SIDE = 256
_SAMPLES = 64


class StylizationTask:
    """Loss network, stylizer, rivals and pictures.

    Raises:
        UnfitLossNetworkError: The loss network has no colors, or fewer than two suitable layers.
    """

    task = TaskKind.STYLIZATION
    head = Head((), ())

    def __init__(self, inputs: PictureInputs, params: DynamicInstanceNormalizationParams) -> None:
        self._inputs, self._params = inputs, params
        teacher = inputs.teachers[0]
        self._device = teacher.program.device
        side = min(params.image_size, inputs.images.shape[1], inputs.styles.shape[1])
        self._size = side - side % SHRINKAGE
        self.spec = InputSpec(height=self._size, width=self._size)
        self.trained_on = f"{len(inputs.images)} contents and {len(inputs.styles)} styles"
        samples = center_crops(inputs.styles[:_SAMPLES], self._size).to(self._device)
        self.loss_network = LossNetwork(teacher, chosen_layers(teacher, params), samples)
        generator = torch.Generator().manual_seed(params.seed)
        names = {STUDENT: Rival(params.network.value)}
        names |= {rival.value: rival for rival in params.compare_with}
        self.networks = {
            name: drawn(
                rival_network(
                    rival,
                    width=params.width,
                    teacher=teacher,
                    loss_network=self.loss_network,
                    size=self._size,
                ),
                torch.Generator().manual_seed(params.seed),
            ).to(self._device)
            for name, rival in names.items()
        }
        self.training = Training(self.networks, generator)
        self._evaluator: StyleEvaluator | None = None

    @property
    def student(self) -> nn.Module:
        """The stylizer."""
        return self.networks[STUDENT]

    def stages(self) -> Sequence[TrainingStage]:
        """One stage."""
        return [TrainingStage("stylization", 1.0, self._begin)]

    def pictures(self) -> Mapping[str, bytes]:
        """The contact sheet of held-out contents and styles."""
        return {} if self._evaluator is None else self._evaluator.pictures()

    def evaluator(self, evaluation_set: EvaluationSet | None) -> StyleEvaluator:
        """Measures on held-out pairs; the only reader of their pictures."""
        images = self._inputs.images[:0] if evaluation_set is None else evaluation_set.images
        self._evaluator = StyleEvaluator(
            images,
            self._inputs.held_out_styles,
            loss_network=self.loss_network,
            networks=self.networks,
            size=self._size,
            device=self._device,
        )
        return self._evaluator

    def described(self, manifest: ModelManifest) -> ModelManifest:
        """The manifest of a stylizer: no classes, but how it is built."""
        head = StylizerHead(network=self._params.network, width=self._params.width)
        names = ", ".join(teacher.name for teacher in self._inputs.teachers)
        task = Task(kind=self.task, text=f"paints in any style; losses from {names}"[:2000])
        changes = {
            "classes": None,
            "stylizer": head,
            "task": task,
            "tags": ("student", "stylizer"),
        }
        return manifest.model_copy(update=changes)

    def findings(self) -> Findings:
        """The layers of the loss network, the multiply-adds, and the comparison."""
        assert self._evaluator is not None, "findings follow the evaluation"
        layers = self.loss_network.layers
        stylizer = self.student
        assert isinstance(stylizer, StylizerModule)
        return self._evaluator.findings(
            {
                "loss_layers": list(layers.names),
                "content_layer": layers.names[layers.content],
                "macs_at_256": multiply_adds(stylizer.content, MEASURED_SIDE),
                "style_parameters": sum(stylizer.content.sizes),
            }
        )

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        return {name: self._group(network) for name, network in self.networks.items()}, self._step

    def _group(self, network: nn.Module) -> OptimizerGroup:
        rate = self._params.learning_rate
        optimizer = torch.optim.Adam(network.parameters(), lr=rate)
        return OptimizerGroup(optimizer, rate, largest_norm=LARGEST_NORM)

    def _step(self) -> dict[str, Tensor]:
        """One step of every network on the same pictures; the last ones are their own styles."""
        contents, styles = (self._crops(frames) for frames in self._frames)
        batch = self._batch(contents, styles[: len(styles) - self._own_styles])
        losses = {name: self._learned(name, batch) for name in self.networks}
        return losses[STUDENT]

    def _batch(self, contents: Tensor, other_styles: Tensor) -> PaintingBatch:
        """Contents, the first of them with other styles; every picture is read once."""
        count, noise = len(other_styles), self._noise()
        with torch.no_grad():
            maps, other_maps = self.loss_network(contents), self.loss_network(other_styles)
        return PaintingBatch(
            contents,
            torch.cat([other_styles, contents[count:]]),
            self.loss_network.content(maps),
            [torch.cat([other, own[count:]]) for other, own in zip(other_maps, maps, strict=True)],
            noise,
        )

    @property
    def _frames(self) -> tuple[Tensor, Tensor]:
        return self._inputs.images, self._inputs.styles

    @property
    def _own_styles(self) -> int:
        """How many pictures of a batch are their own style; one at least is not."""
        share, size = self._params.identity_fraction, self._params.batch_size
        return 0 if share == 0 else min(size - 1, max(1, round(share * size)))

    def _crops(self, frames: Tensor) -> Tensor:
        generator, size = self.training.generator, self._params.batch_size
        return random_crops(frames, size, size=self._size, generator=generator).to(self._device)

    def _noise(self) -> Tensor | None:
        """Noise for the dynamic layer, of random strength, in a share of the steps."""
        generator = self.training.generator
        chance, strength = torch.rand(2, generator=generator).tolist()
        side = self._size // SHRINKAGE
        noise = torch.randn(self._params.batch_size, 1, side, side, generator=generator)
        return (
            (noise * strength).to(self._device) if chance < self._params.grain_fraction else None
        )

    def _learned(self, name: str, batch: PaintingBatch) -> dict[str, Tensor]:
        """The losses of a network, after its step."""
        network, params = self.networks[name].train(), self._params
        assert isinstance(network, Paints)
        contents = batch.contents
        painted = network.paint(batch)
        count = len(contents) - self._own_styles
        maps = self.loss_network(painted[:count])
        losses = {
            "content": content_loss(self.loss_network.content(maps), batch.content_maps[:count]),
            "style": style_loss(maps, [part[:count] for part in batch.style_maps]),
        }
        total = losses["content"] + params.style_weight * losses["style"]
        if count < len(contents):
            losses["identity"] = identity_loss(painted[count:], contents[count:])
            total = total + params.identity_weight * losses["identity"]
        self.training.learn(name, total)
        return {part: loss.detach() for part, loss in losses.items()}


def multiply_adds(path: ContentPath, side: int) -> int:
    """Multiply-adds of the content path on one square picture, the dynamic layers included."""
    device = path.grain.device
    pictures = torch.zeros(1, 3, side, side, device=device)
    style = torch.cat([shape.neutral() for shape in path.shapes])[None].to(device)
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        path(pictures, Conditions([style]))
    positions = (side // SHRINKAGE) ** 2
    depthwise: int = sum(
        shape.channels * shape.taps * positions * 4**layer
        for layer, shape in enumerate(path.shapes)
    )
    products: int = counter.get_total_flops()
    return math.ceil(products / 2) + depthwise
