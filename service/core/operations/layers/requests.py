"""What is asked of a layer selection, and how the request is filled in."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy.orm import Session

from service.core.candidate_layers import candidate_layers, cut_layers
from service.core.catalog.layer_selection import LARGEST_PROBE_SET, LayerSelectionParams
from service.core.errors import FieldProblem, InvalidRequestError
from service.core.manifest import Strict, TaskKind
from service.core.operations.layers.scores import TargetData, weight_of
from service.core.operations.rankings.requests import (
    AnyId,
    EdgeWeight,
    RankingTarget,
    naming,
    probes_of,
    target_of,
)
from service.core.operations.zoo import models
from service.core.tables import DatasetRecord, ModelRecord, ModelState

OUTPUT = "output"
MOST_LAYERS = 1000
LayerName = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]


class LayerReading(Strict):
    """By which edge weight a selection is read: λ itself, or that of the amount of data."""

    data: TargetData | None = None
    edge_weight: EdgeWeight | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.data is not None and self.edge_weight is not None:
            raise ValueError("give either data or an edge_weight")
        return self

    @property
    def weight(self) -> float:
        """λ; that of ample data where nothing is said."""
        return weight_of(self.data, self.edge_weight)


class LayerSelectionRequest(LayerReading):
    """A layer selection to make.

    ``probe_set_id`` may be left out when the target is a dataset: its images are the probes.
    ``layers`` names candidates of the source, or is "all"; without it the ends of its blocks are
    asked about. ``target_layer`` is where the target's graph is taken: its logits if it is a
    classifier, else its feature layer.
    """

    source_model_id: AnyId
    target: RankingTarget
    probe_set_id: AnyId | None = None
    layers: Literal["all"] | Annotated[tuple[LayerName, ...], Field(min_length=1)] | None = None
    target_layer: LayerName | None = None
    settings: LayerSelectionParams = LayerSelectionParams()

    @model_validator(mode="after")
    def _has_probes(self) -> Self:
        if self.probe_set_id is None and self.target.dataset_id is None:
            raise ValueError("a selection for a model needs a probe_set_id")
        return self


@dataclass(frozen=True)
class LayerParticipants:
    """Who takes part: both networks, the probes, the candidate layers and the target's layer."""

    source: ModelRecord
    target: ModelRecord
    probes: DatasetRecord
    candidates: tuple[str, ...]
    target_layer: str


def resolve_participants(
    session: Session, *, project: str, request: LayerSelectionRequest
) -> LayerParticipants:
    """Find everybody whom a request names.

    Raises:
        InvalidRequestError: Somebody or some layer does not exist; the source has no candidates;
            there are too many layers or probes; the target has nothing to learn.
        ConflictError: A network or the probe set is not ready.
    """
    with naming("/source_model_id"):
        source = models.get_ready(session, project=project, model_id=request.source_model_id)
    candidates = _candidates(source, request.layers)
    probes = probes_of(
        session, project=project, probe_set_id=request.probe_set_id, target=request.target
    )
    _require_few(probes)
    target = target_of(session, project=project, target=request.target)
    return LayerParticipants(source, target, probes, candidates, _target_layer(target, request))


def _candidates(source: ModelRecord, asked: str | tuple[str, ...] | None) -> tuple[str, ...]:
    layers = [(layer["name"], layer["kind"]) for layer in source.layers]
    if asked is None:
        found = candidate_layers(layers, feature_layer=source.feature_layer)
    elif isinstance(asked, str):
        found = cut_layers(layers)
    else:
        found = _known([name for name, _ in layers], asked, source)
    if not found:
        raise InvalidRequestError(
            f"{source.id} has no layer before its answer, so there is nowhere to cut it",
            code="no_candidate_layers",
            remedy="choose another source",
            errors=[FieldProblem("/source_model_id", "no layer before the answer")],
        )
    return _few_enough(found)


def _known(names: list[str], asked: tuple[str, ...], source: ModelRecord) -> tuple[str, ...]:
    """The layers asked for, in the order of computation."""
    known = {*names, OUTPUT}
    missing = [
        FieldProblem(f"/layers/{place}", f"the network has no layer {name!r}")
        for place, name in enumerate(asked)
        if name not in known
    ]
    if missing:
        raise InvalidRequestError(
            missing[0].reason,
            code="unknown_layer",
            remedy=f"see GET /v1/models/{source.id}/layers",
            errors=missing[:100],
        )
    return tuple(name for name in (*names, OUTPUT) if name in set(asked))


def _few_enough(layers: tuple[str, ...]) -> tuple[str, ...]:
    if len(layers) > MOST_LAYERS:
        raise InvalidRequestError(
            f"{len(layers)} layers are more than {MOST_LAYERS}",
            code="too_many_layers",
            remedy="name some of them, or leave layers out for the ends of blocks",
            errors=[FieldProblem("/layers", "too many")],
        )
    return layers


def _require_few(probes: DatasetRecord) -> None:
    if (probes.images or 0) > LARGEST_PROBE_SET:
        raise InvalidRequestError(
            f"{probes.id} has {probes.images} images; layers are compared on at most"
            f" {LARGEST_PROBE_SET}",
            code="probe_set_too_large",
            remedy="upload a sample of it as a dataset of its own; a few hundred suffice",
            errors=[FieldProblem("/probe_set_id", "too many images")],
        )


def _target_layer(target: ModelRecord, request: LayerSelectionRequest) -> str:
    """Where the target's graph is taken; that of a network still to come is at its logits."""
    if target.state == ModelState.PENDING:
        return request.target_layer or OUTPUT
    names = [layer["name"] for layer in target.layers]
    if request.target_layer is not None:
        _known_target_layer([*names, OUTPUT], request.target_layer, target)
        return request.target_layer
    if target.task_kind == TaskKind.CLASSIFICATION and target.output_kind == "vector":
        return _logits(target)
    return target.feature_layer or OUTPUT


def _known_target_layer(names: list[str], asked: str, target: ModelRecord) -> None:
    if asked not in names:
        raise InvalidRequestError(
            f"the target has no layer {asked!r}",
            code="unknown_layer",
            remedy=f"see GET /v1/models/{target.id}/layers",
            errors=[FieldProblem("/target_layer", "unknown layer")],
        )


def _logits(target: ModelRecord) -> str:
    """The answer, or what goes into the softmax that ends the network."""
    if len(target.layers) <= 1:
        return OUTPUT
    before, last = target.layers[-2:]
    softmax = "softmax" in last["kind"].lower() and before["shape"] == last["shape"]
    return str(before["name"]) if softmax else OUTPUT
