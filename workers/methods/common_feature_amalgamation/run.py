"""Trains a student on the answers and features of teachers to images."""

import math
from collections.abc import Mapping, Sequence
from itertools import chain

import torch
from torch import Tensor, nn
from torch.nn import functional

from service.core.catalogue.common_feature_amalgamation import (
    AnswerMatch,
    Bandwidths,
    CommonFeatureAmalgamationParams,
)
from service.core.manifest import TaskKind
from workers.contract import TrainingReport
from workers.methods.common_feature_amalgamation.maths import (
    PUBLISHED_BANDWIDTHS,
    as_grid,
    channel_scales,
    discrepancy,
    logits_loss,
    reconstruction_loss,
    relative_bandwidths,
    unit_vectors,
)
from workers.methods.common_feature_amalgamation.merging import by_label
from workers.methods.common_feature_amalgamation.space import CommonSpace, Meeting
from workers.programs import OUTPUT
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.courses import Player, Stage, Training, Turn, cosine
from workers.torchkit.lessons import drawn_frames
from workers.torchkit.outcomes import Trained, WithImages, complete
from workers.torchkit.soft_targets import soft_label_loss, soft_target_loss
from workers.torchkit.students import own_input, require_maps, student_network
from workers.torchkit.taps import maps_of, named_layers
from workers.torchkit.teachers import Head, NotTeachableError, Teacher, stacked

_MEASURED_AT_MOST = 256
_FEWEST_IMAGES = 16
_MOST_COMMON_CHANNELS = 128
_FEWEST_COMMON_CHANNELS = 8
Inputs = WithImages
Result = Trained


def run(inputs: Inputs, params: CommonFeatureAmalgamationParams, report: TrainingReport) -> Result:
    """Train, then measure the student after its last step.

    Raises:
        NotTeachableError: Labels, layers or images that do not go with the teachers.
        BadStudentError: A student without maps, or weights of another build.
        DivergedError: Losses stopped being finite.
    """
    return complete(Amalgamation(inputs, params), inputs, params, report)


