"""A network that became ready is compared with the networks whose weights have the same shapes."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import Row, delete, or_, select, text
from sqlalchemy.orm import Session

from service.core.families.comparison import SketchComparison, compared
from service.core.families.relation import Ancestor, Judgment, Relation, judged
from service.core.families.siblings import possible_siblings
from service.core.families.sketch import Sketch, WeightTensor, trunk_keys
from service.core.tables import ModelRecord, ModelState, RelativeRecord, WeightSketchRecord

MOST_COMPARED = 300
_DIGITS = 4
_SIBLINGS = "both are nearer to an ancestor of both, from which each may have been trained"
# Of two networks that become ready at once, the second compares itself with the first.
_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended(:project, 26))")


def record_sketch(
    session: Session, model: ModelRecord, *, weights: Sequence[Mapping[str, Any]], others: int
) -> None:
    """Store the sketch of a network, and its relatives among the newest with the same shapes.

    What people confirmed stays if the network is checked again.
    """
    session.execute(_LOCK, {"project": model.project})
    confirmed = _confirmed_alone(session, model)
    keys = trunk_keys(weight["shape"] for weight in weights)
    session.merge(
        WeightSketchRecord(
            model_id=model.id,
            project=model.project,
            trunk_keys=keys,
            weights=list(weights),
            others=others,
        )
    )
    own = _sketch(weights, others, model)
    for other, sketch in _alike(session, model, keys):
        comparison = None if other in confirmed else compared(sketch, own)
        judgment = None if comparison is None else judged(comparison)
        if comparison is not None and judgment is not None:
            session.add(_relative(model, other, judgment, comparison))
    session.flush()
    _doubt_siblings(session, model)


def _doubt_siblings(session: Session, model: ModelRecord) -> None:
    """Fine-tuned relatives that may be siblings have no direction."""
    ends = RelativeRecord.first_id, RelativeRecord.second_id
    own = RelativeRecord.project == model.project
    pairs = session.execute(select(*ends).where(own, or_(*(end == model.id for end in ends))))
    members = {id_ for pair in pairs for id_ in pair}
    rows = {
        _descent(row): row
        for row in session.scalars(
            select(RelativeRecord).where(
                own,
                RelativeRecord.relation == Relation.FINE_TUNED,
                RelativeRecord.ancestor_id.is_not(None),
                *(end.in_(members) for end in ends),
            )
        )
    }
    for pair in possible_siblings({pair: row.evidence["cosine"] for pair, row in rows.items()}):
        rows[pair].ancestor_id = None
        rows[pair].reason = _SIBLINGS


def _descent(row: RelativeRecord) -> tuple[str, str]:
    """The ancestor and the descendant of a pair that has a direction."""
    ancestor = str(row.ancestor_id)
    return ancestor, row.second_id if ancestor == row.first_id else row.first_id


def _confirmed_alone(session: Session, model: ModelRecord) -> set[str]:
    """The relatives that a person confirmed; the network has no others afterwards."""
    ends = RelativeRecord.first_id, RelativeRecord.second_id
    own = RelativeRecord.project == model.project, or_(*(end == model.id for end in ends))
    session.execute(delete(RelativeRecord).where(*own, RelativeRecord.confirmed_at.is_(None)))
    return {id_ for pair in session.execute(select(*ends).where(*own)) for id_ in pair}


def _alike(
    session: Session, model: ModelRecord, keys: Sequence[str]
) -> Iterator[tuple[str, Sketch]]:
    """The newest ready networks of the project that share leading shapes with a network."""
    query = (
        select(
            WeightSketchRecord.weights,
            WeightSketchRecord.others,
            ModelRecord.id,
            ModelRecord.weights_sha256,
            ModelRecord.program_sha256,
        )
        .join(ModelRecord, ModelRecord.id == WeightSketchRecord.model_id)
        .where(
            WeightSketchRecord.project == model.project,
            WeightSketchRecord.trunk_keys.overlap(list(keys)),
            ModelRecord.id != model.id,
            ModelRecord.state == ModelState.READY,
        )
        .order_by(ModelRecord.id.desc())
        .limit(MOST_COMPARED)
    )
    for row in session.execute(query):
        yield row.id, _sketch(row.weights, row.others, row)


def _sketch(
    weights: Sequence[Mapping[str, Any]], others: int, model: ModelRecord | Row[Any]
) -> Sketch:
    return Sketch(
        tuple(map(WeightTensor.of, weights)), others, model.weights_sha256, model.program_sha256
    )


def _relative(
    model: ModelRecord, other: str, judgment: Judgment, comparison: SketchComparison
) -> RelativeRecord:
    ancestors = {Ancestor.FIRST: other, Ancestor.SECOND: model.id, Ancestor.UNKNOWN: None}
    return RelativeRecord(
        first_id=other,
        second_id=model.id,
        project=model.project,
        relation=judgment.relation,
        ancestor_id=ancestors[judgment.ancestor],
        reason=judgment.reason,
        near=judgment.near,
        evidence=evidence_of(comparison),
    )


def evidence_of(comparison: SketchComparison) -> dict[str, Any]:
    """What the relation follows from: shares of equal tensors, distances, zeros and grids."""
    both = comparison.first, comparison.second
    pairs = comparison.pairs
    return {
        "tensors": [len(sketch.weights) for sketch in both],
        "equal_share": sum(pair.equal for pair in pairs) / max(len(s.weights) for s in both),
        "cosine": round(comparison.mean("cosine"), _DIGITS),
        "distances": [round(pair.distance, _DIGITS) for pair in pairs],
        "zeros": [_mean([weight.zeros for weight in sketch.weights]) for sketch in both],
        "levels": [_most_levels(sketch) for sketch in both],
    }


def _mean(values: Sequence[float]) -> float:
    return round(sum(values) / len(values), _DIGITS)


def _most_levels(sketch: Sketch) -> int | None:
    """The most levels of the grids of a network whose weights all lie on grids."""
    levels = [weight.levels for weight in sketch.weights]
    return None if None in levels else max(level for level in levels if level is not None)
