"""The results as a page."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.families.study import (
    STRANGERS,
    Share,
    Verdict,
    confusion,
    directions,
    precisions,
    recalls,
)
from service.core.families.relation import Relation

Facts = Mapping[str, Any]
_ANSWERS = (*(relation.value for relation in Relation), STRANGERS)


def written(facts: Facts) -> str:
    """Markdown of all tables."""
    rows = {part: [Verdict(**row) for row in values] for part, values in facts["rows"].items()}
    host, seeds = facts["host"], facts["seeds"]
    families = len({row.family for row in rows["reported"]})
    reported, development = (
        " ".join(map(str, seeds[part])) for part in ("reported", "development")
    )
    lines = [
        "# Relatives by weights",
        "",
        f"{families} families of four small architectures (plain, residual, depthwise, transformer), made from seed"
        f" {reported}; the rules were chosen on those of seed {development}. A base learns five digits; each member is"
        " compared with it in both orders, two fine-tuned siblings and the bases of one architecture with each other. 95 % intervals by Wilson;"
        " members of one family are not independent, so that true intervals are wider.",
        "",
        f"`OMP_NUM_THREADS=1 nice -n 19 python -m benchmarks.families --cache FOLDER --development {development}"
        f" --seeds {reported} --write`; {host['machine']}; {host['system']}, torch {host['torch']}, commit {host['commit']}.",
        "",
        "## Relations",
        "",
        *_relations(rows["reported"]),
        "",
        "## Directions",
        "",
        "Siblings descend from a third network, so that a stated direction is wrong.",
        "",
        *_directions(rows["reported"]),
        "",
        "## Answers by kind of pair",
        "",
        *_answers(rows["reported"]),
        "",
        "## On the families that the rules were chosen on",
        "",
        *_relations(rows["development"]),
        "",
        *_directions(rows["development"]),
        "",
        "## Cosines of the trunks",
        "",
        *_cosines(rows["reported"]),
    ]
    return "\n".join(lines) + "\n"


def _relations(rows: Sequence[Verdict]) -> Iterator[str]:
    yield "| relation | precision | recall |"
    yield "|---|---|---|"
    precision, recall = precisions(rows), recalls(rows)
    for name in _ANSWERS:
        if name in precision or name in recall:
            yield f"| `{name}` | {_shown(precision.get(name))} | {_shown(recall.get(name))} |"


def _directions(rows: Sequence[Verdict]) -> Iterator[str]:
    yield "| pair | right | wrong | unknown | right of those stated |"
    yield "|---|---|---|---|---|"
    for name, counts in directions(rows).items():
        right, wrong, unknown = (counts[word] for word in ("right", "wrong", "unknown"))
        stated = _shown(Share(right, right + wrong))
        yield f"| {name} | {right} | {wrong} | {unknown} | {stated} |"


def _answers(rows: Sequence[Verdict]) -> Iterator[str]:
    yield "| pair | truth | answers |"
    yield "|---|---|---|"
    truths = {row.kind: row.relation for row in rows}
    for kind, counts in confusion(rows).items():
        answers = ", ".join(f"`{answer}` {count}" for answer, count in counts.most_common())
        yield f"| {kind} | `{truths[kind]}` | {answers} |"


def _cosines(rows: Sequence[Verdict]) -> Iterator[str]:
    yield "| pair | smallest | median | largest |"
    yield "|---|---|---|---|"
    for kind in dict.fromkeys(row.kind for row in rows):
        values = sorted(row.cosine for row in rows if row.kind == kind)
        middle = values[len(values) // 2]
        yield f"| {kind} | {values[0]:.2f} | {middle:.2f} | {values[-1]:.2f} |"


def _shown(share: Share | None) -> str:
    if share is None or not share.of:
        return "–"
    low, high = share.interval
    return f"{share.hits} of {share.of} [{low:.2f}, {high:.2f}]"
