"""A lineage as SVG: columns from teachers through jobs to students."""

from collections import Counter
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from service.core.lineage.drawing import (
    BOLD,
    DOT,
    FOOT,
    HEAD,
    LINE_SIZE,
    MARGIN,
    PADDING,
    TITLE_SIZE,
    Line,
    LineageDrawing,
    NodeBox,
    drawn,
)
from service.core.lineage.graph import GONE, Kind, LineageGraph, Role
from service.core.lineage.labels import fitted, lines, title, width, xml_text
from service.core.lineage.style import COLORS, LineageColors, style_of
from service.core.theme import Theme

_ROLES = {
    Role.TEACHER: "neutral",
    Role.SOURCE: "neutral",
    Role.START: "accent",
    Role.DATASET: "data",
    Role.EVAL_DATASET: "data",
    Role.STUDENT: "student",
    Role.CONFIRMED: "network",
    Role.SUGGESTED: "network",
}
_MARKER = (
    '<marker id="arrow-{role}" viewBox="0 0 8 8" refX="7.5" refY="4" markerWidth="8"'
    ' markerHeight="8" markerUnits="userSpaceOnUse" orient="auto">'
    '<path d="M0 .8 8 4 0 7.2z" fill="{color}"/></marker>'
)
_LEGEND = {
    Role.TEACHER: "teaches",
    Role.START: "provides initial weights",
    Role.SOURCE: "is trained further",
    Role.DATASET: "is the training data",
    Role.EVAL_DATASET: "is the evaluation set",
    Role.STUDENT: "produces",
    Role.CONFIRMED: "confirmed ancestor",
    Role.SUGGESTED: "ancestor by the weights, not confirmed",
}


def as_svg(lineage: LineageGraph, theme: Theme = Theme.LIGHT) -> Iterator[bytes]:
    """The picture, piece by piece."""
    drawing = drawn(lineage)
    chosen = next(node for node in lineage.nodes if node.id == lineage.model_id)
    yield _head(drawing, title(chosen), _counts(lineage), COLORS[theme]).encode()
    yield _heading(lineage, title(chosen)).encode()
    for line in drawing.lines:
        yield _edge(line).encode()
    for box in drawing.boxes:
        yield _node(box, lineage.model_id).encode()
    yield _legend(drawing).encode()
    yield b"</svg>\n"


def _head(drawing: LineageDrawing, name: str, counts: str, colors: LineageColors) -> str:
    size = f"{drawing.width:.0f}", f"{drawing.height:.0f}"
    markers = "".join(
        _MARKER.format(role=role, color=getattr(colors, purpose))
        for role, purpose in _ROLES.items()
    )
    about = f"From left to right: teachers and data, jobs, students. {counts}."
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" role="img"'
        ' aria-labelledby="lineage-title lineage-description"'
        f' width="{size[0]}" height="{size[1]}" viewBox="0 0 {size[0]} {size[1]}">'
        f'<title id="lineage-title">{_text(f"Lineage of {name}")}</title>'
        f'<desc id="lineage-description">{_text(about)}</desc>'
        f"<style>{style_of(colors)}</style><defs>{markers}</defs>"
        f'<rect width="100%" height="100%" fill="{colors.page}"/>\n'
    )


def _counts(lineage: LineageGraph) -> str:
    """The numbers of networks, jobs and datasets, and what is omitted."""
    kinds = Counter(node.kind for node in lineage.nodes)
    names = (("network", Kind.MODEL), ("job", Kind.JOB), ("dataset", Kind.DATASET))
    counts = [f"{kinds[kind]} {word}{'' if kinds[kind] == 1 else 's'}" for word, kind in names]
    return " · ".join([*counts, *(note.detail for note in lineage.notes)])


def _heading(lineage: LineageGraph, name: str) -> str:
    return (
        f'<text class="heading" x="{MARGIN}" y="{HEAD - 42}">{_text(f"Lineage of {name}")}</text>'
        f'<text class="about" x="{MARGIN}" y="{HEAD - 22}">{_text(_counts(lineage))}</text>\n'
    )


def _edge(line: Line) -> str:
    (x, y), (to_x, to_y) = line.start, line.end
    across = "" if line.bend == x else f"H{line.bend:.1f}"
    reach = (to_x - line.bend) / 2
    curve = f"C{line.bend + reach:.1f} {y:.1f} {to_x - reach:.1f} {to_y:.1f} {to_x:.1f} {to_y:.1f}"
    arrow = f' marker-end="url(#arrow-{line.role})"' if line.arrives else ""
    return f'<path class="edge {line.role}" d="M{x:.1f} {y:.1f}{across}{curve}"{arrow}/>\n'


def _node(box: NodeBox, chosen_id: str) -> str:
    node = box.node
    classes = ["node", node.kind]
    classes += ["chosen"] if node.id == chosen_id else []
    classes += ["gone"] if node.state == GONE else []
    tip = "\n".join(part for part in (node.name, node.id, *lines(node)) if part)
    return (
        f'<g class="{" ".join(classes)}" data-id={quoteattr(node.id)}><title>{_text(tip)}</title>'
        f'<rect x="{box.x:.1f}" y="{box.y:.1f}" width="{box.width:.1f}" height="{box.height:.1f}"'
        f' rx="{14 if node.kind is Kind.JOB else 7}"/>{_mark(box)}{_words(box)}</g>\n'
    )


def _mark(box: NodeBox) -> str:
    """A dot with the state of a job, or a stripe with the kind of another node."""
    if box.node.kind is Kind.JOB:
        x, y = box.x + box.width - 13, box.y + 15
        return f'<circle class="state {box.node.state}" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
    position = (
        f'x="{box.x + 5:.1f}" y="{box.y + 8:.1f}" width="3.5" height="{box.height - 16:.1f}"'
    )
    return f'<rect class="mark" {position} rx="1.75"/>'


def _words(box: NodeBox) -> str:
    x, y, space = box.x + PADDING + 1, box.y + 24, box.width - 2 * PADDING
    beside = DOT if box.node.kind is Kind.JOB else 0.0
    name = fitted(title(box.node), BOLD * TITLE_SIZE, space - beside)
    texts = [f'<text class="title" x="{x:.1f}" y="{y:.1f}">{_text(name)}</text>']
    for line in lines(box.node):
        y += 16
        text = _text(fitted(line, LINE_SIZE, space))
        texts.append(f'<text class="line" x="{x:.1f}" y="{y:.1f}">{text}</text>')
    return "".join(texts)


def _legend(drawing: LineageDrawing) -> str:
    """The meaning of each kind of line in the picture."""
    x, y, entries = MARGIN, drawing.height - FOOT / 3, []
    used = {line.role for line in drawing.lines}
    for role in (role for role in _LEGEND if role in used):
        words = _LEGEND[role]
        entries.append(
            f'<path class="edge {role}" d="M{x} {y - 4:.1f}h28" marker-end="url(#arrow-{role})"/>'
            f'<text class="line" x="{x + 36}" y="{y:.1f}">{words}</text>'
        )
        x += 60 + round(width(words, LINE_SIZE))
    return f'<g class="legend">{"".join(entries)}</g>\n'


def _text(text: str) -> str:
    return escape(xml_text(text))
