"""Wire shapes of families."""

from datetime import datetime
from typing import Self

from pydantic import BaseModel

from service.core.families.relation import Relation
from service.core.operations.families.families import Descent, ModelRelative


class FamilyEvidenceView(BaseModel):
    """What a relation follows from; pairs begin with the model and end with its relative.

    ``tensors`` counts the compared weight tensors of both, ``equal_share`` is the share of them that
    are equal. ``cosine`` is the mean cosine of all but the heads, ``distances`` the length of the
    difference of each matched tensor, from the image on, relative to the longer of both. ``zeros``
    are mean shares of zeros, ``levels`` and ``relative_levels`` the levels of the grids that hold all
    weights, null without.
    """

    tensors: tuple[int, int]
    equal_share: float
    cosine: float
    distances: list[float]
    zeros: tuple[float, float]
    levels: int | None = None
    relative_levels: int | None = None


class RelativeView(BaseModel):
    """A related model.

    ``descent`` is what it is to the model as far as the weights show it, with the ``reason``.
    ``near_copy`` marks one that computes the same up to rounding. ``confirmed`` is the descent that a
    person confirmed.
    """

    model_id: str
    name: str
    relation: Relation
    descent: Descent
    reason: str
    near_copy: bool
    evidence: FamilyEvidenceView
    confirmed: Descent | None = None
    confirmed_at: datetime | None = None

    @classmethod
    def of(cls, relative: ModelRelative) -> Self:
        """The view of a relative."""
        values = {**vars(relative), "near_copy": relative.near}
        del values["near"]
        return cls.model_validate(values)


class FamilyView(BaseModel):
    """The relatives of a model by its weights, the most alike first."""

    model_id: str
    relatives: list[RelativeView]

    @classmethod
    def of(cls, model_id: str, relatives: list[ModelRelative]) -> Self:
        """The view of a family."""
        return cls(model_id=model_id, relatives=[RelativeView.of(r) for r in relatives])
