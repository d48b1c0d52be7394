"""Which weights of a file fill a network: one rule for uploads and for ``zooscope pack``.

A file may hold several weight sets: below keys (``state_dict``, ``state_dict_ema``) and below prefixes
that wrappers add to names (``module.``, ``model.``, ``ema.``), in any nesting. A set fits if it has
every weight of the network in its shape, and nothing besides that the network lacks. Counters of batch
normalization and all but one name of a shared tensor may be missing. Weights below other prefixes,
such as those of a loss, belong to no set of the network and are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from workers.programs.expected_weights import COUNTERS, ExpectedWeights, Form

_AVERAGES = frozenset(
    {"ema", "swa", "avg", "average", "averaged", "momentum", "teacher", "shadow", "target", "k", "key"}
)  # fmt: skip
_USUAL_KEYS = ("state_dict", "model_state_dict", "model", "net", "network", "module", "weights")
_DEEPEST_PREFIX = 8
_SHOWN = 4


@dataclass(frozen=True)
class WeightSet:
    """The tensors below one key of a file, by name; ``key`` is empty for those of the file itself."""

    key: str
    forms: Mapping[str, Form]


@dataclass
class _Candidate:
    """Weights of a set below one prefix, by the names that the network has for them."""

    weights: WeightSet
    prefix: str
    names: dict[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """Key and prefix, as ``--weights-key`` takes them."""
        return ".".join(word for word in (self.weights.key, self.prefix.rstrip(".")) if word)

    def is_below(self, key: str) -> bool:
        return f"{self.label}.".startswith(f"{key}.")

    def is_average(self) -> bool:
        words = self.label.lower().replace("_", ".").split(".")
        return not _AVERAGES.isdisjoint(words)

    def rank(self) -> tuple[bool, int, bool]:
        """Sorts trained weights before their averages, and usual keys before others."""
        key = self.weights.key.rpartition(".")[2]
        usual = _USUAL_KEYS.index(key) if key in _USUAL_KEYS else len(_USUAL_KEYS)
        return self.is_average(), usual, bool(self.prefix)

    def missing(self, expected: ExpectedWeights) -> list[str]:
        return [
            name
            for name in expected.forms
            if not name.endswith(COUNTERS)
            and not any(other in self.names for other in expected.shared[name])
        ]

    def misshapen(self, expected: ExpectedWeights) -> list[str]:
        return [
            f"{name}: {_described(self.weights.forms[source])} in the file, "
            f"{_described(expected.forms[name])} in the network"
            for name, source in self.names.items()
            if self.weights.forms[source] != expected.forms[name]
        ]

    def surplus(self, complete: Sequence["_Candidate"]) -> list[str]:
        """Names below the prefix that neither the network nor another complete set has."""
        used = {
            name
            for other in complete
            if other.weights is self.weights
            for name in other.names.values()
        }
        used.update(self.names.values())
        return [
            name
            for name in self.weights.forms
            if name.startswith(self.prefix) and name not in used and not name.endswith(COUNTERS)
        ]


@dataclass(frozen=True)
class WeightSelection:
    """The weights that fill a network: in the set at ``position``, by the network's names.

    ``note`` says what was taken and why, if the file holds more; it is empty otherwise.
    """

    position: int
    key: str
    names: Mapping[str, str]
    note: str

    def source_of(self, name: str, expected: ExpectedWeights) -> str | None:
        """The file's name of a weight, or of a name that shares its tensor; None for a counter."""
        sources = (self.names.get(other) for other in (name, *expected.shared[name]))
        return next((source for source in sources if source is not None), None)


@dataclass(frozen=True)
class WeightsMismatch:
    """Why no weights of a file fill a network.

    ``keys`` are those that ``--weights-key`` takes, if that is the remedy.
    """

    code: str
    detail: str
    keys: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    only_shapes: bool = False


def select_weights(
    expected: ExpectedWeights, sets: Sequence[WeightSet], *, key: str | None = None
) -> WeightSelection | WeightsMismatch:
    """The weights of a file that fill a network, or why none do.

    Trained weights are taken rather than their moving average, and those below a usual key rather than
    others. If that does not decide, the result is the mismatch ``ambiguous_weights``.

    Args:
        expected: What the network needs.
        sets: Everything in the file that may be its weights.
        key: Takes only weights below this key or prefix; None takes any.
    """
    candidates = [candidate for weights in sets for candidate in _candidates(expected, weights)]
    if key is not None:
        labels = _labels(candidates)
        candidates = [candidate for candidate in candidates if candidate.is_below(key)]
        if not candidates:
            return WeightsMismatch(
                "unknown_weights_key", f"the file has no weights below {key!r}", labels
            )
    complete = _complete(expected, candidates)
    fitting = [candidate for candidate in complete if not candidate.surplus(complete)]
    if not fitting:
        return _mismatch(expected, sets, complete or candidates)
    fitting.sort(key=_Candidate.rank)
    best = [candidate for candidate in fitting if candidate.rank() == fitting[0].rank()]
    if len(best) > 1:
        detail = f"the file holds {len(best)} weight sets that fit: {', '.join(_labels(best))}"
        return WeightsMismatch("ambiguous_weights", detail, _labels(best))
    taken = best[0]
    position = next(at for at, weights in enumerate(sets) if weights is taken.weights)
    return WeightSelection(position, taken.label, taken.names, _note(taken, fitting, complete))


