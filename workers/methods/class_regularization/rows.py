"""What is trained beside the learner, on the same episodes, to compare it with."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from service.core.catalog.class_regularization import ClassRegularizationParams
from workers.methods.class_regularization.base_features import PLAIN, WHITENED
from workers.methods.class_regularization.episodes import Episodes
from workers.methods.class_regularization.heads import (
    ClassDomain,
    LinearMap,
    Mixing,
    QueryForm,
    ScaledCentroids,
)
from workers.methods.class_regularization.maths import episode_loss

STUDENT = "class_regularization"
RIVAL = "prototypical_network"
UNTIED = "no_class_loss"


@dataclass(frozen=True)
class TrainedRow:
    """A head that learns on the features of one space.

    Attributes:
        class_weight: Weight of the classification of base classes; only for a class domain.
    """

    space: str
    head: ScaledCentroids | ClassDomain
    class_weight: float = 0.0

    def losses(self, support: Tensor, queries: Tensor, episodes: Episodes) -> dict[str, Tensor]:
        """The weighted losses on features of episodes of base classes, in float32."""
        device = queries.device
        with torch.autocast(device.type, enabled=False):
            logits = self.head.logits(support, queries)
            losses = {"episode": episode_loss(logits, episodes.truth.to(device))}
            if self.class_weight > 0 and isinstance(self.head, ClassDomain):
                features = torch.cat([support.flatten(0, 2), queries.flatten(0, 1)])
                labels = labels_of(episodes).to(device)
                losses["class"] = self.class_weight * self.head.class_loss(features, labels)
        return losses


def labels_of(episodes: Episodes) -> Tensor:
    """Base class of every support image, then of every query."""
    return torch.cat(
        [
            episodes.classes.unsqueeze(-1).expand_as(images).flatten()
            for images in (episodes.support, episodes.queries)
        ]
    )


def rows_on_frozen_features(
    domain: ClassDomain,
    space: str,
    params: ClassRegularizationParams,
    generator: torch.Generator,
) -> Mapping[str, TrainedRow]:
    """The learner, its baselines and its ablations on frozen features, the learner first."""
    entries, units = domain.weight.shape
    weight = params.class_weight
    other = PLAIN if space == WHITENED else WHITENED

    def ablation(mixing: Mixing, query_form: QueryForm) -> ClassDomain:
        return ClassDomain(
            units,
            entries,
            generator,
            first_prior=params.starting_prior,
            mixing=mixing,
            query_form=query_form,
        )

    raw, both = QueryForm.RAW, QueryForm.MIXED
    shot_aware, constant = Mixing.SHOT_AWARE, Mixing.CONSTANT
    return {
        STUDENT: TrainedRow(space, domain, weight),
        f"{STUDENT}_{other}": TrainedRow(other, ablation(shot_aware, raw), weight),
        "prototypical": TrainedRow(PLAIN, LinearMap(units)),
        "prototypical_whitened": TrainedRow(WHITENED, LinearMap(units)),
        UNTIED: TrainedRow(space, ablation(shot_aware, raw)),
        "constant_alpha": TrainedRow(space, ablation(constant, raw), weight),
        "symmetric": TrainedRow(space, ablation(constant, both), weight),
        "symmetric_no_class_loss": TrainedRow(space, ablation(constant, both)),
        "pure": TrainedRow(space, ablation(Mixing.PURE, raw), weight),
    }


def rows_of_bodies(
    domain: ClassDomain,
    space: str,
    params: ClassRegularizationParams,
    generator: torch.Generator,
) -> Mapping[str, TrainedRow]:
    """The learner, a prototypical network, and the learner without its class loss.

    Each is for a body of its own.
    """
    entries, units = domain.weight.shape
    untied = ClassDomain(units, entries, generator, first_prior=params.starting_prior)
    return {
        STUDENT: TrainedRow(space, domain, params.class_weight),
        RIVAL: TrainedRow(space, ScaledCentroids(units)),
        UNTIED: TrainedRow(space, untied),
    }
