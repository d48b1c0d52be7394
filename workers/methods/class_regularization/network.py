"""The learner as one network: body, standardization, whitening and class domain."""

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from service.core.manifest import FewShotHead
from workers.methods.class_regularization.episodes import EpisodeSize, draw_episodes
from workers.methods.class_regularization.heads import Centroids, ClassDomain
from workers.methods.class_regularization.maths import whitening

_SMALLEST_DEVIATION = 1e-6
_DECIDING_EPISODES = 200
_DECIDING_SHARE = 5
_FEWEST_WAYS = 2


class FeatureSpace(nn.Module):
    """Standardized features, whitened on request; both are fixed before the first step.

    Args:
        features: Features of the base images.
        axes: What standardized features are multiplied with; None leaves them.
    """

    center: Tensor
    spread: Tensor
    axes: Tensor | None

    def __init__(self, features: Float[Tensor, "image unit"], axes: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("center", features.mean(dim=0))
        deviation = features.std(dim=0, correction=0)
        self.register_buffer("spread", deviation.clamp_min(_SMALLEST_DEVIATION))
        self.register_buffer("axes", axes)

    def forward(self, features: Float[Tensor, "image unit"]) -> Float[Tensor, "image unit"]:
        """Features in this space."""
        values = (features - self.center) / self.spread
        return values if self.axes is None else values @ self.axes


def plain_space(features: Float[Tensor, "image unit"]) -> FeatureSpace:
    """Standardization alone."""
    return FeatureSpace(features, None)


def whitened_space(
    features: Float[Tensor, "image unit"], labels: Int64[Tensor, " image"]
) -> FeatureSpace:
    """Standardization and whitening within classes."""
    axes = whitening(plain_space(features)(features), labels)
    return FeatureSpace(features, axes)


class EpisodicNetwork(nn.Module):
    """A body whose features, in a fixed space, a head compares."""

    def __init__(self, body: nn.Module, space: FeatureSpace, head: nn.Module) -> None:
        super().__init__()
        self.body, self.space, self.head = body, space, head

    def embed(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image unit"]:
        """Features of images in the space of the network."""
        features: Tensor = self.space(self.body(images).float())
        return features


class FewShotNetwork(EpisodicNetwork):
    """Images to their features and what the class domain makes of them, side by side."""

    head: ClassDomain

    def forward(
        self, images: Float[Tensor, "image channel row column"]
    ) -> Float[Tensor, "image twice"]:
        """Features, then decoded features."""
        features = self.embed(images)
        return torch.cat([features, self.head.decoded(features)], dim=1)

    def comparison(self, outside_distance: float) -> FewShotHead:
        """What a manifest says of the learner."""
        return FewShotHead(
            units=self.head.weight.shape[1],
            prior=float(self.head.log_prior.detach().exp()),
            scale=float(self.head.log_scale.detach().exp()),
            outside_distance=outside_distance,
        )


def whitening_pays(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    *,
    generator: torch.Generator,
) -> bool:
    """Whether nearest means are right more often after whitening, at 1 and 5 shots together.

    A fifth of the base classes is set aside; the others alone determine both spaces.
    """
    classes = int(labels.max()) + 1
    order = torch.randperm(classes, generator=generator)
    ways = max(_FEWEST_WAYS, classes // _DECIDING_SHARE)
    aside, rest = order[:ways], order[ways:]
    fitting, trial = torch.isin(labels, rest), torch.isin(labels, aside)
    spaces = (
        plain_space(features[fitting]),
        whitened_space(features[fitting], _compact(labels[fitting])),
    )
    trial_labels = _compact(labels[trial])
    state = generator.get_state()
    plain, white = (
        _centroid_accuracy(space(features[trial]), trial_labels, generator.set_state(state))
        for space in spaces
    )
    return white > plain


def _centroid_accuracy(
    features: Float[Tensor, "image unit"],
    labels: Int64[Tensor, " image"],
    generator: torch.Generator,
) -> float:
    """Mean accuracy of nearest means over both numbers of shots."""
    fewest = int(labels.bincount().min())
    ways = min(5, int(labels.max()) + 1)
    correct = []
    for shots in (1, 5):
        size = EpisodeSize(ways, min(shots, fewest - 1), max(1, min(5, fewest - shots)))
        drawn = draw_episodes(labels, size, count=_DECIDING_EPISODES, generator=generator)
        for episodes in drawn.parts(20):
            queries = features[episodes.queries].flatten(1, 2)
            answers = Centroids().logits(features[episodes.support], queries).argmax(-1)
            correct.append((answers == episodes.truth).float().mean())
    return float(torch.stack(correct).mean())


def _compact(labels: Int64[Tensor, " image"]) -> Int64[Tensor, " image"]:
    """The same labels from 0 without gaps."""
    present = labels.bincount() > 0
    compact: Tensor = present.cumsum(0)[labels] - 1
    return compact
