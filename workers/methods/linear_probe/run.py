"""Trains the linear layer on frozen features until it converges."""

from collections.abc import Sequence

import torch
from torch import Tensor

from service.core.catalog.linear_probe import LinearProbeParams
from workers.programs.trainable import frozen
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.training.loop import (
    DivergedError,
    OptimizerGroup,
    TrainingStage,
    TrainingStep,
)
from workers.torchkit.training.task import ImageInputs, TrainingResult, complete
from workers.torchkit.training.transfers import Transfer

_ITERATIONS, _HISTORY = 50, 20
_FLAT = 1e-7
_AT_ONCE = 4096
_WEIGHT, _BIAS = "head_weight", "head_bias"


def run(inputs: ImageInputs, params: LinearProbeParams, report: TrainingReport) -> TrainingResult:
    """The network, evaluated after its last training step.

    Raises:
        NotTransferableError: Too few labels, or a source with a fixed batch size.
        DivergedError: Losses stopped being finite.
    """
    return complete(_LinearProbe(inputs, params), inputs, params, report)


class _LinearProbe(Transfer):
    """The head alone learns: penalized logistic regression on the standardized features.

    It is solved in float64, since in float32 the loss stops falling long before the weights settle.
    """

    def __init__(self, inputs: ImageInputs, params: LinearProbeParams) -> None:
        super().__init__(inputs, params)
        frozen(self.body)
        self._penalty = params.penalty / len(self.labels)
        self._inputs = (self.features - self.network.center) / self.network.scale
        self._targets = self.labels.to(self._inputs.device)
        head = self.network.head
        self.training.memory[_WEIGHT] = head.weight.detach().double()
        self.training.memory[_BIAS] = head.bias.detach().double()

    def stages(self) -> Sequence[TrainingStage]:
        """One stage, which ends when the layer has converged."""
        return [TrainingStage("probe", 1.0, self._begin)]

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        return {}, self._step

    def _step(self) -> dict[str, Tensor]:
        """Fifty iterations of L-BFGS on all images.

        Every step starts without a history, so that a checkpoint needs the weights alone.
        """
        memory, device = self.training.memory, self._inputs.device
        weights = [memory[name].to(device).requires_grad_() for name in (_WEIGHT, _BIAS)]
        optimizer = torch.optim.LBFGS(
            weights,
            max_iter=_ITERATIONS,
            history_size=_HISTORY,
            tolerance_grad=_FLAT,
            tolerance_change=0,
            line_search_fn="strong_wolfe",
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            return self._with_gradients(*weights)

        before, loss = optimizer.step(closure), closure()  # type: ignore[no-untyped-call]
        if not bool(torch.isfinite(loss)):
            raise DivergedError("the loss is not finite", remedy="use a larger penalty")
        largest = max(float(weight.grad.abs().max()) for weight in weights)  # type: ignore[union-attr]
        self.training.converged = largest <= _FLAT or not bool(loss < before)
        for name, weight in zip((_WEIGHT, _BIAS), weights, strict=True):
            memory[name] = weight.detach().cpu()
        self._fill_head()
        return {"label": loss}

    def _with_gradients(self, weight: Tensor, bias: Tensor) -> Tensor:
        """The objective, whose gradients are added to the weights part by part."""
        total = 0.5 * self._penalty * weight.square().sum()
        torch.autograd.backward(total)
        value, count = total.detach(), len(self._targets)
        for start in range(0, count, _AT_ONCE):
            images = slice(start, start + _AT_ONCE)
            logits = self._inputs[images].double() @ weight.T + bias
            targets = self._targets[images]
            loss = self.loss(logits, targets) * len(targets) / count
            torch.autograd.backward(loss)
            value = value + loss.detach()
        return value

    def _fill_head(self) -> None:
        """The head has the solved weights, in its own precision."""
        head, memory = self.network.head, self.training.memory
        with torch.no_grad():
            head.weight.copy_(memory[_WEIGHT])
            head.bias.copy_(memory[_BIAS])
