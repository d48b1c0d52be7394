"""Baselines that ignore the target; every ranking reports them for comparison."""

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
    STATIC: ("no_history", "no candidate has a recorded accuracy on another dataset"),
    PARAMETERS: ("no_parameters", "no candidate has a known number of parameters"),
    UPSTREAM: (
        "no_upstream_accuracy",
        "no candidate has a recorded accuracy on the dataset it was trained on",
    ),
}


def of(session: Session, *, ranking: RankingRecord) -> list[dict[str, Any]]:
    """Each baseline as {name, items, reason}: items best first, or None with the reason.

    ``static`` is the mean standardized accuracy on all recorded datasets except the target;
    ``parameters`` and ``upstream_accuracy`` prefer larger values.
    """
    target = ranking.target_dataset_id
    model_ids = [candidate["model_id"] for candidate in ranking.candidates]
    values = {
        STATIC: history.static_list(
            session,
            project=ranking.project,
            without=target,
            protocol=ranking.request.get("protocol"),
        ),
        PARAMETERS: parameters(session, project=ranking.project, model_ids=model_ids),
        UPSTREAM: history.upstream_accuracies(session, project=ranking.project, without=target),
    }
    return [_baseline(name, by_model, model_ids) for name, by_model in values.items()]


def parameters(session: Session, *, project: str, model_ids: Sequence[str]) -> dict[str, float]:
    """The number of parameters of each network for which it is known."""
    query = select(ModelRecord.id, ModelRecord.parameters).where(
        ModelRecord.project == project,
        ModelRecord.id.in_(model_ids),
        ModelRecord.parameters.is_not(None),
    )
    return {row.id: float(row.parameters) for row in session.execute(query)}


def _baseline(
    name: str, by_model: Mapping[str, float], model_ids: Sequence[str]
) -> dict[str, Any]:
    best_first = sorted(
        (-by_model[model_id], model_id) for model_id in model_ids if model_id in by_model
    )
    if not best_first:
        code, detail = _REASONS[name]
        return {"name": name, "items": None, "reason": {"code": code, "detail": detail}}
    items = [{"model_id": model_id, "value": -minus} for minus, model_id in best_first]
    return {"name": name, "items": items, "reason": None}
