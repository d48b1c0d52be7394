"""What is asked of a ranking, and how the request is filled in."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, Self

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator
from sqlalchemy.orm import Session

from service.core.catalog.depara import EDGE_WEIGHTS, DeparaParams, settings_of
from service.core.catalog.measurement import FUSED, RANKING_METRICS, Metric
from service.core.errors import FieldProblem, InvalidRequestError, NotFoundError, ZooError
from service.core.manifest import Strict, TaskKind
from service.core.operations.measurements import reference_networks
from service.core.operations.zoo import datasets, models
from service.core.operations.zoo.models import ModelFilter
from service.core.tables import DatasetRecord, ModelRecord, ModelState, Protocol

DEFAULT_EDGE_WEIGHT = EDGE_WEIGHTS[Metric.DEPARA]
MOST_CANDIDATES = 100_000
AnyId = Annotated[str, Field(pattern=r"^[a-z]{3}_[0-9A-Za-z_]{1,60}$")]
EdgeWeight = Annotated[float, Field(ge=0, le=1e6, allow_inf_nan=False)]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


def _known_metric(name: str) -> str:
    if name not in RANKING_METRICS:
        raise ValueError(f"must be one of {', '.join(RANKING_METRICS)}")
    return name


RankingMetric = Annotated[
    str,
    AfterValidator(_known_metric),
    WithJsonSchema({"type": "string", "enum": list(RANKING_METRICS)}),
]


class EstimatorEvidence(StrEnum):
    """Whether a fused ranking measures missing estimators first, or uses those that are known."""

    MEASURE = "measure"
    KNOWN = "known"


class RankingTarget(Strict):
    """Whom to rank for: a network, or a dataset.

    For a metric that compares networks a small one is trained on the dataset first.
    """

    model_id: AnyId | None = None
    dataset_id: AnyId | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.model_id is None) == (self.dataset_id is None):
            raise ValueError("name either a model_id or a dataset_id")
        return self


class CandidateFilter(Strict):
    """Models that fit every field given; ``name`` is a part of the name."""

    task: TaskKind | None = None
    tag: Words | None = None
    name: Words | None = None


class Candidates(Strict):
    """Which networks to order: these, or those that a filter finds."""

    model_ids: tuple[AnyId, ...] | None = Field(None, max_length=MOST_CANDIDATES)
    filter: CandidateFilter | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if (self.model_ids is None) == (self.filter is None):
            raise ValueError("give either model_ids or a filter")
        return self


class RankingRequest(Strict):
    """A ranking to make.

    ``probe_set_id`` may be left out when the target is a dataset: its images are the probes.
    Without ``candidates`` every model that is ready takes part. ``edge_weight`` is λ of the metrics
    ``depara`` and ``depara_plus``. Estimators and ``fused`` rank for a dataset. ``estimators`` tells ``fused`` whether
    to measure those that are missing. ``protocol`` leaves accuracies of other protocols out of
    the history.
    """

    target: RankingTarget
    probe_set_id: AnyId | None = None
    candidates: Candidates | None = None
    metric: RankingMetric = Metric.DEPARA.value
    edge_weight: EdgeWeight | None = None
    settings: DeparaParams = DeparaParams()
    estimators: EstimatorEvidence | None = None
    protocol: Protocol | None = None

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.probe_set_id is None and self.target.dataset_id is None:
            raise ValueError("a ranking for a model needs a probe_set_id")
        if self.metric not in EDGE_WEIGHTS and self.edge_weight:
            raise ValueError(f"the metric {self.metric} has no edges; leave edge_weight out")
        if self.metric != FUSED and self.estimators is not None:
            raise ValueError("estimators belongs to the metric fused; leave it out")
        if self.metric not in frozenset(Metric):
            self._require_fit_for_a_dataset()
        return self

    def _require_fit_for_a_dataset(self) -> None:
        if self.target.dataset_id is None:
            raise ValueError(f"the metric {self.metric} ranks for a dataset; name a dataset_id")
        if self.metric == FUSED:
            return
        if self.probe_set_id not in (None, self.target.dataset_id):
            raise ValueError(f"{self.metric} looks at the target itself; leave probe_set_id out")
        if self.settings != DeparaParams():
            raise ValueError(f"settings belong to {', '.join(Metric)}; leave them out")

    @property
    def weight(self) -> float:
        """λ as filled in."""
        if self.edge_weight is None:
            return EDGE_WEIGHTS.get(self.metric, 0.0)
        return self.edge_weight

    @property
    def measured_with(self) -> DeparaParams:
        """Settings of the graphs that are compared."""
        return settings_of(self.metric, self.settings)


@dataclass(frozen=True)
class RankingParticipants:
    """Who takes part: the target, the probes, the candidates, and those refused at once."""

    target: ModelRecord
    probes: DatasetRecord
    candidates: list[ModelRecord]
    unranked: list[dict[str, Any]] = field(default_factory=list)


def resolve_participants(
    session: Session, *, project: str, request: RankingRequest
) -> RankingParticipants:
    """Find everybody whom a request names, for a metric that compares networks.

    Raises:
        InvalidRequestError: Somebody does not exist, or the probe set is too large.
        ConflictError: The target or the probe set is not ready.
    """
    probes = probes_of(
        session, project=project, probe_set_id=request.probe_set_id, target=request.target
    )
    target = target_of(session, project=project, target=request.target)
    candidates, unranked = candidates_of(session, project, request.candidates)
    others = [model for model in candidates if model.id != target.id]
    return RankingParticipants(target, probes, others, unranked)


def probes_of(
    session: Session, *, project: str, probe_set_id: str | None, target: RankingTarget
) -> DatasetRecord:
    """The probe set that is named, or else the target's own images."""
    with naming("/probe_set_id"):
        given = probe_set_id or target.dataset_id or ""
        probes = datasets.get_ready(session, project=project, dataset_id=given)
    return require_probe_set(probes)


