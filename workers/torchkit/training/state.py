"""The changing state of a training: networks, optimizers, memory and progress."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from service.core.errors import MethodError
from workers.torchkit.training.schedules import Schedule, warm_cosine

_MOST_BAD_LOSSES = 3

Numbers = dict[str, float]
TrainingStep = Callable[[], Mapping[str, Tensor]]


class DivergedError(MethodError):
    """Losses stopped being finite."""

    code = "training_diverged"


@dataclass
class OptimizerGroup:
    """An optimizer with its learning-rate schedule over the stage.

    The optional ``share`` of a parameter group scales its learning rate.

    Attributes:
        peak: Learning rate where the schedule is 1.
        largest_norm: Gradients with a larger norm are scaled down to it; None leaves them.
    """

    optimizer: torch.optim.Optimizer
    peak: float
    schedule: Schedule = warm_cosine
    largest_norm: float | None = None

    def parameters(self) -> Iterable[Tensor]:
        """All parameters of the optimizer."""
        return (
            parameter for group in self.optimizer.param_groups for parameter in group["params"]
        )


@dataclass(frozen=True)
class TrainingStage:
    """A stage of a training.

    Attributes:
        share: Share of the whole budget, relative to the other stages.
        begin: Creates the optimizer groups by name and the training step (one outer iteration,
            returning named losses) when the stage begins, also after an interruption. It must not draw from the
            training's generator.
    """

    name: str
    share: float
    begin: Callable[[], tuple[Mapping[str, OptimizerGroup], TrainingStep]]


@dataclass
class Training:
    """All state that changes during a training.

    Attributes:
        networks: Networks that learn in any stage, by name, including their buffers.
        generator: Source of the method's random numbers, on the CPU.
        memory: Other tensors that must survive an interruption, such as a pool of images.
        stage: Index of the current stage.
        step: Training steps taken in this stage.
        history: One entry per evaluation: ``step`` over all stages, and named numbers.
        seconds: Training time over all attempts.
        bad_losses: Number of non-finite losses.
        converged: Whether the current stage is over before its share of the budget is.
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
    converged: bool = False
    optimizer_groups: Mapping[str, OptimizerGroup] = field(default_factory=dict)

    def learn(self, name: str, loss: Tensor) -> Tensor:
        """The detached loss, after one step of the named optimizer group on it.

        A non-finite loss takes no step; the first one halves the group's learning rate.

        Raises:
            DivergedError: Three losses were not finite.
        """
        optimizer_group = self.optimizer_groups[name]
        if not bool(torch.isfinite(loss)):
            self._record_bad_loss(optimizer_group)
            return loss.detach()
        rate = optimizer_group.peak * optimizer_group.schedule(self.progress)
        for group in optimizer_group.optimizer.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        optimizer_group.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(loss.device.type, enabled=False):
            trainable = [
                parameter for parameter in optimizer_group.parameters() if parameter.requires_grad
            ]
            torch.autograd.backward(loss.float(), inputs=trainable)
            if optimizer_group.largest_norm is not None:
                nn.utils.clip_grad_norm_(trainable, optimizer_group.largest_norm)
            optimizer_group.optimizer.step()
        return loss.detach()

    def _record_bad_loss(self, optimizer_group: OptimizerGroup) -> None:
        self.bad_losses += 1
        if self.bad_losses == 1:
            optimizer_group.peak /= 2
        if self.bad_losses >= _MOST_BAD_LOSSES:
            raise DivergedError(
                f"{self.bad_losses} losses were not finite",
                remedy="use a lower learning rate, or smaller loss weights",
            )
