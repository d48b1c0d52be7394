"""A lineage as a text tree: the ancestors of a network, then its descendants."""

from collections import defaultdict
from collections.abc import Mapping

from rich.markup import escape
from rich.tree import Tree

from service.core.lineage.graph import Kind, Node
from service.core.lineage.labels import lines, title
from zooscope.client.results import Lineage, LineageEdge

_STYLES = {Kind.MODEL: "bold", Kind.JOB: "magenta", Kind.DATASET: "green"}
_KINSHIP = ("confirmed", "suggested")
_LEARNING = {"start": "started", "source": "transferred to"}


def tree_of(lineage: Lineage) -> Tree:
    """The tree; a node with several positions is expanded at the first."""
    return _TreeBuilder(lineage).tree()


class _TreeBuilder:
    """Builds the tree of one lineage."""

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._nodes = {
            node["id"]: Node(**{**node, "kind": Kind(node["kind"])})  # type: ignore[arg-type]
            for node in lineage["nodes"]
        }
        self._to: Mapping[str, list[LineageEdge]] = defaultdict(list)
        self._from: Mapping[str, list[LineageEdge]] = defaultdict(list)
        for edge in lineage["edges"]:
            self._to[edge["target"]].append(edge)
            self._from[edge["source"]].append(edge)
        self._shown = {lineage["model_id"]}

    def tree(self) -> Tree:
        """The network with its ancestors and descendants."""
        start = self._lineage["model_id"]
        tree = Tree(_label(self._nodes[start]), guide_style="dim")
        self._add_makers(tree, start)
        self._add_learners(tree, start)
        for note in self._lineage["notes"]:
            tree.add(f"[yellow]{escape(note['detail'])}[/]; {escape(note.get('remedy') or '')}")
        return tree

    def _add_makers(self, tree: Tree, model_id: str) -> None:
        """Add the job that made a network, with all its inputs, and its ancestors by weights."""
        for making in self._to[model_id]:
            if making["role"] in _KINSHIP:
                self._add_ancestor(tree, making)
                continue
            branch = self._branch(tree, "made by", making["source"])
            for edge in self._to[making["source"]] if branch else ():
                input_branch = self._branch(branch, edge["role"], edge["source"])
                if input_branch:
                    self._add_makers(input_branch, edge["source"])

    def _add_learners(self, tree: Tree, model_id: str) -> None:
        """Add the jobs that used a network, with their inputs and students, and its descendants."""
        for learning in self._from[model_id]:
            if learning["role"] in _KINSHIP:
                self._add_descendant(tree, learning)
                continue
            word = _LEARNING.get(learning["role"], "taught")
            branch = self._branch(tree, word, learning["target"])
            others = [edge for edge in self._to[learning["target"]] if edge["source"] != model_id]
            for edge in others if branch else ():
                self._branch(branch, f"with {edge['role']}", edge["source"])
            for making in self._from[learning["target"]] if branch else ():
                student = self._branch(branch, "student", making["target"])
                if student:
                    self._add_learners(student, making["target"])

    def _add_ancestor(self, tree: Tree, edge: LineageEdge) -> None:
        branch = self._branch(tree, f"{edge['role']} ancestor", edge["source"])
        if branch:
            self._add_makers(branch, edge["source"])

    def _add_descendant(self, tree: Tree, edge: LineageEdge) -> None:
        branch = self._branch(tree, f"{edge['role']} descendant", edge["target"])
        if branch:
            self._add_learners(branch, edge["target"])

    def _branch(self, tree: Tree | None, word: str, id_: str) -> Tree | None:
        """A new branch; None if the node is already in the tree."""
        assert tree is not None
        label = f"[dim]{word}[/] {_label(self._nodes[id_])}"
        if id_ in self._shown:
            tree.add(f"{label} [dim]↑[/]")
            return None
        self._shown.add(id_)
        return tree.add(label)


def _label(node: Node) -> str:
    about = " · ".join(lines(node))
    return f"[{_STYLES[node.kind]}]{escape(title(node))}[/] {node.id} [dim]{escape(about)}[/]"
