"""The tables of the three method pages, between ``<!-- measured: name -->`` and ``<!-- end -->``."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.students.protocol import NOT_MEASURED, ROOT
from benchmarks.talking_mouth.results import (
    LONGER,
    MAIN,
    VISIBLE_TONES,
    PairedDifference,
    Rows,
    counts_of,
    paired,
    paired_over_seeds,
)

PAGES = ROOT / "docs/methods"
SEEDS = ("0", "1", "2")
SETS = {"held_out": "held-out sentences", "unseen_speakers": "unseen speakers"}
LIP_TITLES = {
    "alone": "lip reader alone",
    "context": "context level alone",
    "sequence": "sequence level alone",
    "frame": "frame level alone",
    "all": "all three levels",
    "soft_filter": "context level, `lcs_soft`",
    "no_filter": "context level, `filter: none`",
    "attention": "frame level, `cross_attention`",
}
CASCADE_TITLES = {
    "one_stage": "one stage",
    "one_stage_longer": "one stage, steps of a cascade",
    "without_tones": "pinyin, character",
    "with_tones": "pinyin, tone, character",
    "hidden_tones": "pinyin, tone, character; `tone_dropout` 0.3",
    "without_tones_long": "pinyin, character; long joint phase",
    "with_tones_long": "pinyin, tone, character; long joint phase",
}
_MEASURES = {
    "pinyin": "PER",
    "tone": "TER",
    "character": "CER",
    "character_given_pinyin": "CER from true syllables",
    "character_given_pinyin_and_tone": "CER from true syllables and tones",
}
_LIP_PAIRS = (
    *((name, "alone") for name in LIP_TITLES if name != "alone"),
    ("all", "context"),
    ("soft_filter", "context"),
    ("no_filter", "context"),
    ("attention", "frame"),
)
_CASCADE_PAIRS = (
    ("without_tones", "one_stage"),
    ("with_tones", "one_stage"),
    ("without_tones", "one_stage_longer"),
    ("with_tones", "one_stage_longer"),
    ("with_tones", "without_tones"),
    ("hidden_tones", "without_tones"),
    ("hidden_tones", "with_tones"),
    ("with_tones_long", "without_tones_long"),
    ("with_tones_long", "one_stage_longer"),
)
_ARMS_OF_VISIBLE_TONES = ("one_stage_longer", "without_tones", "with_tones")
_TAKE_OFF = 0.6


def write(results: Mapping[str, Any]) -> None:
    """Every page holds its tables as the results have them; its other words stay."""
    for (method, name), text in tables(results).items():
        page = PAGES / f"{method}.md"
        page.write_text(with_table(page.read_text(encoding="utf-8"), name, text), encoding="utf-8")


def with_table(page: str, name: str, text: str) -> str:
    """The page with the text between the marks of the name. Raises ValueError without marks."""
    begin, end = f"<!-- measured: {name} -->\n", "<!-- end -->"
    before, mark, rest = page.partition(begin)
    if not mark or end not in rest:
        raise ValueError(f"the page has no marks for {name}")
    return before + begin + text + end + rest.partition(end)[2]


def tables(results: Mapping[str, Any]) -> dict[tuple[str, str], str]:
    """The text of every table, by method and name."""
    rows: Rows = results.get(MAIN, {})
    lips = {name: title for name, title in LIP_TITLES.items() if _seeds_of(rows, name)}
    return {
        ("speech_recognizer", "recognizer"): _recognizer(rows),
        ("speech_recognizer", "grid"): _hearings(results.get("grid", ())),
        ("lip_by_speech", "levels"): _levels(rows, LIP_TITLES),
        ("lip_by_speech", "level differences"): _differences(
            rows, _LIP_PAIRS, LIP_TITLES, "error"
        ),
        ("lip_by_speech", "level curves"): _curves(rows, lips, "held_out_error"),
        ("lip_by_speech", "longer"): _longer(results.get(LONGER, {})),
        ("cascade_seq2seq", "stages"): _stages(rows, CASCADE_TITLES),
        ("cascade_seq2seq", "stage differences"): _differences(
            rows, _CASCADE_PAIRS, CASCADE_TITLES, "character_error"
        ),
        ("cascade_seq2seq", "visible tones"): _visible_tones(results.get(VISIBLE_TONES, {})),
    }


def _recognizer(rows: Rows) -> str:
    lines = [["seed", *SETS.values(), "CPU-seconds"]]
    for seed in SEEDS:
        row = rows.get(seed, {}).get("teacher")
        rates = [_rate(row, f"{name}_error") for name in SETS] if row else [NOT_MEASURED, ""]
        lines.append([seed, *rates, str(row["cpu_seconds"]) if row else ""])
    return _markdown(lines) + "\n" + _curves(rows, {"teacher": "recognizer"}, "held_out_error")


def _hearings(rows: Sequence[Mapping[str, Any]]) -> str:
    """What pocketsphinx hears in the GRID clips."""
    lines = [["clip", "its name says", "pocketsphinx hears", "different words"]]
    for row in rows:
        words = [str(row[name]) for name in ("transcript", "recognized", "different_words")]
        lines.append([str(row["clip"]), *words])
    return _markdown(lines) if rows else f"{NOT_MEASURED}\n"


def _levels(rows: Rows, titles: Mapping[str, str]) -> str:
    lines = [["", "clips", *(f"seed {seed}" for seed in SEEDS), "mean"]]
    for name, title in titles.items():
        if _seeds_of(rows, name):
            lines += _two_lines(title, lambda key, name=name: _by_seed(rows, name, f"{key}_error"))
    return _markdown(lines) + _left_out(rows, titles)


def _longer(rows: Rows) -> str:
    titles = {name: LIP_TITLES[name] for name in ("alone", "context")}
    differences = _differences(rows, [("context", "alone")], titles, "error")
    return f"{_levels(rows, titles)}\n{differences}"


def _visible_tones(rows: Rows) -> str:
    if not rows:
        return f"{NOT_MEASURED}\n"
    titles = {name: CASCADE_TITLES[name] for name in _ARMS_OF_VISIBLE_TONES}
    differences = _differences(rows, _CASCADE_PAIRS, CASCADE_TITLES, "character_error")
    return f"{_stages(rows, titles)}\n{differences}"


def _stages(rows: Rows, titles: Mapping[str, str]) -> str:
    lines = [["", "clips", *(f"seed {seed}" for seed in SEEDS), "mean"]]
    for name, title in titles.items():
        for measure, short in _MEASURES.items():
            measured = _seeds_of(rows, name)
            if measured and f"held_out_{measure}_error" in rows[measured[0]][name]["quality"]:
                lines += _two_lines(
                    f"**{title}**: {short}",
                    lambda key, name=name, measure=measure: _by_seed(
                        rows, name, f"{key}_{measure}_error"
                    ),
                )
    return _markdown(lines) + _left_out(rows, titles)


def _two_lines(title: str, cells: Callable[[str], list[str]]) -> list[list[str]]:
    """One line for the held-out sentences and one for the unseen speakers."""
    return [
        [title if key == "held_out" else "", words, *cells(key)] for key, words in SETS.items()
    ]


def _left_out(rows: Rows, titles: Mapping[str, str]) -> str:
    """Which arms no seed has."""
    names = [title for name, title in titles.items() if not _seeds_of(rows, name)]
    return f"\nNot measured: {'; '.join(names)}.\n" if names else ""


def _differences(
    rows: Rows, pairs: Sequence[tuple[str, str]], titles: Mapping[str, str], error: str
) -> str:
    lines = [["", "clips", *(f"seed {seed}" for seed in SEEDS), "over seeds"]]
    for first, second in pairs:
        if any(first in arms and second in arms for arms in rows.values()):
            lines += _two_lines(
                f"{titles[first]} − {titles[second]}",
                lambda key, first=first, second=second: _difference(
                    rows, first, second, f"{key}_{error}"
                ),
            )
    return _markdown(lines)


def _difference(rows: Rows, first: str, second: str, error: str) -> list[str]:
    """Points with the interval over clips of every seed, and over seeds and clips."""
    both = {
        seed: (counts_of(rows[seed][first], error), counts_of(rows[seed][second], error))
        for seed in SEEDS
        if first in rows.get(seed, {}) and second in rows[seed]
    }
    cells = [_points(paired(*both[seed])) if seed in both else NOT_MEASURED for seed in SEEDS]
    together = paired_over_seeds(list(both.values())) if len(both) > 1 else None
    mean = _points(together) + _of(len(both)) if together else ""
    return [*cells, mean]


def _curves(rows: Rows, titles: Mapping[str, str], error: str) -> str:
    """Mean error rate over seeds along the training, and the step of the take-off."""
    lines: list[list[str]] = []
    for name, title in titles.items():
        histories = [rows[seed][name]["history"] for seed in _seeds_of(rows, name)]
        if not histories:
            continue
        steps = [int(entry["step"]) for entry in histories[0]]
        if not lines:
            lines.append(["steps", *(f"{step:,}".replace(",", " ") for step in steps), "take-off"])
        rates = [[entry[error] for entry in history] for history in histories]
        means = [statistics.fmean(entries) for entries in zip(*rates, strict=True)]
        moments = [take_off(history, error) for history in histories]
        moment = " / ".join("none" if value is None else str(value) for value in moments)
        lines.append(
            [title + _of(len(histories)), *(f"{100 * mean:.1f}" for mean in means), moment]
        )
    return _markdown(lines) if lines else f"{NOT_MEASURED}\n"


def take_off(history: Sequence[Mapping[str, float]], error: str) -> int | None:
    """The step at which the error rate falls below 60 %, between evaluations by a straight line."""
    before = (0.0, 1.0)
    for entry in history:
        step, rate = entry["step"], entry[error]
        if rate < _TAKE_OFF:
            share = (before[1] - _TAKE_OFF) / max(before[1] - rate, 1e-9)
            return round(before[0] + share * (step - before[0]))
        before = (step, rate)
    return None


def _seeds_of(rows: Rows, name: str) -> list[str]:
    return [seed for seed in SEEDS if name in rows.get(seed, {})]


def _by_seed(rows: Rows, name: str, error: str) -> list[str]:
    """The rate of every seed with its interval over clips, and their mean."""
    measured = _seeds_of(rows, name)
    cells = [_rate(rows[s][name], error) if s in measured else NOT_MEASURED for s in SEEDS]
    rates = [100 * rows[seed][name]["quality"][error] for seed in measured]
    return [*cells, f"{statistics.fmean(rates):.1f}" + _of(len(rates)) if rates else ""]


def _of(seeds: int) -> str:
    """Of how many seeds, where they are not all."""
    return "" if seeds == len(SEEDS) else f" ({seeds})"


def _rate(row: Mapping[str, Any], error: str) -> str:
    quality = row["quality"]
    low, high = quality[f"{error}_low"], quality[f"{error}_high"]
    return f"{100 * quality[error]:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def _points(difference: PairedDifference) -> str:
    value, low, high = (
        f"{100 * number:.1f}".replace("-", "−")
        for number in (difference.value, difference.low, difference.high)
    )
    return f"{value} ({low} to {high})"


def _markdown(lines: Sequence[Sequence[str]]) -> str:
    head, *body = lines
    rows = [head, ["---"] * len(head), *body]
    return "".join("| " + " | ".join(row) + " |\n" for row in rows)
