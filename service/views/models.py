"""Wire shapes of models."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, Field, field_validator
from sqlalchemy.orm import Session

from service.container import Zoo
from service.core.catalog.depara import DeparaParams, edge_weight_of, settings_of
from service.core.catalog.measurement import Metric
from service.core.etags import etag_of
from service.core.ids import DatasetId, ModelId, UploadId
from service.core.manifest import (
    Architecture,
    FewShotHead,
    InputSpec,
    ModelManifest,
    Name,
    Strict,
    StylizerHead,
    Tag,
    Task,
    TaskKind,
)
from service.core.operations.lists import SizeClass
from service.core.operations.model_names import Alias
from service.core.operations.neighbors import neighbors
from service.core.operations.rankings.schemas import EdgeWeight
from service.core.operations.zoo import model_lists
from service.core.operations.zoo.model_lists import ModelFilter
from service.core.operations.zoo.models import ModelChanges
from service.core.paging import PageTokens
from service.core.reader_manifest import Modality
from service.core.tables import ModelRecord, ModelState
from service.views.paging import (
    SORT_DESCRIPTION,
    CountedListView,
    CountedQuery,
    ListCounters,
    Words,
    counted_list_view,
    list_view,
)

MOST_IDS = 500
ModelSort = Literal[
    "created_at", "-created_at", "name", "-name", "size", "-size", "parameters", "-parameters"
]


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


class ModelQuery(CountedQuery):
    """Which models to list, newest first; ``name`` is a part of the name."""

    state: ModelState | None = None
    task: TaskKind | None = None
    tag: Words | None = None
    name: Words | None = None
    size: SizeClass | None = Field(None, description="Size of the uploaded file.")
    ids: list[ModelId] = Field([], max_length=MOST_IDS, description="Only these models.")
    sort: ModelSort = Field("-created_at", description=SORT_DESCRIPTION)

    @property
    def where(self) -> ModelFilter:
        """The filter as the operation takes it."""
        return ModelFilter(
            self.state, self.task, self.tag, self.name, self.q, self.size, tuple(self.ids)
        )

    def page(
        self, session: Session, tokens: PageTokens, *, project: str
    ) -> CountedListView["ModelView"]:
        """The page of the project's models that the query asks for."""
        where = self.where
        read = partial(model_lists.page, session, project=project, where=where, sort=self.sort)
        scope = [project, "models", self.sort, *vars(where).values()]
        return counted_list_view(
            list_view(read, ModelView.of, self, tokens=tokens, scope=scope),
            self,
            ListCounters(
                partial(model_lists.total, session, project=project, where=where),
                partial(model_lists.facets, session, project=project, where=where),
            ),
        )


class AliasView(Strict):
    """An alias of a model."""

    alias: Alias


class RejectionView(BaseModel):
    """Why a model or dataset was rejected, or an image left out, then with its ``name``."""

    code: str
    detail: str
    remedy: str | None = None
    name: str | None = None


class OutputView(BaseModel):
    """A tensor that a network returns; ``shape`` is that for one image."""

    name: str
    shape: list[int]


class ReaderView(BaseModel):
    """What a reader takes of a clip, and the number of different tokens of its texts.

    A cascade has ``stages``, and its tokens are those of the last one; ``pinyin_from`` says which
    library, version and settings read the pinyin that had no column of its own.
    """

    modality: Modality
    tokens: int
    stages: list[str] = []
    pinyin_from: str | None = None

    @classmethod
    def of(cls, head: Mapping[str, Any]) -> Self:
        """The view of the head in a manifest."""
        stages = head.get("stages", ())
        texts = stages[-1] if stages else head
        return cls(
            modality=head["features"]["modality"],
            tokens=len(texts["vocabulary"]),
            stages=[part["stage"] for part in stages],
            pinyin_from=head.get("pinyin_from") or None,
        )


