"""Requests for layer selections, and the rows and layers that they name."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from sqlalchemy.orm import Session

from service.core.candidate_layers import OUTPUT, candidate_layers, cut_layers
from service.core.catalog.layer_selection import LARGEST_PROBE_SET, LayerSelectionParams
from service.core.errors import FieldProblem, InvalidRequestError
from service.core.ids import DatasetId, ModelId
from service.core.manifest import Strict, TaskKind
from service.core.operations import owned_rows
from service.core.operations.error_pointers import error_pointer
from service.core.operations.layers.scores import TargetData, weight_of
from service.core.operations.rankings.participants import probes_of, target_of
from service.core.operations.rankings.schemas import EdgeWeight, RankingTarget
from service.core.tables import DatasetRecord, ModelRecord, ModelState

MOST_LAYERS = 1000
LayerName = Annotated[str, Field(min_length=1, max_length=300, pattern=r"^[^\x00]*$")]


class LayerReading(Strict):
    """The edge weight by which to read a selection: λ itself, or that of an amount of data."""

    data: TargetData | None = None
    edge_weight: EdgeWeight | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Self:
        if self.data is not None and self.edge_weight is not None:
            raise ValueError("set either data or edge_weight")
        return self

    @property
    def weight(self) -> float:
        """λ; by default that of ample data."""
        return weight_of(self.data, self.edge_weight)


class LayerSelectionRequest(LayerReading):
    """A layer selection to create.

    If the target is a dataset, its images are the default probe set. ``layers`` lists candidates of
    the source, or is "all"; the default is the ends of its blocks. ``target_layer`` is the layer of
    the target's graph: by default the logits of a classifier, otherwise the feature layer.
    """

    source_model_id: ModelId
    target: RankingTarget
    probe_set_id: DatasetId | None = None
    layers: (
        Literal["all"]
        | Annotated[tuple[LayerName, ...], Field(min_length=1, fail_fast=True)]
        | None
    ) = None
    target_layer: LayerName | None = None
    settings: LayerSelectionParams = LayerSelectionParams()

    @model_validator(mode="after")
    def _has_probes(self) -> Self:
        if self.probe_set_id is None and self.target.dataset_id is None:
            raise ValueError("a selection for a model needs a probe_set_id")
        return self


@dataclass(frozen=True)
class LayerParticipants:
    """Both networks, the probe set, the candidate layers and the target's layer."""

    source: ModelRecord
    target: ModelRecord
    probes: DatasetRecord
    candidates: tuple[str, ...]
    target_layer: str


def resolve_participants(
    session: Session, *, project: str, request: LayerSelectionRequest
) -> LayerParticipants:
    """Look up everything that a request names.

    Raises:
        InvalidRequestError: A model, dataset or layer does not exist; the source has no candidates;
            there are too many layers or probes; the target has no classes.
        ConflictError: A network or the probe set is not ready.
    """
    with error_pointer("/source_model_id"):
        source = owned_rows.get_ready(
            session, ModelRecord, project=project, id=request.source_model_id
        )
    candidates = _candidates(source, request.layers)
    probes = probes_of(
        session, project=project, probe_set_id=request.probe_set_id, target=request.target
    )
    _require_few(probes)
    target = target_of(session, project=project, target=request.target)
    return LayerParticipants(source, target, probes, candidates, _target_layer(target, request))


def _candidates(source: ModelRecord, requested: str | tuple[str, ...] | None) -> tuple[str, ...]:
    layers = [(layer["name"], layer["kind"]) for layer in source.layers]
    if requested is None:
        names = candidate_layers(layers, feature_layer=source.feature_layer)
    elif isinstance(requested, str):
        names = cut_layers(layers)
    else:
        names = _existing([name for name, _ in layers], requested, source)
    if not names:
        raise InvalidRequestError(
            f"{source.id} has no layer before its output, so it cannot be cut",
            code="no_candidate_layers",
            remedy="choose another source",
            errors=[FieldProblem("/source_model_id", "no layer before the output")],
        )
    return _few_enough(names)


def _existing(
    names: list[str], requested: tuple[str, ...], source: ModelRecord
) -> tuple[str, ...]:
    """The requested layers, in the order of computation."""
    existing = {*names, OUTPUT}
    missing = [
        FieldProblem(f"/layers/{index}", f"the network has no layer {name!r}")
        for index, name in enumerate(requested)
        if name not in existing
    ]
    if missing:
        raise InvalidRequestError(
            missing[0].reason,
            code="unknown_layer",
            remedy=f"see GET /v1/models/{source.id}/layers",
            errors=missing,
        )
    return tuple(name for name in (*names, OUTPUT) if name in set(requested))


def _few_enough(layers: tuple[str, ...]) -> tuple[str, ...]:
    if len(layers) > MOST_LAYERS:
        raise InvalidRequestError(
            f"there are {len(layers)} layers; the limit is {MOST_LAYERS}",
            code="too_many_layers",
            remedy="list some of them, or omit layers for the ends of blocks",
            errors=[FieldProblem("/layers", "too many")],
        )
    return layers


def _require_few(probes: DatasetRecord) -> None:
    if (probes.images or 0) > LARGEST_PROBE_SET:
        raise InvalidRequestError(
            f"{probes.id} has {probes.images} images; the limit for comparing layers is"
            f" {LARGEST_PROBE_SET}",
            code="probe_set_too_large",
            remedy="upload a sample of a few hundred images as its own dataset",
            errors=[FieldProblem("/probe_set_id", "too many images")],
        )


def _target_layer(target: ModelRecord, request: LayerSelectionRequest) -> str:
    """The layer of the target's graph; for a pending network its logits."""
    if target.state == ModelState.PENDING:
        return request.target_layer or OUTPUT
    names = [layer["name"] for layer in target.layers]
    if request.target_layer is not None:
        _require_target_layer([*names, OUTPUT], request.target_layer, target)
        return request.target_layer
    if target.task_kind == TaskKind.CLASSIFICATION and target.output_kind == "vector":
        return _logits(target)
    return target.feature_layer or OUTPUT


def _require_target_layer(names: list[str], requested: str, target: ModelRecord) -> None:
    if requested not in names:
        raise InvalidRequestError(
            f"the target has no layer {requested!r}",
            code="unknown_layer",
            remedy=f"see GET /v1/models/{target.id}/layers",
            errors=[FieldProblem("/target_layer", "unknown layer")],
        )


def _logits(target: ModelRecord) -> str:
    """The output, or the input of a final softmax."""
    if len(target.layers) <= 1:
        return OUTPUT
    before, last = target.layers[-2:]
    softmax = "softmax" in last["kind"].lower() and before["shape"] == last["shape"]
    return str(before["name"]) if softmax else OUTPUT
