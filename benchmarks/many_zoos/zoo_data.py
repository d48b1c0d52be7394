"""A stored zoo: true transfers, features and maps of every source."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from benchmarks.many_zoos.generate import OTHER_PROBES
from benchmarks.taskonomy.judging import Judged, Scores, judged
from benchmarks.taskonomy.truth import TransferTruth, truth_of

REPLICATES = 20
KINDS = ("own", "mixed", "noise")


@dataclass(frozen=True)
class StoredZoo:
    """One zoo. Sources: the untrained encoder, then that of every target, in the targets' order."""

    name: str
    path: Path

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """Names of the targets."""
        return tuple(map(str, self._array("tasks")))

    @cached_property
    def itself(self) -> np.ndarray:
        """Every target's own network."""
        return np.arange(1, len(self.tasks) + 1)

    @cached_property
    def truth(self) -> tuple[TransferTruth, ...]:
        """The true transfers of every target."""
        losses = self._array("losses")
        counts = (~np.isnan(losses[:, 0, 0])).sum(axis=1)
        return tuple(
            truth_of(rows[None, ..., :count], replicates=REPLICATES)
            for rows, count in zip(losses, counts, strict=True)
        )

    def judge(self, similarity: np.ndarray) -> Judged:
        """How well a similarity of every two sources foresees the transfers."""
        return self.judge_rows(similarity[self.itself])

    def judge_rows(self, scores: Scores) -> Judged:
        """The same for scores (target, source)."""
        affinity, wins = (
            np.concatenate([getattr(row, part) for row in self.truth])
            for part in ("affinity", "wins")
        )
        return judged(scores, affinity, wins, self.itself)

    @property
    def wins(self) -> Scores:
        """Mean win rates (target, source)."""
        return np.concatenate([row.wins for row in self.truth])

    def features(self, kind: str = "own", *, half: bool = False) -> Tensor:
        """(source, probe, unit) of the last layer, or half-way up."""
        return torch.from_numpy(self._array("halfway" if half else f"{kind}_features"))

    def maps(self, kind: str = "own") -> Tensor:
        """(source, probe, pixel): unit maps."""
        return torch.from_numpy(self._array(f"{kind}_maps"))

    def _array(self, name: str) -> np.ndarray:
        with np.load(self.path) as arrays:
            return arrays[name]


def stored_zoos(folder: Path, names: Sequence[str]) -> list[StoredZoo]:
    """The zoos of the folder, in the order of ``names``; those that are not there yet are left out."""
    paths = [(name, folder / f"{name}.npz") for name in names]
    return [StoredZoo(name, path) for name, path in paths if path.exists()]


__all__ = ["KINDS", "OTHER_PROBES", "StoredZoo", "stored_zoos"]
