"""What names tell: networks of one family share letters, and so do a network and its own task."""

import re
from collections import Counter

import numpy as np
from jaxtyping import Float64
from numpy import ndarray

LENGTHS = (3, 4)
OWN_TASK_LENGTH = 4


def snippets(name: str, *, lengths: tuple[int, ...] = LENGTHS) -> frozenset[str]:
    """All runs of so many characters in a name of lower-case words between single blanks."""
    words = f" {re.sub('[^a-z0-9]+', ' ', name.lower()).strip()} "
    return frozenset(words[at : at + n] for n in lengths for at in range(len(words) - n + 1))


def name_vectors(names: tuple[str, ...]) -> Float64[ndarray, "model snippet"]:
    """Unit vectors of shared snippets, rare ones weighing more: ln(models / models that have it)."""
    own = [snippets(name) for name in names]
    counts = Counter(snippet for one in own for snippet in one)
    shared = sorted(snippet for snippet, count in counts.items() if 1 < count < len(names))
    place = {snippet: at for at, snippet in enumerate(shared)}
    vectors = np.zeros((len(names), max(len(shared), 1)))
    for row, one in enumerate(own):
        for snippet in one & place.keys():
            vectors[row, place[snippet]] = np.log(len(names) / counts[snippet])
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(vectors / np.where(lengths > 0, lengths, 1.0))


def own_task(names: tuple[str, ...], target: str) -> Float64[ndarray, " model"]:
    """Share, 0 to 1, of the target's snippets of four characters found in each model's name."""
    wanted = snippets(target, lengths=(OWN_TASK_LENGTH,))
    found = [len(snippets(name, lengths=(OWN_TASK_LENGTH,)) & wanted) for name in names]
    return np.array(found, dtype=np.float64) / max(len(wanted), 1)
