"""Neighbors asked for, through REST and inside, beside the truth."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from unittest import mock

import httpx
import numpy as np
from sqlalchemy import insert
from sqlalchemy.orm import Session

from benchmarks.zoo_scale.filling import ProbeSet
from service.container import Zoo
from service.core.ids import IdKind, new_id
from service.core.operations.access.keys import DEFAULT_PROJECT
from service.core.operations.measurements import graphs
from service.core.operations.neighbors import sketch_search
from service.core.sketches import error_of
from service.core.tables import GraphRecord

WANTED = 10
SHORTLISTED = 50


@dataclass(frozen=True)
class NeighborTruth:
    """Exact products of queries with every network so far; both by number of the network."""

    queries: Sequence[int]
    node: np.ndarray
    edge: np.ndarray

    def scores(self, position: int, *, edge_weight: float) -> np.ndarray:
        """s_V + λ s_E of one query with everybody; itself at −∞."""
        scores = self.node[:, position] + edge_weight * self.edge[:, position]
        scores[self.queries[position]] = -np.inf
        return scores

    def nearest(self, position: int, *, edge_weight: float) -> set[int]:
        """Numbers of the ten nearest of one query."""
        scores = self.scores(position, edge_weight=edge_weight)
        return {int(number) for number in np.argpartition(-scores, WANTED)[:WANTED]}

    def spread(self, *, edge_weight: float) -> dict[str, float]:
        """Mean score of the 1st, 10th, 50th and 1 000th neighbor; median gap from 10th to 50th."""
        ranked = [
            np.sort(self.scores(position, edge_weight=edge_weight))[::-1]
            for position in range(len(self.queries))
        ]
        at = {
            str(rank): float(np.mean([ranking[rank - 1] for ranking in ranked]))
            for rank in (1, 10, 50)
        }
        last = min(1000, len(ranked[0]) - 1)
        gaps = [ranking[9] - ranking[49] for ranking in ranked]
        return {**at, str(last): float(np.mean([ranking[last - 1] for ranking in ranked]))} | {
            "gap_10_to_50": float(np.median(gaps)),
            "gap_10_to_50_smallest_tenth": float(np.quantile(gaps, 0.1)),
        }


@dataclass(frozen=True)
class Answers:
    """Recall and latency of a series of queries."""

    recall: float
    worst: float
    p50_ms: float
    p99_ms: float
    exact_share: float


def through_rest(
    client: httpx.Client,
    probes: ProbeSet,
    models: Sequence[str],
    truth: NeighborTruth,
    *,
    edge_weight: float,
    rounds: int,
) -> Answers:
    """Every query ``rounds`` times, one after the other; recall of the first round."""
    numbers = {model: number for number, model in enumerate(models)}
    recalls, seconds, exact = [], [], []
    for turn in range(rounds):
        for position, query in enumerate(truth.queries):
            path = f"/v1/models/{models[query]}/neighbors"
            where = {"dataset": probes.id, "k": WANTED, "edge_weight": edge_weight}
            began = time.perf_counter()
            answer = client.get(path, params=where)
            seconds.append(time.perf_counter() - began)
            answer.raise_for_status()
            if turn == 0:
                items = answer.json()["items"]
                met = {numbers[item["model_id"]] for item in items}
                recalls.append(_share(met, truth.nearest(position, edge_weight=edge_weight)))
                exact += [item["exact"] for item in items]
    return _answers(recalls, seconds, exact)


def by_sketch(
    zoo: Zoo,
    probes: ProbeSet,
    models: Sequence[str],
    truth: NeighborTruth,
    *,
    edge_weight: float,
    settings: Mapping[str, int],
    count: int = SHORTLISTED,
) -> Answers:
    """The shortlist alone, with some of the search's constants changed; recall among its ``count``."""
    numbers = {model: number for number, model in enumerate(models)}
    recalls, seconds = [], []
    with mock.patch.multiple(sketch_search, **settings):
        for position, query in enumerate(truth.queries):
            with zoo.transaction() as session:
                graph = _graph(session, probes, models[query])
                began = time.perf_counter()
                shortlist = sketch_search.nearest(
                    session, graph, edge_weight=edge_weight, count=SHORTLISTED
                )
                seconds.append(time.perf_counter() - began)
            met = {numbers[item.model_id] for item in shortlist[:count]}
            recalls.append(_share(met, truth.nearest(position, edge_weight=edge_weight)))
    return _answers(recalls, seconds, [])


