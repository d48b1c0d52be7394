"""Wire shapes of models."""

from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, field_validator
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.etags import etag_of
from service.core.manifest import (
    Architecture,
    InputSpec,
    ModelManifest,
    Name,
    Strict,
    Tag,
    Task,
    TaskKind,
)
from service.core.operations.neighbors import neighbors
from service.core.operations.rankings.schemas import DEFAULT_EDGE_WEIGHT, AnyId, EdgeWeight
from service.core.operations.zoo import models
from service.core.operations.zoo.models import ModelChanges, ModelFilter
from service.core.paging import PageTokens
from service.core.tables import ModelRecord, ModelState
from service.views.paging import ListView, PageQuery, Words, list_view

UploadId = Annotated[str, Field(pattern=r"^upl_[0-9A-Z]{1,40}$")]


class NewModelView(ModelManifest):
    """A manifest and the finished upload it describes."""

    upload_id: UploadId

    @property
    def manifest(self) -> ModelManifest:
        """The manifest alone."""
        return ModelManifest.model_validate(self.model_dump(exclude={"upload_id"}))


class ModelChangesView(Strict):
    """Changes to a model; a field that is left out stays as it is."""

    name: Name | None = None
    tags: tuple[Tag, ...] | None = Field(None, max_length=50)
    license: Annotated[str, Field(max_length=200)] | None = None
    task: Task | None = None

    @field_validator("task", mode="before")
    @classmethod
    def _kind_alone(cls, value: Any) -> Any:
        """``"classification"`` stands for ``{"kind": "classification"}``."""
        return {"kind": value} if isinstance(value, str) else value

    @property
    def changes(self) -> ModelChanges:
        """The changes as the operation takes them."""
        return ModelChanges(self.name, self.tags, self.license, self.task)


class ModelQuery(PageQuery):
    """Which models to list, newest first; ``name`` is a part of the name."""

    state: ModelState | None = None
    task: TaskKind | None = None
    tag: Words | None = None
    name: Words | None = None

    def page(self, session: Session, tokens: PageTokens, *, project: str) -> ListView["ModelView"]:
        """The page of the project's models that the query asks for."""
        where = ModelFilter(self.state, self.task, self.tag, self.name)
        read = partial(models.page, session, project=project, where=where)
        scope = [project, "models", self.state, self.task, self.tag, self.name]
        return list_view(read, ModelView.of, self, tokens=tokens, scope=scope)


class RejectionView(BaseModel):
    """Why a model or dataset was rejected, or an image left out, then with its ``name``."""

    code: str
    detail: str
    remedy: str | None = None
    name: str | None = None


class ModelView(BaseModel):
    """A network of the zoo."""

    id: str
    name: str
    state: Literal["pending", "uploaded", "checking", "ready", "rejected"]
    task: Task
    format: str
    architecture: Architecture | None = None
    input: InputSpec | None = None
    classes: list[str] | None = None
    feature_layer: str | None = None
    output_kind: str | None = None
    parameters: int | None = None
    flops: int | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    trained_on: str = ""
    tags: list[str]
    license: str = ""
    problems: list[RejectionView]
    lineage: dict[str, Any] | None = None
    job_id: str | None = None
    created_at: datetime
    etag: str

    @classmethod
    def of(cls, record: ModelRecord) -> Self:
        """The view of a record."""
        manifest = record.manifest
        optional = ("architecture", "classes", "trained_on", "license")
        return cls(
            id=record.id,
            name=record.name,
            state=record.state,
            task=manifest.get("task") or Task(),
            format=manifest.get("format", "pt2"),
            input=manifest.get("input"),
            feature_layer=record.feature_layer or manifest.get("feature_layer"),
            output_kind=record.output_kind,
            parameters=record.parameters,
            flops=record.flops,
            sha256=record.upload_sha256 or record.program_sha256,
            size_bytes=record.upload_bytes,
            tags=record.tags,
            problems=[rejection_view(problem) for problem in record.problems],
            lineage=record.lineage,
            job_id=record.job_id,
            created_at=record.created_at,
            etag=etag_of(record),
            **{key: manifest[key] for key in optional if manifest.get(key) is not None},
        )


def rejection_view(stored: dict[str, Any]) -> RejectionView:
    """A stored reason as a view."""
    return RejectionView(
        code=str(stored.get("code", "rejected")),
        detail=str(stored.get("detail", "")),
        remedy=stored.get("remedy") or None,
        name=stored.get("name") or None,
    )


class LayerView(BaseModel):
    """A layer that can be read or cut at; ``shape`` is that of its output for one image."""

    name: str
    kind: str
    shape: list[int]


class LayerListView(BaseModel):
    """All layers of a model in the order of execution, and the default feature layer."""

    model_id: str
    feature_layer: str | None
    items: list[LayerView]

    @classmethod
    def of(cls, record: ModelRecord) -> Self:
        """The view of the layers of a record."""
        items = [LayerView.model_validate(layer) for layer in record.layers]
        return cls(model_id=record.id, feature_layer=record.feature_layer, items=items)


class NeighborsQuery(Strict):
    """Which neighbors: through which probe set, how many, and λ."""

    dataset_id: AnyId
    k: int = Field(10, ge=1, le=neighbors.MOST_NEIGHBORS)
    edge_weight: EdgeWeight = DEFAULT_EDGE_WEIGHT


class NeighborView(BaseModel):
    """A model near another one.

    ``exact`` marks a full comparison. A comparison of sketches is off by more than ``error`` in at
    most one of a hundred cases.
    """

    rank: int
    model_id: str
    name: str
    score: float
    node_similarity: float | None
    edge_similarity: float | None
    exact: bool
    error: float | None


class NeighborsView(BaseModel):
    """The models nearest to a model, on one probe set."""

    model_id: str
    dataset_id: str
    edge_weight: float
    items: list[NeighborView]


def neighbors_view(
    zoo: Zoo, query: NeighborsQuery, *, project: str, model_id: str
) -> NeighborsView:
    """The models nearest to a model, nearest first."""
    weight, dataset_id = query.edge_weight, query.dataset_id
    with zoo.transaction() as session:
        candidates = neighbors.shortlist(
            session,
            project=project,
            model_id=model_id,
            dataset_id=dataset_id,
            count=query.k,
            edge_weight=weight,
        )
    nearest = enumerate(neighbors.nearest(candidates, zoo.comparer), 1)
    items = [NeighborView(rank=rank, **vars(near)) for rank, near in nearest]
    return NeighborsView(model_id=model_id, dataset_id=dataset_id, edge_weight=weight, items=items)
