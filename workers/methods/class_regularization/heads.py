"""How descriptors are made from a support set, and how queries are compared with them.

Shapes of a support set: ``episode way shot unit``; queries: ``episode query unit``.
"""

import math
from enum import StrEnum
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn
from torch.nn import functional

from workers.methods.class_regularization.maths import class_loss, code, decoded
from workers.torchkit.few_shot import class_share, mixed, squared_distances

_FIRST_BASIS = 0.1


class Mixing(StrEnum):
    """Weight of the class domain: by the number of shots, constant, or all."""

    SHOT_AWARE = "shot_aware"
    CONSTANT = "constant"
    PURE = "pure"


class QueryForm(StrEnum):
    """What is compared with descriptors: the query's own features, or mixed ones of one shot."""

    RAW = "raw"
    MIXED = "mixed"


@runtime_checkable
class EpisodeHead(Protocol):
    """Classification by distance to descriptors."""

    def descriptors(
        self, support: Float[Tensor, "episode way shot unit"]
    ) -> Float[Tensor, "episode way unit"]:
        """One vector for each class of each episode."""
        ...

    def logits(
        self,
        support: Float[Tensor, "episode way shot unit"],
        queries: Float[Tensor, "episode query unit"],
    ) -> Float[Tensor, "episode query way"]:
        """Scores of the classes for every query."""
        ...


class Centroids:
    """Nearest mean of the support."""

    def descriptors(
        self, support: Float[Tensor, "episode way shot unit"]
    ) -> Float[Tensor, "episode way unit"]:
        """Means of the support."""
        return support.mean(dim=2)

    def logits(
        self,
        support: Float[Tensor, "episode way shot unit"],
        queries: Float[Tensor, "episode query unit"],
    ) -> Float[Tensor, "episode query way"]:
        """Negative squared distances."""
        return -squared_distances(queries, self.descriptors(support))


class CosineCentroids(Centroids):
    """The mean of the support at the smallest angle."""

    def logits(
        self,
        support: Float[Tensor, "episode way shot unit"],
        queries: Float[Tensor, "episode query unit"],
    ) -> Float[Tensor, "episode query way"]:
        """Cosines."""
        directions = functional.normalize(self.descriptors(support), dim=-1)
        return functional.normalize(queries, dim=-1) @ directions.mT


class ScaledCentroids(nn.Module):
    """Nearest mean of the support; the scale of distances learns.

    Source: Snell, Swersky & Zemel 2017 (prototypical networks), arXiv 1703.05175.
    """

    def __init__(self, units: int) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(first_log_scale(units)))

    def mapped(self, features: Float[Tensor, "*image unit"]) -> Float[Tensor, "*image unit"]:
        """Features as they are compared: unchanged."""
        return features

    def descriptors(
        self, support: Float[Tensor, "episode way shot unit"]
    ) -> Float[Tensor, "episode way unit"]:
        """Means of the support."""
        return self.mapped(support.mean(dim=2))

    def logits(
        self,
        support: Float[Tensor, "episode way shot unit"],
        queries: Float[Tensor, "episode query unit"],
    ) -> Float[Tensor, "episode query way"]:
        """Scaled negative squared distances."""
        distances = squared_distances(self.mapped(queries), self.descriptors(support))
        return -self.log_scale.exp() * distances


class LinearMap(ScaledCentroids):
    """Nearest mean after a linear map, which starts as the identity."""

    def __init__(self, units: int) -> None:
        super().__init__(units)
        self.map = nn.Parameter(torch.eye(units))

    def mapped(self, features: Float[Tensor, "*image unit"]) -> Float[Tensor, "*image unit"]:
        """Features under the map."""
        return features @ self.map.T


class ClassDomain(nn.Module):
    """Encoder, trained class basis, linear decoder, and the mix with the support's means.

    Args:
        entries: Size of the basis: the number of base classes.
        first_prior: Number of support images that the class domain counts as before it learns.
    """

    def __init__(
        self,
        units: int,
        entries: int,
        generator: torch.Generator,
        *,
        first_prior: float = 1.0,
        mixing: Mixing = Mixing.SHOT_AWARE,
        query_form: QueryForm = QueryForm.RAW,
    ) -> None:
        super().__init__()
        self._mixing, self._query_form = mixing, query_form
        bound = 1 / math.sqrt(units)
        weight = torch.empty(entries, units).uniform_(-bound, bound, generator=generator)
        self.weight = nn.Parameter(weight)
        self.bias = nn.Parameter(torch.zeros(entries))
        basis = _FIRST_BASIS * torch.randn(entries, units, generator=generator)
        self.basis = nn.Parameter(basis)
        self.log_prior = nn.Parameter(torch.tensor(math.log(first_prior)))
        self.log_scale = nn.Parameter(torch.tensor(first_log_scale(units)))

    def decoded(self, features: Float[Tensor, "*image unit"]) -> Float[Tensor, "*image unit"]:
        """What the class domain makes of features."""
        return decoded(code(features, self.weight, self.bias), self.basis)

    def share(self, shots: int) -> Float[Tensor, ""]:
        """Weight of the class domain in the descriptor of a class with so many shots."""
        if self._mixing is Mixing.PURE:
            return torch.ones_like(self.log_prior)
        count = torch.full_like(self.log_prior, shots if self._mixing is Mixing.SHOT_AWARE else 1)
        return class_share(self.log_prior.exp(), count)

    def descriptors(
        self, support: Float[Tensor, "episode way shot unit"]
    ) -> Float[Tensor, "episode way unit"]:
        """Means of the support and means of what was decoded from it, mixed."""
        share = self.share(support.shape[2]).expand(support.shape[:2])
        return mixed(support.mean(dim=2), self.decoded(support).mean(dim=2), share)

    def logits(
        self,
        support: Float[Tensor, "episode way shot unit"],
        queries: Float[Tensor, "episode query unit"],
    ) -> Float[Tensor, "episode query way"]:
        """Scaled negative squared distances."""
        if self._query_form is QueryForm.MIXED:
            queries = mixed(
                queries, self.decoded(queries), self.share(1).expand(queries.shape[:2])
            )
        return -self.log_scale.exp() * squared_distances(queries, self.descriptors(support))

    def class_loss(
        self, features: Float[Tensor, "image unit"], labels: Int64[Tensor, " image"]
    ) -> Float[Tensor, ""]:
        """Cross-entropy of the encoder with the base classes."""
        return class_loss(features, labels, self.weight, self.bias)


def first_log_scale(units: int) -> float:
    """Logarithm of the first scale of distances, which grow with the number of units."""
    return 1 - math.log(units)
