"""Wire shapes of output units: found by name, and by how they respond."""

from functools import partial

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.ids import DatasetId
from service.core.manifest import Strict
from service.core.operations.concepts import units
from service.core.paging import PageTokens
from service.views.paging import ListView, PageQuery, Words, list_view


class UnitView(BaseModel):
    """An output unit whose class has a name; ``unit`` is its index among the network's outputs."""

    model_config = ConfigDict(from_attributes=True)

    model_id: str
    name: str
    unit: int
    class_name: str


class UnitQuery(PageQuery):
    """Which units: those of classes whose name contains every word of ``q``."""

    q: Words = Field(description="Words that the class name contains, in any case.", min_length=1)

    def page(self, session: Session, tokens: PageTokens, *, project: str) -> ListView[UnitView]:
        """The page of the project's units that the query asks for."""
        read = partial(units.page, session, project=project, words=self.q)
        scope = [project, "units", self.q]
        return list_view(read, UnitView.model_validate, self, tokens=tokens, scope=scope)


class SimilarUnitsQuery(Strict):
    """Which units are like one of a network: through which probe set, and how many."""

    unit: int = Field(ge=0, lt=2**31)
    dataset_id: DatasetId
    k: int = Field(10, ge=1, le=units.MOST_SIMILAR)


class SimilarUnitView(BaseModel):
    """An output unit, with the correlation of its responses to those of another one, from -1 to 1."""

    rank: int
    model_id: str
    name: str
    unit: int
    class_name: str | None
    correlation: float


class SimilarUnitsView(BaseModel):
    """The units most like one unit, on one probe set.

    ``searched_models`` counts the networks with stored responses that were compared; ``left_out`` counts
    those that were too large to read within a request.
    """

    model_id: str
    unit: int
    dataset_id: str
    searched_models: int
    left_out: int
    items: list[SimilarUnitView]


def similar_units_view(
    zoo: Zoo, query: SimilarUnitsQuery, *, project: str, model_id: str
) -> SimilarUnitsView:
    """The units most like one unit of a model, best first."""
    with zoo.transaction() as session:
        shortlist = units.shortlist(
            session,
            project=project,
            model_id=model_id,
            unit=query.unit,
            dataset_id=query.dataset_id,
        )
    ranked = enumerate(units.similar(shortlist, zoo.responses, count=query.k), 1)
    return SimilarUnitsView(
        model_id=model_id,
        unit=query.unit,
        dataset_id=shortlist.target.dataset_id,
        searched_models=len(shortlist.others),
        left_out=shortlist.left_out,
        items=[SimilarUnitView(rank=rank, **vars(unit)) for rank, unit in ranked],
    )
