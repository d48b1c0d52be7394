"""Descriptors of classes from labeled pictures, as every use of a few-shot learner makes them.

Axes: ``image``; ``side`` of the canonical frame; ``unit`` of a feature vector; ``way`` a class;
``twice`` the output of a learner: features, then decoded features.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from service.core.errors import InvalidRequestError, MethodError
from service.core.manifest import FewShotHead

_UNEVEN = 5


class SupportConflictError(InvalidRequestError):
    """One picture is an example of two classes."""

    code = "support_conflict"


class FeaturesNotFiniteError(MethodError):
    """The learner's features overflowed."""

    code = "prediction_failed"


def require_finite(values: Tensor) -> Tensor:
    """The values, all of which are numbers. Raises FeaturesNotFiniteError."""
    if not bool(values.isfinite().all()):
        raise FeaturesNotFiniteError(
            "the learner's features are not finite on these images",
            remedy="use other images, or a learner whose source stays in range",
        )
    return values


def class_share(prior: Float[Tensor, ""], shots: Float[Tensor, "*way"]) -> Float[Tensor, "*way"]:
    """Weight of the class domain in a descriptor: it counts as much as ``prior`` images."""
    return prior / (prior + shots)


def mixed(
    means: Float[Tensor, "*way unit"],
    decoded_means: Float[Tensor, "*way unit"],
    share: Float[Tensor, "*way"],
) -> Float[Tensor, "*way unit"]:
    """Descriptors: means of the support, moved towards the means of what was decoded."""
    return torch.lerp(means, decoded_means, share.unsqueeze(-1))


def squared_distances(
    queries: Float[Tensor, "*episode query unit"],
    descriptors: Float[Tensor, "*episode way unit"],
) -> Float[Tensor, "*episode query way"]:
    """Squared distance of every query to every descriptor."""
    return (queries.unsqueeze(-2) - descriptors.unsqueeze(-3)).square().sum(-1)


def digests_of(frames: UInt8[Tensor, "image side side 3"]) -> list[str]:
    """Digest of the decoded pixels of every picture."""
    return [hashlib.sha256(frame.numpy().tobytes()).hexdigest() for frame in frames]


@dataclass(frozen=True)
class SupportSet:
    """Different pictures of every class, by position among all support images.

    Attributes:
        members: Positions of the pictures of each class, without repeats.
        shots: Number of images of each class, with repeats.
    """

    names: Sequence[str]
    members: Sequence[Sequence[int]]
    shots: Sequence[int]
    digests: Sequence[str]
    repeats: Sequence[str]

    @classmethod
    def of(
        cls, digests: Sequence[str], classes: Sequence[int], names: Sequence[str]
    ) -> "SupportSet":
        """The support without repeated pictures. Raises SupportConflictError."""
        first: dict[str, int] = {}
        members: list[list[int]] = [[] for _ in names]
        repeats = []
        for position, (digest, label) in enumerate(zip(digests, classes, strict=True)):
            earlier = first.setdefault(digest, position)
            if earlier == position:
                members[label].append(position)
            elif classes[earlier] == label:
                repeats.append(f"support image {position} equals image {earlier} and counts once")
            else:
                raise SupportConflictError(
                    f"support images {earlier} and {position} are the same picture,"
                    f" labeled {names[classes[earlier]]!r} and {names[label]!r}",
                    remedy="give each picture one label",
                )
        shots = [list(classes).count(label) for label in range(len(names))]
        return cls(names, members, shots, digests, repeats)

    def notes(self, query_digests: Sequence[str]) -> list[str]:
        """What a reader should know about this support and these queries."""
        notes, counts = list(self.repeats), [len(positions) for positions in self.members]
        if len(counts) == 1:
            notes.append("there is one class, so there is nothing to choose between")
        if max(counts) > _UNEVEN * min(counts):
            notes.append(f"classes have {min(counts)} to {max(counts)} images")
        own = set(self.digests)
        notes += [
            f"image {index} is also a support image"
            for index, digest in enumerate(query_digests)
            if digest in own
        ]
        return notes


def descriptors_of(
    outputs: Float[Tensor, "image twice"],
    support: SupportSet,
    head: FewShotHead,
    *,
    prior: float | None,
) -> Float[Tensor, "way unit"]:
    """The descriptor of every class, in float64.

    Args:
        outputs: Of the learner, for all support images.
        prior: Replaces the learned one.
    """
    weight = torch.tensor(head.prior if prior is None else prior, dtype=torch.float64)
    rows = outputs.double()
    features, decoded = rows[:, : head.units], rows[:, head.units :]
    members = [list(positions) for positions in support.members]
    means = torch.stack([features[positions].mean(0) for positions in members])
    decoded_means = torch.stack([decoded[positions].mean(0) for positions in members])
    counts = torch.tensor([len(positions) for positions in members], dtype=torch.float64)
    return mixed(means, decoded_means, class_share(weight, counts))
