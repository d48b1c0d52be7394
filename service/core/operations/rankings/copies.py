"""Candidates that compute the same as others: listed under them, and never measured twice."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Text, any_, cast, select
from sqlalchemy.orm import Session

from service.core.tables import ModelRecord, RelativeRecord

Copies = Mapping[str, Sequence[str]]
"""For each network that has copies among the candidates: the ids of the others, in order."""
NearCopies = Mapping[str, Mapping[str, str]]
"""For each network that has near copies among the candidates: their relations, by id."""


def copies_among(session: Session, *, project: str, ids: Collection[str]) -> Copies:
    """The candidates that have the same weights as others of them."""
    query = select(ModelRecord.weights_sha256, ModelRecord.id).where(
        ModelRecord.project == project,
        ModelRecord.id == any_(cast(list(ids), ARRAY(Text))),
        ModelRecord.weights_sha256.is_not(None),
    )
    by_weights: dict[str, list[str]] = defaultdict(list)
    for weights, model_id in session.execute(query.order_by(ModelRecord.id)):
        by_weights[str(weights)].append(model_id)
    return {
        model_id: [other for other in same if other != model_id]
        for same in by_weights.values()
        if len(same) > 1
        for model_id in same
    }


def near_copies_among(session: Session, *, project: str, ids: Collection[str]) -> NearCopies:
    """The candidates that compute the same as others of them up to rounding, by their weights."""
    wanted = any_(cast(list(ids), ARRAY(Text)))
    query = select(RelativeRecord.first_id, RelativeRecord.second_id, RelativeRecord.relation)
    query = query.where(
        RelativeRecord.project == project,
        RelativeRecord.near,
        RelativeRecord.first_id == wanted,
        RelativeRecord.second_id == wanted,
    ).order_by(RelativeRecord.first_id, RelativeRecord.second_id)
    copies: dict[str, dict[str, str]] = defaultdict(dict)
    for first, second, relation in session.execute(query):
        copies[first][second] = copies[second][first] = relation
    return copies


def with_copies(
    pairs: Sequence[Mapping[str, Any]], copies: Copies, near_copies: NearCopies
) -> list[dict[str, Any]]:
    """The pairs; one of a network with copies names them in ``same_weights_as``, ``near_copies``."""
    return [
        {
            **pair,
            **_named("same_weights_as", list(copies.get(pair["model_id"], ()))),
            **_named("near_copies", dict(near_copies.get(pair["model_id"], {}))),
        }
        for pair in pairs
    ]


def _named(name: str, values: Collection[Any]) -> dict[str, Any]:
    return {name: values} if values else {}


def with_copies_below(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The items, best first and ranked again; a near copy of a better one is named in that one's."""
    rows: dict[str, dict[str, Any]] = {}
    for item in items:
        relations: Mapping[str, str] = item.get("near_copies", {})
        original = next((other for other in relations if other in rows), None)
        if original is None:
            rows[item["model_id"]] = {**item, "rank": len(rows) + 1, "near_copies": []}
        else:
            copy = {name: item[name] for name in ("model_id", "name", "score")}
            rows[original]["near_copies"].append({**copy, "relation": relations[original]})
    return list(rows.values())


def without_copies(
    suggested: Sequence[str], copies: Copies, *, measured: Collection[str]
) -> list[str]:
    """The suggested networks of which no copy is measured, each set of copies once."""
    chosen: list[str] = []
    for model_id in suggested:
        if not set(copies.get(model_id, ())) & {*measured, *chosen}:
            chosen.append(model_id)
    return chosen
