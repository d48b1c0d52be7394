"""Both steps of the training: sources teach a component, components teach the student."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from service.core.catalogue.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.manifest import InputSpec
from workers.methods.adaptive_amalgamation.alignment import Told
from workers.methods.adaptive_amalgamation.selection import Frames
from workers.programs import OUTPUT, Layer
from workers.torchkit.canonical import Preprocessing, to_network_input
from workers.torchkit.courses import Player, Training, Turn
from workers.torchkit.lessons import drawn_frames
from workers.torchkit.students import Answer, StudentNetwork
from workers.torchkit.teachers import Teacher

_SCALE_SHARE = 0.01


@dataclass(frozen=True)
class Learner:
    """A network that learns, and how it sees images."""

    network: StudentNetwork
    spec: InputSpec

    def sees(self, frames: Tensor) -> Tensor:
        """Canonical frames as the network takes them, on its device."""
        device = next(self.network.parameters()).device
        return to_network_input(frames, Preprocessing.of(self.spec)).to(device)


@dataclass(frozen=True)
class Voice:
    """A source that teaches: its outputs in the task's order, and its layers that are aligned."""

    teacher: Teacher
    columns: tuple[int, ...]
    layers: tuple[Layer, ...]

    def tells(self, frames: Tensor) -> Told:
        """Logits of the task and maps, without gradients."""
        with torch.no_grad():
            names = [one.name for one in self.layers]
            seen = self.teacher.of_frames(frames)
            found = self.teacher.program.read(seen, [*names, OUTPUT])
        maps = tuple(found[name] for name in names)
        return Told(found[OUTPUT][:, list(self.columns)], maps)


@dataclass(frozen=True)
class ComponentStep:
    """Sources teach one component, each the images that it is chosen for.

    Attributes:
        voices: The sources that are kept, by their place among the task's sources.
        alignments: One for each of them, in that order.
        memory: Name of the weights in the training's memory.
    """

    training: Training
    params: AdaptiveAmalgamationParams
    images: Frames
    component: Learner
    voices: dict[int, Voice]
    alignments: nn.ModuleList
    memory: str

    def begin(self) -> tuple[dict[str, Player], Turn]:
        """The component and all alignments learn together."""
        networks = [self.component.network, self.alignments]
        return {"component": player(networks, self.params.rate)}, self.turn

    def turn(self) -> dict[str, Tensor]:
        """One step on a batch from every source."""
        weights = self.training.memory[self.memory]
        batches = [self._drawn(weights[one]) for one in self.voices]
        self.component.network.train()
        said = self.component.network.answer(self.component.sees(torch.cat(batches)))
        parts = split(said, [len(one) for one in batches])
        losses = [
            alignment(part, voice.tells(frames))
            for part, frames, voice, alignment in zip(
                parts, batches, self.voices.values(), self.alignments, strict=True
            )
        ]
        return learned(self.training, "component", losses, self.params.feature_weight)

    def _drawn(self, weights: Tensor) -> Tensor:
        """Images of one source, shifted: the more its weight, the likelier; none twice."""
        size = min(self.params.batch_size, int((weights > 0).sum()))
        generator = self.training.generator
        places = torch.multinomial(weights, size, generator=generator)
        return drawn_frames(self.images[places], size, generator=generator)[0]


@dataclass(frozen=True)
class StudentStep:
    """Every component teaches the student on every image."""

    training: Training
    params: AdaptiveAmalgamationParams
    images: Frames
    student: Learner
    components: Sequence[Learner]
    places: Sequence[list[int]]
    adaptors: nn.ModuleList

    def begin(self) -> tuple[dict[str, Player], Turn]:
        """The student and all adaptors learn together; components stay as they are."""
        networks = [self.student.network, self.adaptors]
        return {"student": player(networks, self.params.rate)}, self.turn

    def turn(self) -> dict[str, Tensor]:
        """One step on one batch."""
        size, generator = self.params.batch_size, self.training.generator
        frames, _ = drawn_frames(self.images, size, generator=generator)
        self.student.network.train()
        said = self.student.network.answer(self.student.sees(frames))
        parts = [
            adaptor(Told(said.logits[:, places], said.maps), _told_by(component, frames))
            for component, places, adaptor in zip(
                self.components, self.places, self.adaptors, strict=True
            )
        ]
        return learned(self.training, "student", parts, self.params.feature_weight)


def split(answer: Answer, sizes: Sequence[int]) -> list[Told]:
    """An answer to several batches at once, by batch."""
    logits = torch.split(answer.logits, list(sizes))
    maps = [torch.split(one, list(sizes)) for one in answer.maps]
    return [Told(logits[place], tuple(one[place] for one in maps)) for place in range(len(sizes))]


def _told_by(component: Learner, frames: Tensor) -> Told:
    with torch.no_grad():
        answer = component.network.eval().answer(component.sees(frames))
    return Told(answer.logits, answer.maps)


def learned(
    training: Training,
    name: str,
    parts: Sequence[tuple[Tensor, Tensor]],
    feature_weight: float,
) -> dict[str, Tensor]:
    """One step of a player down the sum over teachers; the sum and its parts."""
    soft = torch.stack([one for one, _ in parts]).sum()
    feature = feature_weight * torch.stack([one for _, one in parts]).sum()
    whole = training.learn(name, soft + feature)
    return {"whole": whole, "soft": soft.detach(), "feature": feature.detach()}


def player(networks: Iterable[nn.Module], rate: float) -> Player:
    """Adam on all of them; scales of logits learn at a hundredth of the rate, as published."""
    named = [entry for one in networks for entry in one.named_parameters()]
    scales = [p for name, p in named if name.endswith("scale")]
    others = [p for name, p in named if not name.endswith("scale")]
    groups: list[dict[str, Any]] = [{"params": others}, {"params": scales, "share": _SCALE_SHARE}]
    return Player(torch.optim.Adam(groups, lr=rate), rate)