def _complete(expected: ExpectedWeights, candidates: Sequence[_Candidate]) -> list[_Candidate]:
    """The candidates that have every weight in its shape, each choice of tensors once."""
    fewest = expected.fewest_names()
    complete: dict[tuple[int, frozenset[tuple[str, str]]], _Candidate] = {}
    for candidate in candidates:
        if len(candidate.names) < fewest or candidate.missing(expected):
            continue
        if not candidate.misshapen(expected):
            tensors = id(candidate.weights), frozenset(candidate.names.items())
            complete.setdefault(tensors, candidate)
    return list(complete.values())


def _candidates(expected: ExpectedWeights, weights: WeightSet) -> list[_Candidate]:
    """One candidate for each prefix below which the network's names occur."""
    stems = expected.stems()
    candidates: dict[tuple[str, str], _Candidate] = {}
    for source in weights.forms:
        for prefix, rest in _splits(source):
            for stem in stems:
                if (name := stem + rest) in expected.forms and _counts(
                    expected, weights, source, name
                ):
                    candidate = candidates.setdefault((prefix, stem), _Candidate(weights, prefix))
                    candidate.names[name] = source
    return list(candidates.values())


def _counts(expected: ExpectedWeights, weights: WeightSet, source: str, name: str) -> bool:
    """Whether a tensor is looked at: all but counters of another form, which averaging leaves behind."""
    return not name.endswith(COUNTERS) or weights.forms[source] == expected.forms[name]


def _splits(name: str) -> Iterator[tuple[str, str]]:
    """A name as prefix and rest, from the empty prefix on."""
    yield "", name
    at = -1
    for _ in range(_DEEPEST_PREFIX):
        at = name.find(".", at + 1)
        if at < 0:
            return
        yield name[: at + 1], name[at + 1 :]


def _labels(candidates: Sequence[_Candidate]) -> tuple[str, ...]:
    labels = dict.fromkeys(candidate.label for candidate in candidates if candidate.label)
    return tuple(labels)


def _note(taken: _Candidate, fitting: Sequence[_Candidate], complete: Sequence[_Candidate]) -> str:
    others = [other for other in fitting if other is not taken]
    parts: list[str] = []
    if others:
        averages = all(other.is_average() for other in others)
        why = "the trained weights, not their moving average" if averages else "the usual key"
        listed = ", ".join(other.label or "the top level" for other in others)
        parts.append(f"took {taken.label or 'the top level'} ({why}) rather than {listed}")
    elif taken.is_average():
        parts.append(f"took {taken.label}, a moving average: the file has no other weights")
    used = {name for other in complete for name in other.names.values()}
    left_out = [
        name
        for name in taken.weights.forms
        if name not in used and not name.endswith(COUNTERS)
    ]  # fmt: skip
    if left_out:
        parts.append(_listed("left out what is not the network's", left_out))
    return "; ".join(parts)


def _mismatch(
    expected: ExpectedWeights, sets: Sequence[WeightSet], candidates: Sequence[_Candidate]
) -> WeightsMismatch:
    """What the closest candidate lacks, or has besides."""
    largest = max(sets, key=lambda weights: len(weights.forms))
    closest = max(
        candidates,
        key=lambda candidate: len(candidate.names) - len(candidate.misshapen(expected)) / 2,
        default=_Candidate(largest, ""),
    )
    missing, misshapen = closest.missing(expected), closest.misshapen(expected)
    surplus = closest.surplus([])
    titled = (
        ("missing", missing),
        ("not in the network", surplus),
        ("other shape", misshapen),
    )
    detail = "; ".join(_listed(title, names) for title, names in titled if names)
    return WeightsMismatch(
        "weights_do_not_fit",
        detail,
        missing=tuple(missing),
        surplus=tuple(surplus),
        only_shapes=not (missing or surplus),
    )


def _listed(title: str, names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return f"{title}: {', '.join(name[:120] for name in names[:_SHOWN])}{more}"


def _described(form: Form) -> str:
    shape, kind = form
    return str(list(shape)) if kind == "float" else f"{list(shape)} {kind}"
