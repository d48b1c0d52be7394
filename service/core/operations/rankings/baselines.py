"""Orders that never look at the target; told beside every ranking, so that its worth shows."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.operations.accuracies import history
from service.core.tables import ModelRecord, RankingRecord

STATIC = "static"
PARAMETERS = "parameters"
UPSTREAM = "upstream_accuracy"
_REASONS = {
    STATIC: ("no_history", "no accuracy of a candidate on another dataset is recorded"),
    PARAMETERS: ("no_parameters", "the number of parameters of no candidate is known"),
    UPSTREAM: (
        "no_upstream_accuracy",
        "no accuracy of a candidate on the dataset it was trained on is recorded",
    ),
}


def of(session: Session, *, ranking: RankingRecord) -> list[dict[str, Any]]:
    """Each baseline as {name, items, reason}: items best first, or null with the reason.

    ``static`` is the mean standardised accuracy on all recorded datasets but the target;
    ``parameters`` and ``upstream_accuracy`` take the larger for the better.
    """
    target = ranking.target_dataset_id
    named = [one["model_id"] for one in ranking.candidates]
    values = {
        STATIC: history.static_list(
            session,
            project=ranking.project,
            without=target,
            protocol=ranking.request.get("protocol"),
        ),
        PARAMETERS: parameters(session, model_ids=named),
        UPSTREAM: history.upstream_accuracies(session, project=ranking.project, without=target),
    }
    return [_baseline(name, known, named) for name, known in values.items()]


def parameters(session: Session, *, model_ids: Sequence[str]) -> dict[str, float]:
    """How many parameters networks have, where that is known."""
    query = select(ModelRecord.id, ModelRecord.parameters).where(
        ModelRecord.id.in_(model_ids), ModelRecord.parameters.is_not(None)
    )
    return {row.id: float(row.parameters) for row in session.execute(query)}


def _baseline(name: str, known: Mapping[str, float], named: Sequence[str]) -> dict[str, Any]:
    best_first = sorted((-known[one], one) for one in named if one in known)
    if not best_first:
        code, detail = _REASONS[name]
        return {"name": name, "items": None, "reason": {"code": code, "detail": detail}}
    items = [{"model_id": model_id, "value": -minus} for minus, model_id in best_first]
    return {"name": name, "items": items, "reason": None}
