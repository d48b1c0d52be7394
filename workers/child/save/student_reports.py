"""The report of a training as Markdown: quality beside the teachers', sizes, curve, pictures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from workers.torchkit.training.evaluator import MEASURES

Report = Mapping[str, Any]

_NOT_MEASURED = "not measured"
_TITLES = {
    "accuracy": "accuracy",
    "mean_average_precision": "mean average precision",
    "mean_iou": "mean intersection over union",
}


def readable(name: str, report: Report) -> str:
    """The report of a student of this name.

    Args:
        report: ``quality``, ``taught_by``, ``student``, ``teachers``, ``trained_on``,
            ``held_out``, ``seconds``, ``params``, ``versions`` and ``pictures``.
    """
    parts = [
        f"# {name}",
        _opening(report),
        _table(("", "student", "teacher", "retention", "agreement"), _grades(report)),
        _chance(report["quality"]),
        "Sizes, the teachers' taken together; FLOPs are those of one image:",
        _table(("", "student", "teachers", "ratio"), _sizes(report)),
        *[f"![{name.removesuffix('.png')}]({name})" for name in report["pictures"]],
        _table(("parameter", "value"), _parameters(report["params"])),
        ", ".join(f"{what} {which}" for what, which in report["versions"].items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _opening(report: Report) -> str:
    learned = f"{report['trained_on']} images" if report["trained_on"] else "no image"
    judged = (
        f"measured after the last step on {report['held_out']} images that taught nothing"
        if report["held_out"]
        else _NOT_MEASURED
    )
    seed = report["params"]["seed"]
    return f"Learned from {learned} in {report['seconds']:.1f} s with seed {seed}; {judged}."


def _grades(report: Report) -> Iterator[Sequence[str]]:
    """All labels together, and with several teachers the labels of each."""
    quality, teachers = report["quality"], report["taught_by"]
    measure = next((name for name in MEASURES.values() if name in quality), "quality")
    title = _TITLES.get(measure, measure)
    whole = (measure, "ceiling" if len(teachers) > 1 else f"teacher_{measure}")
    yield [f"{title} over all labels", *_cells(quality, *whole, "retention", "agreement")]
    for number, name in enumerate(teachers if len(teachers) > 1 else (), start=1):
        own = (f"task_{number}_{measure}", f"teacher_{number}_{measure}")
        beside = (f"retention_{number}", f"agreement_{number}")
        yield [f"{title} on the labels of {name}", *_cells(quality, *own, *beside)]


def _cells(quality: Mapping[str, float], *names: str) -> list[str]:
    return [f"{quality[name]:.4f}" if name in quality else _NOT_MEASURED for name in names]


def _chance(quality: Mapping[str, float]) -> str:
    if "chance" not in quality:
        return ""
    return f"The commonest label alone would reach {quality['chance']:.4f}."


def _sizes(report: Report) -> Iterator[Sequence[str]]:
    own, before = report["student"], report["teachers"]
    for what in ("parameters", "flops"):
        ratio = own[what] / max(1, before[what])
        yield [what, f"{own[what]:,}", f"{before[what]:,}", f"{ratio:.3f}"]


def _parameters(params: Mapping[str, Any], prefix: str = "") -> Iterator[Sequence[str]]:
    """Every parameter that has a value, groups written with a point."""
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from _parameters(value, f"{prefix}{name}.")
        elif value is not None:
            yield [f"{prefix}{name}", f"`{value}`"]


def _table(titles: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    body = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(_safe(cell) for cell in row) + " |" for row in body)


def _safe(cell: str) -> str:
    """Text that ends no cell of a table."""
    return cell.replace("|", "\\|").replace("\n", " ")
