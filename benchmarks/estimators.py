"""All estimators together against LogME alone in its fastest published form, in one run.

Synthetic features in float32: class centers and noise, both of decaying power, through a ReLU;
logits of 100 source classes. On the same features, one thread, processor seconds (others' work on
the machine does not count), best of interleaved repeats:

* LogME alone: the published fixed point rewritten in numpy: SVD of XᵀX in float64 (of X where
  there are fewer images than units), U = XV/σ, then one class after another.
* Together: one spectrum and every estimator, logits included; the linear probe by 5 folds is
  told apart, because it is the expensive reference that the others are to replace.

    python -m benchmarks.estimators [--repeats 2] [--write]
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from service.core.catalog.measurement import Estimator
from workers.methods.transferability_estimators.estimates import DEFAULTS, Evidence, estimated

RESULTS = Path(__file__).parents[1] / "docs" / "results"
SHAPES = ((10_000, 2048, 100), (10_000, 768, 100), (500, 2048, 37))
SOURCE_CLASSES = 100


def drawn(images: int, units: int, classes: int) -> tuple[Tensor, Tensor, Tensor]:
    """Features, labels and logits of a synthetic target, always the same."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(images) % classes
    decay = torch.arange(1, units + 1).float() ** -0.5
    centers = 0.6 * torch.randn(classes, units, generator=generator)
    noise = torch.randn(images, units, generator=generator)
    features = ((centers[labels] + noise) * decay + 0.5).relu()
    hot = torch.nn.functional.one_hot(labels % SOURCE_CLASSES, SOURCE_CLASSES)
    return features, labels, torch.randn(images, SOURCE_CLASSES, generator=generator) + 3 * hot


def published_logme(features: NDArray[np.float64], labels: NDArray[np.int64]) -> float:
    """LogME by the fixed point of the journal version, class after class."""
    left, powers = _decomposed(features)
    evidences = []
    for label in range(int(labels.max()) + 1):
        target = (labels == label).astype(np.float64)
        explained = (left.T @ target) ** 2
        unexplained = float(target.sum() - explained.sum())
        evidences.append(_evidence(powers, explained, unexplained, len(labels)))
    return float(np.mean(evidences))


def _decomposed(features: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Left singular vectors and squared singular values, through XᵀX where that is smaller."""
    if len(features) <= features.shape[1]:
        left, singular, _right = np.linalg.svd(features, full_matrices=False)
        return left, singular**2
    _left, powers, right = np.linalg.svd(features.T @ features, full_matrices=True)
    nonzero = np.sqrt(powers) > 1e-10
    return (features @ right.T)[:, nonzero] / np.sqrt(powers[nonzero]), powers[nonzero]


def _evidence(
    powers: NDArray[np.float64], explained: NDArray[np.float64], unexplained: float, images: int
) -> float:
    """Log evidence per image of one class, after at most eleven steps."""
    alpha, beta, evidence = 1.0, 1.0, 0.0
    for _ in range(11):
        ratio = alpha / beta
        effective = float((powers / (powers + ratio)).sum())
        weights = float((powers * explained / (ratio + powers) ** 2).sum())
        residuals = float((explained / (1 + powers / ratio) ** 2).sum()) + unexplained
        alpha, beta = effective / (weights + 1e-5), (images - effective) / (residuals + 1e-5)
        logs = len(powers) * math.log(alpha) + images * math.log(beta / (2 * math.pi))
        spread = float(np.log(alpha + beta * powers).sum())
        evidence = 0.5 * (logs - spread - beta * residuals - alpha * weights) / images
        if abs(alpha / beta - ratio) / ratio <= 1e-3:
            break
    return evidence


def seconds_of(work: Callable[[], Any]) -> tuple[float, Any]:
    """Processor seconds of one call, and what it gave."""
    start = time.process_time()
    result = work()
    return time.process_time() - start, result


def together(features: Tensor, labels: Tensor, logits: Tensor) -> tuple[dict[str, float], float]:
    """Seconds of the spectrum and of every estimator after it, and LogME's value."""
    evidence = Evidence(features, labels, logits, DEFAULTS)
    seconds = {"spectrum": seconds_of(lambda: evidence.spectrum)[0]}
    value = math.nan
    for estimator in Estimator:
        seconds[estimator.value], score = seconds_of(partial(estimated, evidence, estimator))
        value = score if estimator is Estimator.LOGME else value
    return seconds, value


def measured(shape: tuple[int, int, int], repeats: int) -> dict[str, Any]:
    """Both sides of one shape, the best of interleaved repeats."""
    features, labels, logits = drawn(*shape)
    rows, classes = features.double().numpy(), labels.numpy()
    alone, sums = [], []
    expected = value = math.nan
    for _ in range(repeats):
        seconds, expected = seconds_of(lambda: published_logme(rows, classes))
        alone.append(seconds)
        parts, value = together(features, labels, logits)
        sums.append(parts)
    best = min(sums, key=_without_reference)
    return {
        "images": shape[0],
        "units": shape[1],
        "classes": shape[2],
        "logme_alone_seconds": min(alone),
        "together_seconds": _without_reference(best),
        "ratio": _without_reference(best) / min(alone),
        "with_linear_probe_seconds": sum(best.values()),
        "parts_seconds": best,
        "logme_published": expected,
        "logme": value,
    }


def _without_reference(parts: dict[str, float]) -> float:
    """Sum of everything but the linear probe."""
    return sum(seconds for name, seconds in parts.items() if name != Estimator.LINEAR_PROBE)


def table(rows: list[dict[str, Any]]) -> str:
    """The measurements as a page."""
    lines = [
        "# Cost of all estimators together",
        "",
        "Synthetic features, seed 0; CPU seconds of one thread on one of 2 cores of an AMD"
        " EPYC under other load, no GPU; best of interleaved repeats."
        " `python -m benchmarks.estimators --write`.",
        "",
        "| images × units, classes | LogME alone, published form | spectrum and twelve estimators"
        " | ratio | with the 5-fold linear probe | LogME published | ours |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row['images']} × {row['units']}, {row['classes']}"
        f" | {row['logme_alone_seconds']:.2f} | {row['together_seconds']:.2f}"
        f" | {row['ratio']:.2f} | {row['with_linear_probe_seconds']:.2f}"
        f" | {row['logme_published']:.6f} | {row['logme']:.6f} |"
        for row in rows
    ]
    shapes = [f"{row['images']} × {row['units']}, {row['classes']}" for row in rows]
    lines += ["", "| part | " + " | ".join(shapes) + " |", "|---" * (len(rows) + 1) + "|"]
    for part in rows[0]["parts_seconds"]:
        cells = " | ".join(f"{row['parts_seconds'][part]:.3f}" for row in rows)
        lines.append(f"| {part} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure every shape, print the page and, when asked, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--write", action="store_true", help="write docs/results/estimators.*")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    rows = [measured(shape, chosen.repeats) for shape in SHAPES]
    page = table(rows)
    print(page)
    if chosen.write:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "estimators.md").write_text(page)
        facts = {"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version(), "rows": rows}  # fmt: skip
        (RESULTS / "estimators.json").write_text(json.dumps(facts, indent=1) + "\n")


if __name__ == "__main__":
    main()
