"""Evidence for a fused ranking: history, runs, scores, similarities and traits.

Rows are the candidates and every other network with a recorded accuracy; None means unknown.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import fused_ranking
from service.core.catalog.depara import DeparaParams
from service.core.catalog.measurement import Estimator, Metric
from service.core.errors import TooLargeError
from service.core.fingerprints import fingerprint
from service.core.operations import owned_rows
from service.core.operations.accuracies import history
from service.core.operations.accuracies.history import Cell
from service.core.operations.measurements import (
    estimates,
    graphs,
    measurements,
    reference_networks,
)
from service.core.operations.rankings import affinities, baselines, scores
from service.core.operations.rankings.schemas import DEFAULT_EDGE_WEIGHT
from service.core.tables import DatasetRecord, RankingRecord

MOST_NETWORKS = 4000
_MILLION = 1e6
Values = list[float | None]


@dataclass(frozen=True)
class _Layout:
    """The row of each network, and the column of each dataset with a protocol."""

    rows: Mapping[str, int]
    columns: Mapping[tuple[str, str], int]

    def vector(self, by_model: Mapping[str, float]) -> Values:
        """Values of networks, row by row."""
        return [by_model.get(model) for model in self.rows]


def gather(session: Session, *, ranking: RankingRecord) -> dict[str, Any]:
    """The evidence as plain values, in the order of the method's inputs.

    Raises:
        TooLargeError: ``too_many_candidates``.
    """
    cells = history.cells(
        session, project=ranking.project, protocol=ranking.request.get("protocol")
    )
    past = [cell for cell in cells if cell.dataset != ranking.target_dataset_id]
    runs = [cell for cell in cells if cell.dataset == ranking.target_dataset_id]
    candidates = sorted(candidate["model_id"] for candidate in ranking.candidates)
    others = sorted({cell.model for cell in cells} - set(candidates))
    _require_few(len(candidates) + len(others))
    columns = sorted({(cell.dataset, cell.protocol) for cell in past})
    layout = _Layout(_numbered([*candidates, *others]), _numbered(columns))
    target = owned_rows.get(session, DatasetRecord, project=ranking.project, id=ranking.dataset_id)
    return {
        "models": list(layout.rows),
        "candidates": [True] * len(candidates) + [False] * len(others),
        "datasets": [f"{dataset} by {protocol}" for dataset, protocol in columns],
        "accuracies": _matrix(layout, past),
        "target": target.id,
        "measured": layout.vector(_means(runs)),
        "scores": {
            name: layout.vector(by_model)
            for name, by_model in _scores(session, ranking, target, candidates).items()
        },
        "history_scores": _history_scores(session, ranking, layout),
        "traits": _traits(session, ranking, layout, candidates),
    }


def key_of(evidence: Mapping[str, Any]) -> str:
    """Hash of method, version and evidence: equal keys promise the same posterior."""
    spec = fused_ranking.SPEC
    return fingerprint({"method": spec.name, "version": spec.version, "evidence": evidence})


def _require_few(networks: int) -> None:
    if networks > MOST_NETWORKS:
        raise TooLargeError(
            f"candidates and networks with recorded accuracies are {networks} together; one"
            f" posterior supports {MOST_NETWORKS}",
            code="too_many_candidates",
            remedy="list fewer candidates, or filter them by task or tag",
        )


def _numbered(things: Sequence[Any]) -> dict[Any, int]:
    return {thing: index for index, thing in enumerate(things)}


def _empty(layout: _Layout) -> list[Values]:
    return [[None] * len(layout.columns) for _ in layout.rows]


def _matrix(layout: _Layout, cells: Sequence[Cell]) -> list[Values]:
    filled = _empty(layout)
    for cell in cells:
        filled[layout.rows[cell.model]][layout.columns[cell.dataset, cell.protocol]] = cell.value
    return filled


def _means(cells: Sequence[Cell]) -> dict[str, float]:
    """Mean accuracy of each network over the protocols."""
    by_model = defaultdict(list)
    for cell in cells:
        by_model[cell.model].append(cell.value)
    return {model: sum(values) / len(values) for model, values in by_model.items()}


def _scores(
    session: Session, ranking: RankingRecord, dataset: DatasetRecord, models: Sequence[str]
) -> dict[str, dict[str, float]]:
    """All scores of networks on a dataset, by name of the score, then by network."""
    by_score: dict[str, dict[str, float]] = defaultdict(dict)
    estimated = estimates.stored(
        session,
        project=ranking.project,
        comparable=estimates.comparable_key(dataset),
        model_ids=models,
    )
    for model, estimate in estimated.items():
        for name in Estimator:
            score = estimate.scores.get(name)
            if score is not None:
                by_score[name.value][model] = score
    return {**by_score, **_similarities(session, ranking, dataset, models)}


def _similarities(
    session: Session, ranking: RankingRecord, dataset: DatasetRecord, models: Sequence[str]
) -> dict[str, dict[str, float]]:
    """Stored similarities to the reference network of a dataset."""
    reference = reference_networks.known_for(session, dataset=dataset)
    if reference is None or not reference_networks.is_useful(reference):
        return {}
    pairs = _pairs(session, ranking, dataset, [reference.id, *models])
    weights = {Metric.ATTRIBUTION.value: 0.0, Metric.DEPARA.value: DEFAULT_EDGE_WEIGHT}
    by_metric: dict[str, dict[str, float]] = {}
    for name, weight in weights.items():
        weighted = {m: scores.score_of(pair, edge_weight=weight) for m, pair in pairs.items()}
        if by_model := {model: score for model, score in weighted.items() if score is not None}:
            by_metric[name] = by_model
    return by_metric


def _pairs(
    session: Session, ranking: RankingRecord, dataset: DatasetRecord, ids: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Parts of the stored similarities of the first network to the others, by the other."""
    settings = DeparaParams.model_validate(ranking.request.get("settings", {}))
    comparable = graphs.comparable_key(dataset.manifest_sha256 or "", settings)
    measured = measurements.known_graphs(
        session, project=ranking.project, comparable=comparable, model_ids=ids
    )
    first = measured.pop(ids[0], None)
    if first is None:
        return {}
    others = {graph.id: model for model, graph in measured.items()}
    stored = affinities.of_graph(session, graph_id=first.id, others=list(others))
    return {others[graph_id]: affinities.parts_of(row) for graph_id, row in stored.items()}


