"""Candidate layers of a network: the ends of its blocks.

Layers are (name, kind) pairs in the order of computation. The name of a block is the prefix of the
names of its parts: "layer1.0" for "layer1.0.conv1". Kinds are class names, or names of operators for
calls outside all modules.
"""

import re
from collections.abc import Sequence

OUTPUT = "output"
"""Name of the network's output, where a layer can be named."""
MOST = 40
_FEWEST = 8

Layers = Sequence[tuple[str, str]]

_ACTIVATION = re.compile(
    r".*relu6?_?|[sgc]?elu_?|silu_?|swish|mish|(log_?)?(sigmoid|softmax)|tanh|softplus"
    r"|hard_?(swish|sigmoid|tanh).*"
)
_NORMALIZATION = re.compile(r".*norm(act)?\d*d?_?")
_NOTHING_NEW = re.compile(
    r"identity|(un)?flatten|.*dropout\d?d?_?|droppath|stochasticdepth|view|reshape|permute|transpose"
    r"|contiguous|select|slice|(un)?squeeze|clone|expand|getitem|chunk|split|unbind|movedim|to"
)


def candidate_layers(
    layers: Layers, *, feature_layer: str | None = None, most: int = MOST
) -> tuple[str, ...]:
    """The default candidates, at most ``most``, in the order of computation.

    Chains of modules are expanded down to blocks: a residual block, an inverted residual, a
    transformer block. A convolution with its normalization and activation counts as one layer, the
    last. Layers that change nothing are omitted, and so is the output, which a new task replaces.
    If too many layers remain, they are thinned evenly, and the last one stays.

    Args:
        layers: All layers of a network.
        feature_layer: Always included: the default cut of the network.
        most: Upper bound.
    """
    tree = _Tree(layers)
    chosen = set(tree.finished(tree.ends())[:-1])
    if feature_layer and not chosen & tree.same_output(feature_layer):
        chosen.add(feature_layer)
    named = [name for name, _ in layers[:-1] if name in chosen]
    return _thinned(named or [name for name, _ in layers[:-1]], most)


def cut_layers(layers: Layers) -> tuple[str, ...]:
    """Every layer except the output."""
    return tuple(name for name, _ in layers[:-1])


class _Tree:
    """The tree of modules, derived from their names."""

    def __init__(self, layers: Layers) -> None:
        self._kinds = dict(layers)
        self._parts: dict[str, list[str]] = {name: [] for name in ("", *self._kinds)}
        for name in self._kinds:
            self._parts[self._holder(name)].append(name)

    def _holder(self, name: str) -> str:
        """The innermost module around a layer; "" outside all modules."""
        while "." in name:
            name = name.rpartition(".")[0]
            if name in self._kinds:
                return name
        return ""

    def _is_block(self, name: str) -> bool:
        """Whether a layer has parts."""
        return bool(self._parts[name])

    def ends(self) -> list[str]:
        """Blocks and single layers, each part of the network once.

        Sequential containers are expanded. While there are fewer than eight ends, so are all blocks
        of the largest block's kind.
        """
        opened = {kind for kind in self._kinds.values() if kind.endswith("Sequential")}
        while True:
            ends = self._opened("", opened)
            closed = [
                name for name in ends if self._is_block(name) and self._kinds[name] not in opened
            ]
            if len(ends) >= _FEWEST or not closed:
                return ends
            opened.add(self._kinds[max(closed, key=self._size)])

    def _opened(self, holder: str, opened: set[str]) -> list[str]:
        """The parts of a module; parts of ``opened`` kinds are replaced by their own parts.

        The end of an opened block replaces its last part, since a sum may follow that part. In a
        chain nothing follows it.
        """
        parts: list[str] = []
        for name in self._parts[holder]:
            inner = self._opened(name, opened) if self._kinds[name] in opened else []
            chain = self._kinds[name].endswith("Sequential")
            parts += inner if inner and chain else [*inner[:-1], name]
        return parts

    def same_output(self, name: str) -> set[str]:
        """Layers with the same output: the ends of a chain, and the input of a layer that changes nothing."""
        same = {name}
        order = list(self._kinds)
        if name not in self._kinds:
            return same
        last = name
        while self._kinds[last].endswith("Sequential") and self._parts[last]:
            last = self._parts[last][-1]
            same.add(last)
        index = order.index(last)
        if index and _NOTHING_NEW.fullmatch(self._kinds[last].lower()):
            same.add(order[index - 1])
        return same

    def _size(self, name: str) -> int:
        return 1 + sum(self._size(part) for part in self._parts[name])

    def finished(self, ends: Sequence[str]) -> list[str]:
        """Ends without layers that change nothing or that the next layer completes.

        A normalization or activation replaces the single layer before it; after a block it is
        omitted.
        """
        finished: list[str] = []
        for name in ends:
            kind = self._kinds[name].lower()
            if _NOTHING_NEW.fullmatch(kind):
                continue
            if finished and (_ACTIVATION.fullmatch(kind) or _NORMALIZATION.fullmatch(kind)):
                if self._is_block(finished[-1]):
                    continue
                finished.pop()
            finished.append(name)
        return finished


def _thinned(names: Sequence[str], most: int) -> tuple[str, ...]:
    """At most ``most`` of the names, evenly spread; the last stays."""
    if len(names) <= most:
        return tuple(names)
    step = (len(names) - 1) / (most - 1) if most > 1 else 0
    return tuple(names[len(names) - 1 - round(index * step)] for index in range(most))[::-1]