class Amalgamation:
    """Teachers, student and the space they meet in: what a turn needs."""

    def __init__(self, inputs: Inputs, params: CommonFeatureAmalgamationParams) -> None:
        _require(inputs)
        self._inputs, self._params = inputs, params
        first = inputs.teachers[0]
        self._device, self.task = first.program.device, first.task
        self.head = Head.of(inputs.teachers, params.student.labels)
        self.spec = own_input(first.input, params.student)
        self.heard = f"answers and features on {len(inputs.images)} images"
        generator = torch.Generator().manual_seed(params.seed)
        self._network = require_maps(
            student_network(
                params.student,
                self.spec,
                labels=len(self.head.columns),
                generator=generator,
                start=inputs.start,
            )
        ).to(self._device)
        self._layers = [self._layers_of(place) for place in range(len(inputs.teachers))]
        self._scales = [self._scales_of(place) for place in range(len(inputs.teachers))]
        self.training = Training(self._networks(generator), generator)
        self._merged = by_label(self._network, self.head).to(self._device)

    @property
    def student(self) -> nn.Module:
        """The network, answering label by label."""
        return self._merged

    def _layers_of(self, place: int) -> list[str]:
        """Names of the layers of a teacher that are compared, nearest the answer last."""
        told, program = self._params.teacher_layers, self._inputs.teachers[place].program
        if told is None:
            return [maps_of(program)[-1].name]
        if len(told) != len(self._inputs.teachers) or len(set(map(len, told))) > 1:
            raise NotTeachableError(
                "teacher_layers does not name as many layers for every teacher",
                remedy="give one list for each teacher, all of one length",
            )
        if len(told[place]) > len(self._network.blocks):
            raise NotTeachableError(
                f"{len(told[place])} layers are more than the student's blocks",
                remedy=f"name at most {len(self._network.blocks)} layers",
            )
        return [one.name for one in named_layers(program, told[place])]

    def _networks(self, generator: torch.Generator) -> dict[str, nn.Module]:
        """The student, and a space for each of the compared layers."""
        networks: dict[str, nn.Module] = {"student": self._network}
        count = len(self._layers[0])
        for tap in range(count):
            own = self._network.channels[tap - count]
            channels = [len(scales[tap]) for scales in self._scales]
            common = self._params.common_channels or max(
                _FEWEST_COMMON_CHANNELS, min(_MOST_COMMON_CHANNELS, own // 2)
            )
            kind = self._params.common_normalisation
            space = CommonSpace(own, channels, common, kind=kind, generator=generator)
            networks[f"space_{tap}"] = space.to(self._device)
        return networks

    def _scales_of(self, place: int) -> list[Tensor]:
        """The scale of every channel of a teacher's layers, over images from the whole set."""
        _, maps = self._told(place, spread(self._inputs.images, most=_MEASURED_AT_MOST))
        return [channel_scales(one) for one in maps]

    def _told(self, place: int, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Logits and maps of a teacher."""
        teacher: Teacher = self._inputs.teachers[place]
        with torch.no_grad():
            found = teacher.program.read(teacher.of_frames(frames), [*self._layers[place], OUTPUT])
        try:
            return found[OUTPUT], [as_grid(found[name]) for name in self._layers[place]]
        except ValueError as error:
            raise NotTeachableError(
                str(error), remedy="choose layers with maps, or with tokens of a square grid"
            ) from error

    def stages(self) -> Sequence[Stage]:
        """One: student and spaces learn together."""
        return [Stage("amalgamation", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, Player], Turn]:
        learning = list(chain(*[one.parameters() for one in self.training.networks.values()]))
        rate, decay = self._params.rate, self._params.weight_decay
        optimizer = torch.optim.Adam(learning, lr=rate, weight_decay=decay)
        return {"student": Player(optimizer, rate, cosine)}, self._turn

    def pictures(self) -> Mapping[str, bytes]:
        """None beside the curve."""
        return {}

    def _turn(self) -> dict[str, Tensor]:
        """One step on one batch."""
        frames, _ = drawn_frames(
            self._inputs.images, self._params.batch_size, generator=self.training.generator
        )
        parts = self._losses(frames)
        whole = self.training.learn("student", torch.stack(list(parts.values())).sum())
        return {"whole": whole} | {name: one.detach() for name, one in parts.items()}

    def _losses(self, frames: Tensor) -> dict[str, Tensor]:
        """Weighted parts of the loss; a part without weight is not computed."""
        params = self._params
        self._network.train()
        said = self._network.answer(
            to_network_input(frames, Preprocessing.of(self.spec)).to(self._device)
        )
        told = [self._told(place, frames) for place in range(len(self._inputs.teachers))]
        logits = stacked([one for one, _ in told], self.head)
        parts = {"answer": params.answer_weight * self._answers(said.logits, logits)}
        if params.common_weight == 0 and params.reconstruction_weight == 0:
            return parts
        meetings = [
            self._meet(tap, said.maps, [maps[tap] for _, maps in told])
            for tap in range(len(self._layers[0]))
        ]
        common, rebuilt = (torch.stack(one).sum() for one in zip(*meetings, strict=True))
        return parts | {
            "common": params.common_weight * common,
            "reconstruction": params.reconstruction_weight * rebuilt,
        }

    def _meet(
        self, tap: int, own: Sequence[Tensor], told: Sequence[Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Distance in the common space and loss of the way back, summed over teachers."""
        seen = own[tap - len(self._layers[0])]
        shown = [
            functional.adaptive_avg_pool2d(maps, (seen.shape[-2], seen.shape[-1]))
            / scales[tap].view(1, -1, 1, 1)
            for maps, scales in zip(told, self._scales, strict=True)
        ]
        met: Meeting = self.training.networks[f"space_{tap}"](seen, shown)
        common = [self._distance(met.student, one) for one in met.teachers]
        rebuilt = [reconstruction_loss(a, b) for a, b in zip(met.rebuilt, shown, strict=True)]
        return torch.stack(common).sum(), torch.stack(rebuilt).sum()

    def _distance(self, student: Tensor, teacher: Tensor) -> Tensor:
        left, right = unit_vectors(student), unit_vectors(teacher)
        relative = self._params.bandwidths is Bandwidths.RELATIVE
        widths = relative_bandwidths(left, right) if relative else PUBLISHED_BANDWIDTHS
        return discrepancy(left, right, bandwidths=widths)

    def _answers(self, said: Tensor, told: Tensor) -> Tensor:
        """Distance of the answers, column by column of all teachers."""
        temperature = self._params.temperature
        if self.task is TaskKind.MULTI_LABEL:
            return soft_label_loss(said, told, temperature=temperature)
        if self._params.match is AnswerMatch.SQUARED:
            return logits_loss(said, told)
        if self._params.match is AnswerMatch.TOGETHER:
            return soft_target_loss(said, told, temperature=temperature)
        sizes = [len(self.head.columns_for(place)) for place in range(len(self._inputs.teachers))]
        pairs = zip(said.split(sizes, 1), told.split(sizes, 1), strict=True)  # type: ignore[no-untyped-call]
        losses = [
            soft_target_loss(a, b, temperature=temperature) for a, b in pairs if a.shape[1] > 0
        ]
        return torch.stack(losses).sum()


def spread(images: Tensor, *, most: int) -> Tensor:
    """At most so many images, evenly over the whole set, which may be sorted by label."""
    return images[:: math.ceil(len(images) / most)]


def _require(inputs: Inputs) -> None:
    """Raises NotTeachableError where images are too few, or tasks are not of one kind."""
    if len(inputs.images) < _FEWEST_IMAGES:
        raise NotTeachableError(
            f"{len(inputs.images)} images are too few", remedy=f"give at least {_FEWEST_IMAGES}"
        )
    tasks = {one.task for one in inputs.teachers}
    if len(tasks) > 1 or TaskKind.SEGMENTATION in tasks:
        raise NotTeachableError(
            f"answers for {', '.join(sorted(tasks))} cannot be put side by side",
            remedy="choose teachers that all give an image one label, or all several",
        )
