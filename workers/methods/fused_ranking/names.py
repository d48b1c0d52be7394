"""Similarity by name: networks of a family share letters, as do a network and its own task."""

import re
from collections import Counter

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

LENGTHS = (3, 4)
OWN_TASK_LENGTH = 4


def snippets(name: str, *, lengths: tuple[int, ...] = LENGTHS) -> frozenset[str]:
    """All substrings of the given lengths in the name, lower-cased and joined by single blanks."""
    words = f" {re.sub('[^a-z0-9]+', ' ', name.lower()).strip()} "
    return frozenset(
        words[start : start + length]
        for length in lengths
        for start in range(len(words) - length + 1)
    )


def name_vectors(names: tuple[str, ...]) -> Float64[ndarray, "model snippet"]:
    """Unit vectors over shared snippets, weighted ln(models / models with the snippet)."""
    snippets_by_name = [snippets(name) for name in names]
    counts = Counter(
        snippet for snippets_of_model in snippets_by_name for snippet in snippets_of_model
    )
    shared = sorted(snippet for snippet, count in counts.items() if 1 < count < len(names))
    column_of = {snippet: column for column, snippet in enumerate(shared)}
    vectors = np.zeros((len(names), max(len(shared), 1)))
    for row, snippets_of_model in enumerate(snippets_by_name):
        for snippet in snippets_of_model & column_of.keys():
            vectors[row, column_of[snippet]] = np.log(len(names) / counts[snippet])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def own_task(names: tuple[str, ...], target: str) -> Float64[ndarray, " model"]:
    """Share, 0 to 1, of the target's four-character snippets in each model's name."""
    target_snippets = snippets(target, lengths=(OWN_TASK_LENGTH,))
    matches = [len(snippets(name, lengths=(OWN_TASK_LENGTH,)) & target_snippets) for name in names]
    return np.array(matches, dtype=np.float64) / max(len(target_snippets), 1)