def estimate_errors(
    zoo: Zoo, probes: ProbeSet, models: Sequence[str], truth: NeighborTruth, *, edge_weight: float
) -> dict[str, float]:
    """How estimates of shortlisted networks stand to the stated error and to the exact score."""
    numbers = {model: number for number, model in enumerate(models)}
    ratios = []
    for position, query in enumerate(truth.queries):
        with zoo.transaction() as session:
            graph = _graph(session, probes, models[query])
            shortlist = sketch_search.nearest(
                session, graph, edge_weight=edge_weight, count=SHORTLISTED
            )
        scores = truth.scores(position, edge_weight=edge_weight)
        for candidate in shortlist:
            stated_error = error_of(candidate.node, candidate.edge, edge_weight=edge_weight)
            off = (
                candidate.node + edge_weight * candidate.edge - scores[numbers[candidate.model_id]]
            )
            ratios.append(abs(off) / stated_error)
    return {
        "pairs": len(ratios),
        "beyond_told": float(np.mean(np.array(ratios) > 1)),
        "deviations_holding_99_percent": 3 * float(np.quantile(ratios, 0.99)),
    }


def insertions(zoo: Zoo, probes: ProbeSet, models: Sequence[str], count: int) -> dict[str, float]:
    """Milliseconds of one measured model's row with its sketch, and of the same row without."""
    milliseconds = {}
    for name, with_sketch in (("with_sketch", True), ("without_sketch", False)):
        seconds = []
        for model in models[:count]:
            with zoo.transaction() as session:
                row = _row_like(_graph(session, probes, model), with_sketch=with_sketch)
            began = time.perf_counter()
            with zoo.transaction() as session:
                session.execute(insert(GraphRecord), [row])
            seconds.append(time.perf_counter() - began)
            with zoo.transaction() as session:
                session.delete(session.get_one(GraphRecord, row["id"]))
        milliseconds[f"{name}_p50_ms"] = 1000 * float(np.median(seconds))
        milliseconds[f"{name}_p99_ms"] = 1000 * float(np.quantile(seconds, 0.99))
    return milliseconds


def _row_like(graph: GraphRecord, *, with_sketch: bool) -> dict[str, object]:
    """A new row beside a network's own, with a sketch a little off."""
    names = [
        column.name for column in GraphRecord.__table__.columns if column.name != "created_at"
    ]
    row = {name: getattr(graph, name) for name in names}
    noise = np.random.default_rng(0).standard_normal(len(graph.sketch or ())) * 0.01
    sketch = (np.array(graph.sketch) + noise).tolist() if with_sketch else None
    return row | {
        "id": new_id(IdKind.GRAPH),
        "cache_key": new_id(IdKind.GRAPH),
        "comparable_key": "new",
        "sketch": sketch,
    }


def _graph(session: Session, probes: ProbeSet, model: str) -> GraphRecord:
    records = graphs.measured(
        session, project=DEFAULT_PROJECT, comparable=probes.comparable_key, model_ids=[model]
    )
    return records[-1]


def _share(met: set[int], wanted: set[int]) -> float:
    return len(met & wanted) / len(wanted)


def _answers(recalls: list[float], seconds: list[float], exact: list[bool]) -> Answers:
    return Answers(
        recall=float(np.mean(recalls)),
        worst=float(np.min(recalls)),
        p50_ms=1000 * float(np.median(seconds)),
        p99_ms=1000 * float(np.quantile(seconds, 0.99)),
        exact_share=float(np.mean(exact)) if exact else 0.0,
    )