def _history_scores(
    session: Session, ranking: RankingRecord, layout: _Layout
) -> dict[str, list[Values]]:
    """The same scores on the datasets of the history that are in the zoo."""
    matrices: dict[str, list[Values]] = {}
    for dataset_id in sorted({dataset for dataset, _ in layout.columns}):
        dataset = owned_rows.find(session, DatasetRecord, project=ranking.project, id=dataset_id)
        if dataset is None:
            continue
        by_score = _scores(session, ranking, dataset, list(layout.rows))
        columns = [n for (name, _), n in layout.columns.items() if name == dataset_id]
        for name, values in by_score.items():
            matrix = matrices.setdefault(name, _empty(layout))
            for model, value in values.items():
                for column in columns:
                    matrix[layout.rows[model]][column] = value
    return matrices


def _traits(
    session: Session, ranking: RankingRecord, layout: _Layout, candidates: Sequence[str]
) -> dict[str, Values]:
    """Facts of networks that hold for every target."""
    sizes = baselines.parameters(session, project=ranking.project, model_ids=candidates)
    upstream = history.upstream_accuracies(
        session, project=ranking.project, without=ranking.target_dataset_id
    )
    traits = {
        "parameters_million": {model: size / _MILLION for model, size in sizes.items()},
        "upstream_accuracy": upstream,
    }
    return {name: layout.vector(by_model) for name, by_model in traits.items() if by_model}
