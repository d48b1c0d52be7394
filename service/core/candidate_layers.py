"""Which layers of a network are worth asking about: the ends of its blocks.

Layers come as (name, kind) in the order of computation; a block's name is the beginning of its
parts' names, "layer1.0" of "layer1.0.conv1". Kinds are class names, or names of operators where a
call stands outside of every module.
"""

import re
from collections.abc import Sequence

MOST = 40
_FEWEST = 8

Layers = Sequence[tuple[str, str]]

_ACTIVATION = re.compile(
    r".*relu6?_?|[sgc]?elu_?|silu_?|swish|mish|(log_?)?(sigmoid|softmax)|tanh|softplus"
    r"|hard_?(swish|sigmoid|tanh).*"
)
_NORMALISATION = re.compile(r".*norm(act)?\d*d?_?")
_NOTHING_NEW = re.compile(
    r"identity|(un)?flatten|.*dropout\d?d?_?|droppath|stochasticdepth|view|reshape|permute|transpose"
    r"|contiguous|select|slice|(un)?squeeze|clone|expand|getitem|chunk|split|unbind|movedim|to"
)


def candidate_layers(
    layers: Layers, *, feature_layer: str | None = None, most: int = MOST
) -> tuple[str, ...]:
    """The default candidates, at most ``most``, in the order of computation.

    Chains of modules are opened until blocks are reached: a residual block, an inverted residual,
    a transformer block. Of a convolution with its normalisation and activation the last stands
    for all. Layers that change nothing are left out, and so is the answer, which a new task
    replaces. Where more are left they are thinned evenly; the last stays.

    Args:
        layers: All of a network.
        feature_layer: Taken in as well: where the network is cut when nobody says otherwise.
        most: Upper bound.
    """
    tree = _Tree(layers)
    chosen = set(tree.finished(tree.ends())[:-1])
    if feature_layer and not chosen & tree.same_output(feature_layer):
        chosen.add(feature_layer)
    named = [name for name, _ in layers[:-1] if name in chosen]
    return _thinned(named or [name for name, _ in layers[:-1]], most)


def cut_layers(layers: Layers) -> tuple[str, ...]:
    """Every layer but the answer."""
    return tuple(name for name, _ in layers[:-1])


class _Tree:
    """Which module holds which, read from their names."""

    def __init__(self, layers: Layers) -> None:
        self._kinds = dict(layers)
        self._parts: dict[str, list[str]] = {name: [] for name in ("", *self._kinds)}
        for name in self._kinds:
            self._parts[self._holder(name)].append(name)

    def _holder(self, name: str) -> str:
        """The innermost listed module around a layer; "" outside of all."""
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

        Sequential containers are opened; while fewer than eight ends are found, so are all blocks
        of the kind of the largest one.
        """
        opened = {kind for kind in self._kinds.values() if kind.endswith("Sequential")}
        while True:
            found = self._opened("", opened)
            closed = [
                one for one in found if self._is_block(one) and self._kinds[one] not in opened
            ]
            if len(found) >= _FEWEST or not closed:
                return found
            opened.add(self._kinds[max(closed, key=self._size)])

    def _opened(self, holder: str, opened: set[str]) -> list[str]:
        """The parts of a module, those of ``opened`` kinds by their own parts.

        The end of an opened block stands for its last part: between the two there may be a sum. In a
        chain there is nothing between.
        """
        found: list[str] = []
        for name in self._parts[holder]:
            inner = self._opened(name, opened) if self._kinds[name] in opened else []
            chain = self._kinds[name].endswith("Sequential")
            found += inner if inner and chain else [*inner[:-1], name]
        return found

    def same_output(self, name: str) -> set[str]:
        """Layers known to hold what this one does: the ends of a chain, what it merely passes on."""
        found = {name}
        order = list(self._kinds)
        if name not in self._kinds:
            return found
        last = name
        while self._kinds[last].endswith("Sequential") and self._parts[last]:
            last = self._parts[last][-1]
            found.add(last)
        place = order.index(last)
        if place and _NOTHING_NEW.fullmatch(self._kinds[last].lower()):
            found.add(order[place - 1])
        return found

    def _size(self, name: str) -> int:
        return 1 + sum(self._size(part) for part in self._parts[name])

    def finished(self, ends: Sequence[str]) -> list[str]:
        """Ends without those that change nothing or are finished by the next.

        A normalisation or activation takes the place of the single layer before it; after a block
        it adds nothing.
        """
        found: list[str] = []
        for name in ends:
            kind = self._kinds[name].lower()
            if _NOTHING_NEW.fullmatch(kind):
                continue
            if found and (_ACTIVATION.fullmatch(kind) or _NORMALISATION.fullmatch(kind)):
                if self._is_block(found[-1]):
                    continue
                found.pop()
            found.append(name)
        return found


def _thinned(names: Sequence[str], most: int) -> tuple[str, ...]:
    """At most that many, evenly spread; the last stays."""
    if len(names) <= most:
        return tuple(names)
    step = (len(names) - 1) / (most - 1) if most > 1 else 0
    return tuple(names[len(names) - 1 - round(place * step)] for place in range(most))[::-1]