def require_probe_set(dataset: DatasetRecord) -> DatasetRecord:
    """The dataset, if it is small enough to be a probe set.

    Raises:
        InvalidRequestError: ``probe_set_too_large``.
    """
    if dataset.canonical_sha256 is None:
        raise InvalidRequestError(
            f"{dataset.id} has {dataset.images} images, too many for a probe set",
            code="probe_set_too_large",
            remedy="upload a sample of it as a dataset of its own",
            errors=[FieldProblem("/probe_set_id", "too many images")],
        )
    return dataset


def target_of(session: Session, *, project: str, target: RankingTarget) -> ModelRecord:
    """The network that is named, or that stands for the labelled dataset that is."""
    if target.model_id is not None:
        with naming("/target/model_id"):
            return models.get_ready(session, project=project, model_id=target.model_id)
    with naming("/target/dataset_id"):
        dataset = datasets.get_ready(session, project=project, dataset_id=target.dataset_id or "")
    return reference_networks.network_for(session, dataset=require_probe_set(dataset))


def candidates_of(
    session: Session, project: str, given: Candidates | None
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The networks that take part, and those named that are not ready, with the reason.

    Raises:
        InvalidRequestError: ``unknown_model``, with the place of each.
    """
    if given is None or given.model_ids is None:
        wanted = CandidateFilter() if given is None or given.filter is None else given.filter
        where = ModelFilter(ModelState.READY, wanted.task, wanted.tag, wanted.name)
        query = models.matching(project, where).order_by(ModelRecord.id)
        return list(session.scalars(query)), []
    return _named(session, project, given.model_ids)


def _named(
    session: Session, project: str, ids: tuple[str, ...]
) -> tuple[list[ModelRecord], list[dict[str, Any]]]:
    """The models with these ids; those that are not ready come as unranked."""
    query = models.matching(project, ModelFilter()).where(ModelRecord.id.in_(ids))
    found = {model.id: model for model in session.scalars(query)}
    missing = [
        FieldProblem(f"/candidates/model_ids/{place}", f"there is no model {one}")
        for place, one in enumerate(ids)
        if one not in found
    ]
    if missing:
        raise InvalidRequestError(missing[0].reason, code="unknown_model", errors=missing[:100])
    ready = [model for model in found.values() if model.state == ModelState.READY]
    return ready, [_not_ready(m) for m in found.values() if m.state != ModelState.READY]


def _not_ready(model: ModelRecord) -> dict[str, Any]:
    detail = f"the model is {model.state}"
    return {"model_id": model.id, "code": "model_not_ready", "detail": detail}


class naming:  # noqa: N801 - reads as a clause
    """Inside, what is not found is a fault of the request, at ``pointer``."""

    def __init__(self, pointer: str) -> None:
        self._pointer = pointer

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, NotFoundError):
            raise _fault(error, self._pointer) from None


def _fault(error: ZooError, pointer: str) -> InvalidRequestError:
    return InvalidRequestError(
        error.detail,
        code=error.code.replace("_not_found", "_unknown"),
        remedy=error.remedy,
        errors=[FieldProblem(pointer, error.detail)],
    )