class ModelView(BaseModel):
    """A network of the zoo; one that reads clips has ``reader`` and no ``input``.

    ``version`` counts the networks that had this name, and ``aliases`` such as ``prod`` belong to one
    version at a time: ``name:version`` and ``name@alias`` name it. Of all ``outputs``, methods read
    ``output``; ``output_scale`` says whether its numbers are logits, probabilities or
    log-probabilities. ``latency_ms`` is the time of one image on the machine that checked the network,
    null for networks of earlier releases. ``same_weights_as`` lists other networks of the project with the same weights,
    whatever these are called and however their files differ.
    """

    id: str
    name: str
    version: int
    aliases: list[str] = []
    state: Literal["pending", "uploaded", "checking", "ready", "rejected", "damaged"]
    task: Task
    format: str
    architecture: Architecture | None = None
    input: InputSpec | None = None
    classes: list[str] | None = None
    few_shot: FewShotHead | None = None
    stylizer: StylizerHead | None = None
    reader: ReaderView | None = None
    feature_layer: str | None = None
    output_kind: str | None = None
    outputs: list[OutputView] = []
    output: str | None = None
    output_scale: Literal["logits", "probabilities", "log_probabilities"] | None = None
    parameters: int | None = None
    flops: int | None = None
    peak_bytes: int | None = None
    gradient_peak_bytes: int | None = None
    latency_ms: float | None = None
    weights_sha256: str | None = None
    same_weights_as: list[str] = []
    sha256: str | None = None
    size_bytes: int | None = None
    trained_on: str = ""
    tags: list[str]
    license: str = ""
    source: str = ""
    revision: str = ""
    problems: list[RejectionView]
    lineage: dict[str, Any] | None = None
    job_id: str | None = None
    created_at: datetime
    etag: str

    @classmethod
    def of(cls, record: ModelRecord) -> Self:
        """The view of a record."""
        manifest = record.manifest
        optional = (
            "architecture",
            "classes",
            "few_shot",
            "stylizer",
            "trained_on",
            "license",
            "source",
        )
        return cls(
            id=record.id,
            name=record.name,
            version=record.name_version,
            aliases=record.aliases or [],
            state=record.state,
            task=manifest.get("task") or Task(),
            format=manifest.get("format", "pt2"),
            input=manifest.get("input"),
            reader=ReaderView.of(manifest["reader"]) if record.is_reader else None,
            feature_layer=record.feature_layer or manifest.get("feature_layer"),
            output_kind=record.output_kind,
            outputs=[OutputView.model_validate(output) for output in record.outputs],
            output=record.output,
            output_scale=record.output_scale,
            weights_sha256=record.weights_sha256,
            same_weights_as=record.same_weights_as or [],
            parameters=record.parameters,
            flops=record.flops,
            peak_bytes=record.peak_bytes,
            gradient_peak_bytes=record.gradient_peak_bytes,
            latency_ms=record.latency_ms,
            sha256=record.upload_sha256 or record.program_sha256,
            size_bytes=record.upload_bytes,
            tags=record.tags,
            problems=[rejection_view(problem) for problem in record.problems],
            lineage=record.lineage,
            job_id=record.job_id,
            created_at=record.created_at,
            etag=etag_of(record),
            revision=manifest.get("revision") or "",
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
    """Which neighbors: through which probe set, how many, by which metric, and λ."""

    dataset_id: DatasetId
    k: int = Field(10, ge=1, le=neighbors.MOST_NEIGHBORS)
    metric: Metric = Metric.DEPARA
    edge_weight: EdgeWeight | None = None


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
    metric: Metric
    edge_weight: float
    items: list[NeighborView]


def neighbors_view(
    zoo: Zoo, query: NeighborsQuery, *, project: str, model_id: str
) -> NeighborsView:
    """The models nearest to a model, nearest first."""
    weight, dataset_id = edge_weight_of(query.metric, query.edge_weight), query.dataset_id
    with zoo.transaction() as session:
        candidates = neighbors.shortlist(
            session,
            project=project,
            model_id=model_id,
            dataset_id=dataset_id,
            count=query.k,
            edge_weight=weight,
            settings=settings_of(query.metric, DeparaParams()),
        )
    nearest = enumerate(neighbors.nearest(candidates, zoo.comparer), 1)
    items = [NeighborView(rank=rank, **vars(near)) for rank, near in nearest]
    return NeighborsView(
        model_id=model_id,
        dataset_id=dataset_id,
        metric=query.metric,
        edge_weight=weight,
        items=items,
    )
