"""Evaluation of a learner on episodes of novel classes, whose images no training step reads."""

import json
from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int64, UInt8
from torch import Tensor, nn

from service.core.manifest import InputSpec
from workers.methods.class_regularization.base_features import PLAIN, WHITENED, BaseFeatures
from workers.methods.class_regularization.comparison import (
    REFERENCE,
    ComparedRow,
    EpisodeComparison,
    accuracies_of,
    as_table,
    as_values,
    compare,
    descriptors_of,
    episode_sizes,
    shift_shots,
    support_sets,
)
from workers.methods.class_regularization.episodes import draw_episodes
from workers.methods.class_regularization.heads import Centroids, CosineCentroids
from workers.methods.class_regularization.network import EpisodicNetwork
from workers.methods.class_regularization.pictures import SHIFT_PICTURE, shift_picture
from workers.methods.class_regularization.rows import STUDENT, TrainedRow
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import Findings
from workers.torchkit.training.teachers import Teacher

EPISODES_FILE = "episodes.json"
_QUICK_EPISODES = 100
_AT_ONCE = 256
_DIGITS = 4


class NovelImages:
    """Images of classes that are no base class, with labels from 0; classes of one image are out.

    Attributes:
        positions: Index of each image in the evaluation set.
    """

    def __init__(self, evaluation_set: EvaluationSet | None, base_names: tuple[str, ...]) -> None:
        self.names: tuple[str, ...] = ()
        self.frames: UInt8[Tensor, "image side side 3"] | None = None
        if evaluation_set is None or evaluation_set.truth is None:
            return
        truth, names = evaluation_set.truth, evaluation_set.labels
        counts = truth[truth >= 0].bincount(minlength=len(names)).tolist()
        chosen = [
            index
            for index, name in enumerate(names)
            if counts[index] > 1 and name not in base_names
        ]
        new_label = torch.full((len(names) + 1,), -1)
        new_label[chosen] = torch.arange(len(chosen))
        labels = new_label[truth]
        self.names = tuple(names[index] for index in chosen)
        self.positions: Int64[Tensor, " image"] = (labels >= 0).nonzero().squeeze(1)
        self.labels: Int64[Tensor, " image"] = labels[self.positions]
        self.frames = evaluation_set.images[self.positions] if len(chosen) > 1 else None


