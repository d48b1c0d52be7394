"""What changes while a training goes on: networks, their optimizers, memory, and how far it came."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from service.core.errors import MethodError
from workers.torchkit.schedules import Schedule, warm_cosine

_MOST_BAD_LOSSES = 3

Numbers = dict[str, float]
Turn = Callable[[], Mapping[str, Tensor]]


class DivergedError(MethodError):
    """Losses stopped being finite."""

    code = "training_diverged"


@dataclass
class Player:
    """What learns together: an optimizer, and its rate over the stage.

    The ``share`` of an optimizer's group, where it has one, scales its rate.

    Attributes:
        peak: Learning rate where the schedule is 1.
    """

    optimizer: torch.optim.Optimizer
    peak: float
    schedule: Schedule = warm_cosine

    def parameters(self) -> Iterable[Tensor]:
        """All that the optimizer moves."""
        return (one for group in self.optimizer.param_groups for one in group["params"])


@dataclass(frozen=True)
class Stage:
    """A part of a training.

    Attributes:
        share: Of the whole budget, relative to the other stages.
        players: By name; made anew when the stage begins, also after an interruption. Nothing in
            here may draw from the training's generator.
        turn: Made with the players: one outer iteration, which gives named losses.
    """

    name: str
    share: float
    begin: Callable[[], tuple[Mapping[str, Player], Turn]]


@dataclass
class Training:
    """Everything that changes while a training goes on.

    Attributes:
        networks: What learns or has learned, by name, in every stage; also their buffers.
        generator: The source of randomness of the method's own draws, on the CPU.
        memory: Further tensors that must survive an interruption, such as a pool of images.
        stage: Place of the stage that is running.
        step: Turns taken in this stage.
        history: One entry per evaluation: ``step`` over all stages, and named numbers.
        seconds: Spent training, over all attempts.
        bad_losses: Losses that were not finite.
    """

    networks: Mapping[str, nn.Module]
    generator: torch.Generator
    memory: dict[str, Tensor] = field(default_factory=dict)
    stage: int = 0
    step: int = 0
    taken: int = 0
    progress: float = 0.0
    history: list[Numbers] = field(default_factory=list)
    seconds: float = 0.0
    bad_losses: int = 0
    players: Mapping[str, Player] = field(default_factory=dict)

    def learn(self, player: str, loss: Tensor) -> Tensor:
        """One step of a player down this loss; the loss without its graph.

        A loss that is not finite is skipped; the first one halves the player's rate.

        Raises:
            DivergedError: Three losses were not finite.
        """
        one = self.players[player]
        if not bool(torch.isfinite(loss)):
            self._forgive(one)
            return loss.detach()
        rate = one.peak * one.schedule(self.progress)
        for group in one.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        one.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(loss.device.type, enabled=False):
            moved = [p for p in one.parameters() if p.requires_grad]
            torch.autograd.backward(loss.float(), inputs=moved)
            one.optimizer.step()
        return loss.detach()

    def _forgive(self, player: Player) -> None:
        self.bad_losses += 1
        if self.bad_losses == 1:
            player.peak /= 2
        if self.bad_losses >= _MOST_BAD_LOSSES:
            raise DivergedError(
                f"{self.bad_losses} losses were not finite",
                remedy="use a smaller rate, or smaller weights of the losses",
            )
