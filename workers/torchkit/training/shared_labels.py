"""One target for each label of a student, from all teachers that have the label.

With one teacher these are its own logits. With several, p_i = softmax(z_i / T) over all outputs of
teacher i, and the target is p(l) ∝ mean of p_i(l) over the teachers that have label l. A constant
added to all logits of a teacher changes no p_i, and so no target. This rule is ours: the papers have
no labels that teachers share.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from service.core.catalog.training import SharedLabels
from service.core.manifest import TaskKind
from workers.torchkit.training.teachers import Head

Columns = Float[Tensor, "image column *pixel"]
Labels = Float[Tensor, "image label *pixel"]


def label_logits(
    teacher_logits: Sequence[Tensor],
    head: Head,
    task: TaskKind,
    *,
    rule: SharedLabels = SharedLabels.PROBABILITIES,
    temperature: float = 1.0,
) -> Labels:
    """Logits whose probabilities at ``temperature`` are the target of all teachers.

    Those of several classifiers have mean 0 over the labels. Differentiable in the teachers' logits.

    Args:
        teacher_logits: All outputs of every teacher, in their order.
    """
    if len(teacher_logits) == 1:
        return _in_label_order(teacher_logits[0], head)
    if task is TaskKind.MULTI_LABEL:
        columns = _selected(teacher_logits, head) / temperature
        return temperature * _of_presence(columns, head, rule)
    outputs = [_without_shift(logits / temperature, rule) for logits in teacher_logits]
    merged = _merged(_selected(outputs, head), head, rule)
    return temperature * (merged - merged.mean(dim=1, keepdim=True))


def _in_label_order(logits: Tensor, head: Head) -> Labels:
    """The only teacher's logits of the student's labels."""
    order = sorted(head.columns, key=lambda column: column.label)
    indices = [column.column for column in order]
    if indices == list(range(logits.shape[1])):
        return logits
    return logits.index_select(1, torch.tensor(indices, device=logits.device))


def _selected(outputs: Sequence[Tensor], head: Head) -> Columns:
    """The learned outputs of all teachers in the order of ``head.columns``."""
    parts = [
        values.index_select(1, head.output_columns(number).to(values.device))
        for number, values in enumerate(outputs)
    ]
    return torch.cat(parts, dim=1)


def _without_shift(logits: Tensor, rule: SharedLabels) -> Tensor:
    """Outputs of one teacher that a constant added to its logits leaves as they are."""
    if rule is SharedLabels.PROBABILITIES:
        return functional.log_softmax(logits, dim=1)
    return logits - logits.mean(dim=1, keepdim=True)


def _merged(columns: Columns, head: Head, rule: SharedLabels) -> Labels:
    """Columns reduced to labels: ln of the mean of exp, the mean, or the maximum."""
    table = _ColumnsOfLabels(columns, head)
    if rule is SharedLabels.LARGEST:
        return table.largest()
    return table.mean() if rule is SharedLabels.LOGITS else table.log_mean()


def _of_presence(columns: Columns, head: Head, rule: SharedLabels) -> Labels:
    """Logits of labels that are present or absent independently.

    The logit of the mean probability is ln Σ p − ln Σ (1 − p), which stays finite in logs where
    every sigmoid rounds to 0 or 1.
    """
    if rule is not SharedLabels.PROBABILITIES:
        return _merged(columns, head, rule)
    present, absent = functional.logsigmoid(columns), functional.logsigmoid(-columns)
    return _merged(present, head, rule) - _merged(absent, head, rule)


class _ColumnsOfLabels:
    """Columns by label, padded to the most that a label has."""

    def __init__(self, columns: Columns, head: Head) -> None:
        by_label = [
            [index for index, column in enumerate(head.columns) if column.label == label]
            for label in range(len(head.labels))
        ]
        most = max(map(len, by_label))
        padded = [indices + indices[:1] * (most - len(indices)) for indices in by_label]
        is_own = [[rank < len(indices) for rank in range(most)] for indices in by_label]
        flat = torch.tensor(padded, device=columns.device).flatten()
        shape = (columns.shape[0], len(by_label), most, *columns.shape[2:])
        self._values = columns.index_select(1, flat).reshape(shape)
        pixels = [1] * (columns.ndim - 2)
        own = torch.tensor(is_own, dtype=columns.dtype, device=columns.device)
        self._own = own.view(1, len(by_label), most, *pixels)

    def largest(self) -> Labels:
        return self._values.amax(dim=2)

    def mean(self) -> Labels:
        return (self._values * self._own).sum(dim=2) / self._own.sum(dim=2)

    def log_mean(self) -> Labels:
        """The logarithm of the mean of exp; columns that only pad have the weight exp(−∞)."""
        weighted = self._values + self._own.log()
        return weighted.logsumexp(dim=2) - self._own.sum(dim=2).log()
