"""What a concept search answers: units with names, a sentence to act on, cost and warnings."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from service.core.counts import counted
from service.core.operations.concepts.searches import models_of
from service.core.operations.trainings.teachers import classes_of
from service.core.tables import ConceptSearchRecord, ConceptSearchState, ModelRecord

FEW_IMAGES = 10
RECOGNIZES = 0.8
"""Smallest AUC of a unit that the sentence recommends."""


def values_of(session: Session, search: ConceptSearchRecord) -> dict[str, Any]:
    """The answer of a search; its units are best first."""
    models = {model.id: model for model in models_of(session, search, search.searched)}
    units = [_named(unit, models) for unit in search.units if unit["model_id"] in models]
    is_ready = search.state == ConceptSearchState.READY
    return {
        "units": units,
        "advice": sentence(units) if is_ready else None,
        "cost": _cost(search, models),
        "warnings": _warnings(search),
    }


def _named(unit: Mapping[str, Any], models: Mapping[str, ModelRecord]) -> dict[str, Any]:
    model = models[unit["model_id"]]
    return {**unit, "name": model.name, "class_name": class_name(model, unit["unit"])}


def class_name(model: ModelRecord, unit: int) -> str | None:
    """The class of an output unit; None if the network's manifest does not name it."""
    classes = classes_of(model) or []
    return classes[unit] if unit < len(classes) else None


def sentence(units: Sequence[Mapping[str, Any]]) -> str | None:
    """What to do, in one sentence; None without a unit."""
    if not units:
        return None
    first = units[0]
    if first["auc"] is None:
        return f"{_subject(first)} is expected to recognize it best ({_of('expected', first)}); check it."
    if first["auc"] < RECOGNIZES:
        return f"No searched unit recognizes this concept well: the best, {_subject(first)}, has {_of('', first)}."
    return f"Use {_subject(first)}: {_of('', first)} on your images."


def _subject(unit: Mapping[str, Any]) -> str:
    label = f" ({unit['class_name']})" if unit["class_name"] else ""
    return f"unit {unit['unit']}{label} of {unit['name']}"


def _of(kind: str, unit: Mapping[str, Any]) -> str:
    """An AUC with its interval, in words."""
    auc = unit["expected_auc"] if kind else unit["auc"]
    low, high = unit["expected_interval"] if kind else unit["auc_interval"]
    return f"{kind + ' ' if kind else ''}AUC {auc:.2f}, 80 % interval {low:.2f} to {high:.2f}"


def _cost(search: ConceptSearchRecord, models: Mapping[str, ModelRecord]) -> dict[str, Any]:
    """Networks that ran for this search against those searched, and their share of the operations."""
    flops = {model_id: model.flops for model_id, model in models.items()}
    total = sum(count or 0 for count in flops.values())
    is_complete = total > 0 and all(count is not None for count in flops.values())
    ran = sum(flops.get(model_id) or 0 for model_id in search.ran)
    return {
        "networks_run": len(search.ran),
        "networks_searched": len(search.searched),
        "operations_share": ran / total if is_complete else None,
    }


def _warnings(search: ConceptSearchRecord) -> list[dict[str, str]]:
    positives = (search.measured or {}).get("positives")
    if positives is None or positives >= FEW_IMAGES:
        return []
    return [
        {
            "code": "few_images",
            "detail": f"the concept has {counted(positives, 'image')}; an AUC from so few is uncertain",
            "remedy": f"add images; from {FEW_IMAGES} on, intervals are narrower",
        }
    ]
