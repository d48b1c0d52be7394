"""A lineage as a tree of letters: what a network was made from, then what was made from it."""

from collections import defaultdict
from collections.abc import Mapping

from rich.markup import escape
from rich.tree import Tree

from service.core.lineage.graph import Kind, Node
from service.core.lineage.labels import lines, title
from zooscope.client.results import Lineage, LineageEdge

_COLORS = {Kind.MODEL: "bold", Kind.JOB: "magenta", Kind.DATASET: "green"}
_LEARNING = {"start": "started", "source": "transferred to"}


def tree_of(lineage: Lineage) -> Tree:
    """The tree; what stands in several places is told where it comes first."""
    return _Growing(lineage).tree()


class _Growing:
    """A tree under way."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._nodes = {
            one["id"]: Node(**{**one, "kind": Kind(one["kind"])})  # type: ignore[arg-type]
            for one in lineage["nodes"]
        }
        self._to: Mapping[str, list[LineageEdge]] = defaultdict(list)
        self._from: Mapping[str, list[LineageEdge]] = defaultdict(list)
        for edge in lineage["edges"]:
            self._to[edge["target"]].append(edge)
            self._from[edge["source"]].append(edge)
        self._told = {lineage["model_id"]}

    def tree(self) -> Tree:
        """The network, its makers and its students."""
        start = self._lineage["model_id"]
        tree = Tree(_label(self._nodes[start]), guide_style="dim")
        self._add_makers(tree, start)
        self._add_learners(tree, start)
        for note in self._lineage["notes"]:
            tree.add(f"[yellow]{escape(note['detail'])}[/]; {escape(note.get('remedy') or '')}")
        return tree

    def _add_makers(self, tree: Tree, model_id: str) -> None:
        """The job that made a network, with everything that it was given."""
        for making in self._to[model_id]:
            branch = self._branch(tree, "made by", making["source"])
            for edge in self._to[making["source"]] if branch else ():
                given = self._branch(branch, edge["role"], edge["source"])
                if given:
                    self._add_makers(given, edge["source"])

    def _add_learners(self, tree: Tree, model_id: str) -> None:
        """The jobs that a network was given to, with all else that they were given, and students."""
        for learning in self._from[model_id]:
            word = _LEARNING.get(learning["role"], "taught")
            branch = self._branch(tree, word, learning["target"])
            others = [one for one in self._to[learning["target"]] if one["source"] != model_id]
            for edge in others if branch else ():
                self._branch(branch, f"with {edge['role']}", edge["source"])
            for making in self._from[learning["target"]] if branch else ():
                student = self._branch(branch, "student", making["target"])
                if student:
                    self._add_learners(student, making["target"])

    def _branch(self, tree: Tree | None, word: str, id_: str) -> Tree | None:
        """A new branch; None where the thing has been told before."""
        assert tree is not None
        label = f"[dim]{word}[/] {_label(self._nodes[id_])}"
        if id_ in self._told:
            tree.add(f"{label} [dim]↑[/]")
            return None
        self._told.add(id_)
        return tree.add(label)


def _label(node: Node) -> str:
    about = " · ".join(lines(node))
    return f"[{_COLORS[node.kind]}]{escape(title(node))}[/] {node.id} [dim]{escape(about)}[/]"