class EpisodeEvaluator:
    """Measures on novel classes; without two of them it returns no numbers."""

    def __init__(
        self,
        evaluation_set: EvaluationSet | None,
        *,
        source: Teacher,
        features: BaseFeatures,
        frozen: nn.Module,
        rows: Mapping[str, TrainedRow],
        bodies: Mapping[str, EpisodicNetwork],
        base_names: tuple[str, ...],
        seed: int,
    ) -> None:
        self._novel = NovelImages(evaluation_set, base_names)
        self._source, self._features, self._frozen = source, features, frozen
        self._rows, self._bodies = rows, bodies
        self._seed = seed
        self._raw: Tensor | None = None
        self._comparison: EpisodeComparison | None = None

    def evaluate(self, student: nn.Module, spec: InputSpec) -> dict[str, float]:
        """Accuracy of the learner on a hundred episodes of the smallest size."""
        del student, spec
        if self._novel.frames is None:
            return {}
        size = episode_sizes(self._novel.labels)[0]
        generator = torch.Generator().manual_seed(self._seed)
        labels = self._novel.labels
        episodes = draw_episodes(labels, size, count=_QUICK_EPISODES, generator=generator)
        accuracies = accuracies_of(self._trained(STUDENT), episodes)
        return {f"accuracy_{size.name}": float(accuracies.mean())}

    def final(self, student: nn.Module, spec: InputSpec) -> dict[str, float]:
        """Means of all rows on the same episodes, and their meta shifts."""
        if self._novel.frames is None:
            return {}
        numbers = self.evaluate(student, spec)
        generator = torch.Generator().manual_seed(self._seed)
        self._comparison = compare(self._all_rows(), self._novel.labels, generator=generator)
        for result in self._comparison.results:
            for name, value in result.estimates().items():
                numbers[f"{name}_{result.size.name}"] = value.mean
            numbers[f"accuracy_{result.size.name}"] = result.estimates()[STUDENT].mean
        for name, shifts in self._comparison.shifts.items():
            numbers |= {f"{name}_shift_{shots}": value for shots, value in shifts.items()}
        return numbers

    def pictures(self) -> dict[str, bytes]:
        """Descriptors of novel classes before and after, once they were compared."""
        if self._comparison is None or not shift_shots(self._novel.labels):
            return {}
        generator = torch.Generator().manual_seed(self._seed)
        sets = support_sets(self._novel.labels, 1, generator)
        before, after = self._centroids(), self._trained(STUDENT)
        titles = (f"Before: {REFERENCE}", f"After: {STUDENT}")
        panels = [
            (title, descriptors_of(row, sets))
            for title, row in zip(titles, (before, after), strict=True)
        ]
        return {SHIFT_PICTURE: shift_picture(panels)}

    def findings(self, facts: Mapping[str, Any]) -> Findings:
        """The facts with the comparison, its table for readers, and the episodes as a file."""
        details = {**facts, "novel_classes": list(self._novel.names)}
        if self._comparison is None:
            return Findings(details=details)
        table = as_table(self._comparison)
        count = len(self._comparison.results[0].episodes.classes)
        words = (
            f"On {count} episodes of {len(self._novel.names)} novel classes, the same for every"
            " row: accuracy in percent with the paired difference to `none`. Brackets and ± are"
            " 95 % intervals over episodes. A lower meta shift is not by itself better accuracy."
        )
        return Findings(
            details={**details, **as_values(self._comparison)},
            paragraphs=(words, table),
            documents={EPISODES_FILE: json.dumps(self._drawn(), allow_nan=False)},
        )

    def _all_rows(self) -> list[ComparedRow]:
        """Rows without training, then the trained ones."""
        whitened = self._frozen_features(WHITENED)
        return [
            self._centroids(),
            ComparedRow("centroid_cosine", self._frozen_features(PLAIN), CosineCentroids()),
            ComparedRow("whitened_centroid", whitened, Centroids()),
            *(self._trained(name) for name in self._rows),
        ]

    def _centroids(self) -> ComparedRow:
        return ComparedRow(REFERENCE, self._frozen_features(PLAIN), Centroids())

    def _trained(self, name: str) -> ComparedRow:
        """A trained row, with features of its own body if it has one."""
        row, network = self._rows[name], self._bodies.get(name)
        features = (
            self._frozen_features(row.space) if network is None else self._read(network.embed)
        )
        return ComparedRow(name, features, row.head)

    def _frozen_features(self, space: str) -> Float[Tensor, "image unit"]:
        """Features under the source as it is, read once, in a space."""
        if self._raw is None:
            self._raw = self._read(self._frozen)
        values: Tensor = self._features.spaces[space](self._raw)
        return values

    def _read(self, embed: Any) -> Float[Tensor, "image unit"]:
        assert self._novel.frames is not None
        parts = self._novel.frames.split(_AT_ONCE)  # type: ignore[no-untyped-call]
        with torch.no_grad():
            return torch.cat([embed(self._source.of_frames(part)) for part in parts])

    def _drawn(self) -> dict[str, Any]:
        """The episodes by index into the evaluation set, with the accuracy of every row."""
        assert self._comparison is not None
        positions = self._novel.positions
        return {
            result.size.name: {
                "classes": result.episodes.classes.tolist(),
                "support": positions[result.episodes.support].tolist(),
                "queries": positions[result.episodes.queries].tolist(),
                "accuracies": {
                    name: [round(value, _DIGITS) for value in values.tolist()]
                    for name, values in result.accuracies.items()
                },
            }
            for result in self._comparison.results
        } | {"novel_classes": list(self._novel.names), "seed": self._seed}
