"""Predictions of a few-shot learner: classes come with the request, as labeled images."""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.manifest import FewShotHead
from service.core.predict_messages import (
    ClassProbability,
    OutputKind,
    PredictResponse,
    SupportClass,
    SupportFacts,
)
from workers.torchkit.few_shot import (
    SupportSet,
    descriptors_of,
    digests_of,
    require_finite,
    squared_distances,
)

_CACHED_BYTES = 64 * 1024**2

Outputs = Float[Tensor, "image twice"]


@dataclass
class OutputCache:
    """Outputs of learners for pictures, the least recently used first; bounded in bytes."""

    _rows: OrderedDict[tuple[str, str], Tensor] = field(default_factory=OrderedDict)
    _bytes: int = 0

    def outputs(
        self, key: str, frames: UInt8[Tensor, "image side side 3"], run: Callable[[Tensor], Tensor]
    ) -> Outputs:
        """The learner's output for each picture; only new pictures are run.

        Args:
            key: Identifies what the learner computes.
            run: The output of the learner for frames.
        """
        names = [(key, digest) for digest in digests_of(frames)]
        rows = {name: self._rows[name] for name in names if name in self._rows}
        new = [index for index, name in enumerate(names) if name not in rows]
        if new:
            for index, row in zip(new, run(frames[new]), strict=True):
                rows[names[index]] = row.clone()
        for name in names:
            self._keep(name, rows[name])
        return torch.stack([rows[name] for name in names])

    def _keep(self, name: tuple[str, str], row: Tensor) -> None:
        if name not in self._rows:
            self._rows[name] = row
            self._bytes += row.numel() * row.element_size()
        self._rows.move_to_end(name)
        while self._bytes > _CACHED_BYTES and len(self._rows) > 1:
            _, oldest = self._rows.popitem(last=False)
            self._bytes -= oldest.numel() * oldest.element_size()


@dataclass(frozen=True)
class FewShotClassifier:
    """Descriptors of the classes of one request, and how distances become probabilities."""

    head: FewShotHead
    descriptors: Float[Tensor, "way unit"]
    spreads: Sequence[float | None]

    @classmethod
    def of(
        cls, head: FewShotHead, outputs: Outputs, support: SupportSet, prior: float | None
    ) -> "FewShotClassifier":
        """The classifier for a support; ``prior`` replaces the learned one."""
        descriptors = descriptors_of(outputs, support, head, prior=prior)
        distances = squared_distances(outputs[:, : head.units].double(), descriptors)
        spreads = [
            float(distances[list(positions), way].mean()) if len(positions) > 1 else None
            for way, positions in enumerate(support.members)
        ]
        return cls(head, descriptors, spreads)

    def distances(self, outputs: Outputs) -> Float[Tensor, "image way"]:
        """Squared distances of images to descriptors. Raises FeaturesNotFiniteError."""
        features = outputs[:, : self.head.units].double()
        return require_finite(squared_distances(features, self.descriptors))

    def classes(
        self, distances: Float[Tensor, "image way"], *, top_k: int
    ) -> list[list[ClassProbability]]:
        """The likeliest classes of each image."""
        shares = (-self.head.scale * distances).softmax(1)
        values, indices = shares.topk(min(top_k, shares.shape[1]))
        nearest = distances.gather(1, indices)
        rows = zip(indices.tolist(), values.tolist(), nearest.tolist(), strict=True)
        return [
            [
                ClassProbability(index=index, probability=share, distance=distance)
                for index, share, distance in zip(*row, strict=True)
            ]
            for row in rows
        ]


def few_shot_response(
    frames: UInt8[Tensor, "image side side 3"],
    outputs: Outputs,
    request: Mapping[str, Any],
    head: FewShotHead,
) -> PredictResponse:
    """The response to a request; its queries come first, then its support.

    Raises:
        SupportConflictError: A picture has two labels.
        FeaturesNotFiniteError: The learner overflowed.
    """
    count, facts = request["images"], request["support"]
    digests = digests_of(frames)
    support = SupportSet.of(digests[count:], facts["classes"], facts["names"])
    classifier = FewShotClassifier.of(head, outputs[count:], support, facts["prior"])
    distances = classifier.distances(outputs[:count])
    about = [
        SupportClass(shots=shots, distinct=len(positions), spread=spread)
        for shots, positions, spread in zip(
            support.shots, support.members, classifier.spreads, strict=True
        )
    ]
    return PredictResponse(
        OutputKind.CLASSES,
        classes=classifier.classes(distances, top_k=request["top_k"]),
        support=SupportFacts(
            classes=about,
            outside=(distances.amin(1) > head.outside_distance).tolist(),
            notes=support.notes(digests[:count]),
        ),
    )
