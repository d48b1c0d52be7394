"""The report of a training as Markdown: quality beside the teachers', sizes, curve, pictures."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.core.counts import counted
from workers.torchkit.training.measures import MEASURE_NAMES

Report = Mapping[str, Any]

_GRADE_TITLES = ("", "student", "teacher", "student's lead (90 %)", "retention", "agreement")
_NOT_MEASURED = "not measured"


def readable(name: str, report: Report, paragraphs: Sequence[str] = ()) -> str:
    """The report of a student of this name.

    Args:
        report: ``quality``, ``taught_by``, ``student``, ``teachers``, ``trained_on``,
            ``held_out``, ``seconds``, ``params``, ``recipe``, ``versions``, ``pictures`` and
            ``warnings``.
        paragraphs: What the method measured itself; it replaces the table of grades.
    """
    parts = [
        f"# {name}",
        _opening(report),
        *warning_lines(report),
        *(paragraphs or [table(_GRADE_TITLES, _grades(report)), *_verdicts(report)]),
        _chance(report["quality"]),
        "Sizes, the teachers' taken together; FLOPs are those of one image:",
        table(("", "student", "teachers", "ratio"), _sizes(report)),
        *[f"![{name.removesuffix('.png')}]({name})" for name in report["pictures"]],
        "The recipe that ran, complete enough to repeat it:",
        table(("part", "value"), recipe_rows(report["recipe"])),
        table(("parameter", "value"), parameter_rows(report["params"])),
        ", ".join(f"{what} {which}" for what, which in report["versions"].items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def warning_lines(report: Report) -> list[str]:
    """A paragraph for each warning."""
    return [
        f"**Warning:** {warning['detail']}. {warning['remedy'].capitalize()}."
        for warning in report["warnings"]
    ]


def _opening(report: Report) -> str:
    learned = counted(report["trained_on"], "image") if report["trained_on"] else "no image"
    judged = (
        f"measured after the last step on {counted(report['held_out'], 'image')} that taught nothing"
        if report["held_out"]
        else _NOT_MEASURED
    )
    seed = report["params"]["seed"]
    return f"Learned from {learned} in {report['seconds']:.1f} s with seed {seed}; {judged}."


def _grades(report: Report) -> Iterator[Sequence[str]]:
    """One teacher; or the best teacher, all of them merged, and each alone on its own labels."""
    names = report["taught_by"]
    for measure in _measures(report["quality"]):
        title = measure.replace("_", " ")
        if len(names) == 1:
            yield [title, *_cells(report, measure, "teacher", whole=True)]
            continue
        best = report["quality"].get("best_teacher")
        if best is not None:
            who = f"{title}, beside the best teacher, {names[int(best) - 1]}"
            yield [who, *_cells(report, measure, "best_teacher")]
        yield [f"{title}, beside all merged", *_cells(report, measure, "merged", whole=True)]
        for number, name in enumerate(names, start=1):
            who = f"{title} on the labels of {name}, beside it alone"
            yield [who, *_cells(report, measure, f"teacher_{number}", number=number)]


def _measures(quality: Mapping[str, float]) -> list[str]:
    """The measures of the student, or a blank one if nothing was measured."""
    return [name for name in MEASURE_NAMES if name in quality] or ["quality"]


def _cells(
    report: Report, measure: str, who: str, *, number: int | None = None, whole: bool = False
) -> list[str]:
    """Student, reference, lead, retention and agreement of one row."""
    quality = report["quality"]
    rank = "" if number is None else f"_{number}"
    ending = "" if measure == _measures(quality)[0] else f"_{measure}"
    own = measure if number is None else f"task_{number}_{measure}"
    retained = f"retention{rank}{ending}" if whole or number else ""
    agreement = f"agreement{rank}" if not ending else ""
    return [
        _cell(quality, own),
        _cell(quality, f"{who}_{measure}"),
        _interval(quality, f"lead_over_{who}_{measure}"),
        _cell(quality, retained),
        _cell(quality, agreement),
    ]


def _cell(quality: Mapping[str, float], name: str) -> str:
    return f"{quality[name]:.4f}" if name in quality else _NOT_MEASURED


def _interval(quality: Mapping[str, float], name: str) -> str:
    if name not in quality:
        return _NOT_MEASURED
    return (
        f"{quality[name]:+.4f} ({quality[f'{name}_low']:+.4f} to {quality[f'{name}_high']:+.4f})"
    )


def _verdicts(report: Report) -> Iterator[str]:
    """Whether the student is better than the best teacher, for every measure."""
    quality, names = report["quality"], report["taught_by"]
    if len(names) == 1 or not any(name in quality for name in MEASURE_NAMES):
        return
    if "best_teacher" not in quality:
        yield (
            "**Better than the best teacher?** No teacher has all of the labels, so none can be"
            " compared over all; the rows of the teachers compare on the labels of each."
        )
        return
    best = names[int(quality["best_teacher"]) - 1]
    for measure in _measures(quality):
        lead = f"lead_over_best_teacher_{measure}"
        yield (
            f"**Better than the best teacher, {best}?** {_answer(quality, lead)}, by"
            f" {measure.replace('_', ' ')}: {_interval(quality, lead)}."
        )


def _answer(quality: Mapping[str, float], lead: str) -> str:
    if quality[f"{lead}_low"] > 0:
        return "Yes"
    return "No" if quality[f"{lead}_high"] < 0 else "Not decided by these images"


def _chance(quality: Mapping[str, float]) -> str:
    """What an answer reaches that looks at no image, by every measure."""
    measures = _measures(quality)
    names = {measure: f"chance_{measure}" for measure in measures} | {measures[0]: "chance"}
    parts = [
        f"{quality[name]:.4f} ({measure.replace('_', ' ')})"
        for measure, name in names.items()
        if name in quality
    ]
    return f"Without looking at an image: {', '.join(parts)}." if parts else ""


def recipe_rows(recipe: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    """Method, teachers and datasets, with names and ids."""
    if not recipe:
        return
    yield ["method", f"`{recipe['method']}`, version {recipe['method_version']}"]
    for teacher in recipe["teachers"]:
        yield ["teacher", f"{teacher['name']} (`{teacher['id']}`)"]
    for role in ("dataset", "eval_dataset"):
        dataset = recipe[role]
        yield [role, dataset if dataset == "none" else f"{dataset['name']} (`{dataset['id']}`)"]
    if "first_stage" in recipe:
        first = recipe["first_stage"]
        yield ["first stage of", f"{first['name']} (`{first['id']}`)"]


def _sizes(report: Report) -> Iterator[Sequence[str]]:
    own, before = report["student"], report["teachers"]
    for what in ("parameters", "flops"):
        ratio = own[what] / max(1, before[what])
        yield [what, f"{own[what]:,}", f"{before[what]:,}", f"{ratio:.3f}"]


def parameter_rows(params: Mapping[str, Any], prefix: str = "") -> Iterator[Sequence[str]]:
    """Every parameter that has a value, groups written with a point."""
    for name, value in params.items():
        if isinstance(value, Mapping):
            yield from parameter_rows(value, f"{prefix}{name}.")
        elif value is not None:
            yield [f"{prefix}{name}", f"`{value}`"]


def table(titles: Sequence[str], rows: Iterator[Sequence[str]]) -> str:
    """The rows as a table in Markdown."""
    body = [titles, ["---"] * len(titles), *rows]
    return "\n".join("| " + " | ".join(_safe(cell) for cell in row) + " |" for row in body)


def _safe(cell: str) -> str:
    """Text that ends no cell of a table."""
    return cell.replace("|", "\\|").replace("\n", " ")
