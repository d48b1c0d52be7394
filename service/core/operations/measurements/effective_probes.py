"""How many different images a probe set holds in effect."""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from service.core.counts import counted
from service.core.errors import FieldProblem, InvalidRequestError
from service.core.tables import DatasetRecord, ImageRecord

FEWEST = 5
FEW = 30
"""Below this number, intervals are warned about."""


def effective_probes(session: Session, dataset: DatasetRecord) -> float:
    """(Σ n)² / Σ n² over the distinct images, each of which occurs n times.

    The number of images if all differ, and 1 for copies of a single image.

    Source: Kish, Survey Sampling, 1965, section 11.7.
    """
    copies = (
        select(func.count().label("number"))
        .where(ImageRecord.dataset_id == dataset.id)
        .group_by(ImageRecord.sha256)
        .subquery()
    )
    number = copies.c.number
    total, squares = session.execute(select(func.sum(number), func.sum(number * number))).one()
    return float(total) ** 2 / float(squares) if squares else 0.0


def require_enough(session: Session, dataset: DatasetRecord) -> float:
    """The effective number of probes, which is enough for an interval.

    Raises:
        InvalidRequestError: ``too_few_probes``.
    """
    number = effective_probes(session, dataset)
    if number >= FEWEST:
        return number
    raise InvalidRequestError(
        f"{dataset.id} has {counted(dataset.images or 0, 'image')} that count as {number:.1f} different ones;"
        f" a comparison needs at least {FEWEST}",
        code="too_few_probes",
        remedy=f"use a probe set of at least {FEW} different images; copies do not count",
        errors=[FieldProblem("/probe_set_id", "too few different images")],
    )


def few_probes(number: float | None) -> tuple[dict[str, str], ...]:
    """The warning about a comparison on few probes; empty if there are enough or it is unknown."""
    if number is None or number >= FEW:
        return ()
    return (
        {
            "code": "few_probes",
            "detail": f"the probe set counts as {number:.1f} different images; below {FEW}, scores"
            " and their intervals are unreliable",
            "remedy": f"use a probe set of at least {FEW} different images",
        },
    )
