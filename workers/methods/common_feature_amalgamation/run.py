"""Trains a student on the logits and features of teachers on images."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalog.common_feature_amalgamation import (
    FEWEST_IMAGES,
    Bandwidths,
    CommonFeatureAmalgamationParams,
)
from service.core.counts import counted
from service.core.manifest import TaskKind
from workers.methods.common_feature_amalgamation.maths import (
    PUBLISHED_BANDWIDTHS,
    as_grid,
    channel_scales,
    discrepancy,
    reconstruction_loss,
    relative_bandwidths,
    unit_vectors,
)
from workers.methods.common_feature_amalgamation.space import CommonSpace, Meeting
from workers.methods.common_feature_amalgamation.targets import TeacherTargets
from workers.programs import OUTPUT
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.frame_batch import FrameBatch
from workers.torchkit.training.loop import (
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
    cosine,
)
from workers.torchkit.training.steps import drawn_frames
from workers.torchkit.training.students import own_input, require_maps, student_network
from workers.torchkit.training.taps import maps_of, named_layers
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.teachers import Head, NotTeachableError, Teacher

_MEASURED_AT_MOST = 256
_MOST_COMMON_CHANNELS = 128
_FEWEST_COMMON_CHANNELS = 8


def run(
    inputs: ImageInputs, params: CommonFeatureAmalgamationParams, report: TrainingReport
) -> TrainingResult:
    """The student, evaluated after its last training step.

    Raises:
        NotTeachableError: Labels, layers or images do not fit the teachers.
        BadStudentError: The student has no inner maps, or its initial weights do not fit.
        DivergedError: Losses stopped being finite.
    """
    return complete(CommonFeatureTask(inputs, params), inputs, params, report)


class CommonFeatureTask:
    """Teachers, student and their common feature spaces."""

    def __init__(self, inputs: ImageInputs, params: CommonFeatureAmalgamationParams) -> None:
        _require(inputs)
        self._inputs, self._params = inputs, params
        first = inputs.teachers[0]
        self._device, self.task = first.program.device, first.task
        self.head = Head.of(inputs.teachers, params.student.labels)
        self.spec = own_input(first.input, params.student)
        self.trained_on = f"teacher outputs and features on {counted(len(inputs.images), 'image')}"
        generator = torch.Generator().manual_seed(params.seed)
        self.student = require_maps(
            student_network(
                params.student,
                self.spec,
                labels=len(self.head.labels),
                generator=generator,
                start=inputs.start,
            )
        ).to(self._device)
        self._layers = [self._layers_of(number) for number in range(len(inputs.teachers))]
        sample = self._sample_outputs()
        self._scales = [[channel_scales(layer) for layer in maps] for _, maps in sample]
        self._targets = TeacherTargets(
            inputs.teachers, self.head, params, sample=[logits for logits, _ in sample]
        )
        self.training = Training(self._networks(generator), generator)

    def _layers_of(self, number: int) -> list[str]:
        """Names of a teacher's compared layers, from input to output."""
        teacher_layers, program = (
            self._params.teacher_layers,
            self._inputs.teachers[number].program,
        )
        if teacher_layers is None:
            return [maps_of(program)[-1].name]
        if (
            len(teacher_layers) != len(self._inputs.teachers)
            or len(set(map(len, teacher_layers))) > 1
        ):
            raise NotTeachableError(
                "teacher_layers does not list the same number of layers for every teacher",
                remedy="pass one list per teacher, all of the same length",
            )
        if len(teacher_layers[number]) > len(self.student.blocks):
            raise NotTeachableError(
                f"{len(teacher_layers[number])} layers are more than the student's blocks",
                remedy=f"name at most {len(self.student.blocks)} layers",
            )
        return [layer.name for layer in named_layers(program, teacher_layers[number])]

    def _networks(self, generator: torch.Generator) -> dict[str, nn.Module]:
        """The student, and one space per compared layer."""
        networks: dict[str, nn.Module] = {"student": self.student}
        count = len(self._layers[0])
        for tap in range(count):
            student_channels = self.student.channels[tap - count]
            channels = [len(scales[tap]) for scales in self._scales]
            common = self._params.common_channels or max(
                _FEWEST_COMMON_CHANNELS, min(_MOST_COMMON_CHANNELS, student_channels // 2)
            )
            kind = self._params.common_normalization
            space = CommonSpace(student_channels, channels, common, kind=kind, generator=generator)
            networks[f"space_{tap}"] = space.to(self._device)
        return networks

    def _sample_outputs(self) -> list[tuple[Tensor, list[Tensor]]]:
        """Logits and maps of every teacher, over a sample of the whole set."""
        batch = FrameBatch(spread(self._inputs.images, most=_MEASURED_AT_MOST))
        return [
            self._teacher_outputs(number, batch) for number in range(len(self._inputs.teachers))
        ]

    def _teacher_outputs(self, number: int, batch: FrameBatch) -> tuple[Tensor, list[Tensor]]:
        """Logits and maps of a teacher, without gradients."""
        teacher: Teacher = self._inputs.teachers[number]
        with torch.no_grad():
            outputs = teacher.program.read(
                teacher.of_batch(batch), [*self._layers[number], OUTPUT]
            )
        try:
            return outputs[OUTPUT], [as_grid(outputs[name]) for name in self._layers[number]]
        except ValueError as error:
            raise NotTeachableError(
                str(error), remedy="choose layers with maps or with tokens of a square grid"
            ) from error

    def stages(self) -> Sequence[TrainingStage]:
        """One stage, in which student and spaces learn together."""
        return [TrainingStage("amalgamation", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        parameters = list(
            chain(*[network.parameters() for network in self.training.networks.values()])
        )
        rate, decay = self._params.learning_rate, self._params.weight_decay
        optimizer = torch.optim.Adam(parameters, lr=rate, weight_decay=decay)
        return {"student": OptimizerGroup(optimizer, rate, cosine)}, self._step

    def recipe(self) -> Mapping[str, Any]:
        """The compared layers, and the width of the common space."""
        space = self.training.networks["space_0"]
        assert isinstance(space, CommonSpace)
        return {"teacher_layers": self._layers, "common_channels": space.common}

    def numbers(self) -> Mapping[str, float]:
        """The share of every teacher in the common targets, for the curve."""
        return {
            f"teacher_{number}_mass": share
            for number, share in enumerate(self._targets.masses, start=1)
        }

    def warnings(self) -> Sequence[Mapping[str, str]]:
        """Teachers that the common targets hardly show."""
        return self._targets.warnings()

    def pictures(self) -> Mapping[str, bytes]:
        """No pictures besides the curve."""
        return {}

    def _step(self) -> dict[str, Tensor]:
        """One step on one batch."""
        frames, _ = drawn_frames(
            self._inputs.images, self._params.batch_size, generator=self.training.generator
        )
        parts = self._losses(FrameBatch(frames))
        loss = self.training.learn("student", torch.stack(list(parts.values())).sum())
        return {"whole": loss} | {name: part.detach() for name, part in parts.items()}

    def _losses(self, batch: FrameBatch) -> dict[str, Tensor]:
        """Weighted terms of the loss; terms with weight 0 are not computed."""
        params = self._params
        self.student.train()
        student_outputs = self.student.answer(batch.of(self.spec).to(self._device))
        teacher_outputs = [
            self._teacher_outputs(number, batch) for number in range(len(self._inputs.teachers))
        ]
        teacher_logits = [logits for logits, _ in teacher_outputs]
        parts = {
            "answer": params.answer_weight
            * self._targets.loss(student_outputs.logits, teacher_logits)
        }
        if params.common_weight == 0 and params.reconstruction_weight == 0:
            return parts
        losses_by_tap = [
            self._tap_losses(tap, student_outputs.maps, [maps[tap] for _, maps in teacher_outputs])
            for tap in range(len(self._layers[0]))
        ]
        common, reconstruction = (
            torch.stack(tap_losses).sum() for tap_losses in zip(*losses_by_tap, strict=True)
        )
        return parts | {
            "common": params.common_weight * common,
            "reconstruction": params.reconstruction_weight * reconstruction,
        }

    def _tap_losses(
        self, tap: int, student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Discrepancy in the common space and reconstruction loss of a tap, summed over teachers."""
        tap_maps = student_maps[tap - len(self._layers[0])]
        scaled_maps = [
            functional.adaptive_avg_pool2d(maps, (tap_maps.shape[-2], tap_maps.shape[-1]))
            / scales[tap].view(1, -1, 1, 1)
            for maps, scales in zip(teacher_maps, self._scales, strict=True)
        ]
        features: Meeting = self.training.networks[f"space_{tap}"](tap_maps, scaled_maps)
        common = [
            self._distance(features.student, teacher_features)
            for teacher_features in features.teachers
        ]
        reconstruction = [
            reconstruction_loss(reconstructed, target)
            for reconstructed, target in zip(features.reconstructed, scaled_maps, strict=True)
        ]
        return torch.stack(common).sum(), torch.stack(reconstruction).sum()

    def _distance(self, student: Tensor, teacher: Tensor) -> Tensor:
        left, right = unit_vectors(student), unit_vectors(teacher)
        relative = self._params.bandwidths is Bandwidths.RELATIVE
        widths = relative_bandwidths(left, right) if relative else PUBLISHED_BANDWIDTHS
        return discrepancy(left, right, bandwidths=widths)


def spread(images: Tensor, *, most: int) -> Tensor:
    """At most ``most`` images, evenly spaced over the set, which may be sorted by label."""
    return images[:: math.ceil(len(images) / most)]


def _require(inputs: ImageInputs) -> None:
    """Raises NotTeachableError if images are too few or tasks differ in kind."""
    if len(inputs.images) < FEWEST_IMAGES:
        raise NotTeachableError(
            f"{counted(len(inputs.images), 'image')} are too few",
            remedy=f"use at least {FEWEST_IMAGES}",
        )
    tasks = {teacher.task for teacher in inputs.teachers}
    if len(tasks) > 1 or TaskKind.SEGMENTATION in tasks:
        raise NotTeachableError(
            f"outputs for {', '.join(sorted(tasks))} cannot be combined",
            remedy="choose teachers that are all single-label or all multi-label classifiers",
        )
