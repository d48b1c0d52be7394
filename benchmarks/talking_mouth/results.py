"""docs/results/talking_mouth.json: what every arm of every seed reached, with the errors of each clip.

Settings → seed → arm → ``quality``, ``history``, ``errors`` and ``details``; the arms of a seed are
paired by clip. ``floors`` of a seed are the errors of a perfect reader of syllables.
"""

import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.students.protocol import ROOT
from benchmarks.talking_mouth.corpus import Corpus
from benchmarks.talking_mouth.language import floor
from workers.torchkit.speech.error_rates import RESAMPLES, ErrorCounts
from workers.torchkit.speech.inputs import SpeechTrainingResult

PATH = ROOT / "docs/results/talking_mouth.json"
MAIN, LONGER = "1500 clips, 940 steps", "1500 clips, 1504 steps"
VISIBLE_TONES = f"{MAIN}, tone visibility 1.2"
_NUMBERS = re.compile(r"\[\s+(\d+(?:,\s+\d+)*)\s+\]")
_TAILS = (0.025, 0.975)

Rows = Mapping[str, Mapping[str, Any]]


def entry(result: SpeechTrainingResult, cpu_seconds: float) -> dict[str, Any]:
    """An arm as JSON: rates with intervals, counts per clip for paired differences, the curve."""
    return {
        "quality": dict(result.quality),
        "history": [dict(row) for row in result.history],
        "errors": {
            name: {"errors": counts.errors.tolist(), "lengths": counts.lengths.tolist()}
            for name, counts in result.errors.items()
        },
        "details": dict(result.details),
        "warnings": [dict(warning) for warning in result.warnings],
        "cpu_seconds": round(cpu_seconds),
    }


def floors(corpus: Corpus) -> dict[str, float]:
    """Error rates of perfect readers of syllables on the held-out sentences."""
    sentences = corpus.held_out_sentences
    return {
        "without_tones": floor(sentences, tones=False),
        "with_tones": floor(sentences, tones=True),
    }


def stored(path: Path = PATH) -> dict[str, Any]:
    """Everything measured so far."""
    results: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return results


def keep(results: dict[str, Any], path: Path = PATH) -> None:
    """The file holds the results; counts per clip stand on one line."""
    results["machine"] = f"{platform.machine()}, torch {torch.__version__}"
    text = json.dumps(results, indent=1, ensure_ascii=False, sort_keys=True)
    lines = _NUMBERS.sub(lambda numbers: f"[{' '.join(numbers[1].split())}]", text)
    half = path.with_suffix(".half")
    half.write_text(lines + "\n", encoding="utf-8")
    half.replace(path)


@dataclass(frozen=True)
class PairedDifference:
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


def counts_of(row: Mapping[str, Any], name: str) -> ErrorCounts:
    """Errors of every clip of an arm. Raises KeyError where the arm does not count them."""
    counts = row["errors"][name]
    return ErrorCounts(torch.tensor(counts["errors"]), torch.tensor(counts["lengths"]))


def paired(first: ErrorCounts, second: ErrorCounts) -> PairedDifference:
    """Rate of the first minus the second, of the same clips; the interval resamples clips."""
    return PairedDifference(*first.difference(second))


def paired_over_seeds(pairs: Sequence[tuple[ErrorCounts, ErrorCounts]]) -> PairedDifference:
    """Mean difference over seeds; the interval resamples seeds, and clips within each of them.

    Few seeds understate how much seeds differ: three have only ten different resamples.
    """
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(len(pairs), (RESAMPLES, len(pairs)), generator=generator)
    differences = torch.zeros(RESAMPLES, dtype=torch.float64)
    for position in range(len(pairs)):
        for number, (first, second) in enumerate(pairs):
            rows = drawn[:, position] == number
            clips = len(first.errors)
            draws = torch.randint(clips, (int(rows.sum()), clips), generator=generator)
            lengths = first.lengths[draws].sum(1)
            changes = (first.errors - second.errors)[draws].sum(1)
            differences[rows] += changes.double() / lengths / len(pairs)
    low, high = differences.quantile(torch.tensor(_TAILS, dtype=torch.float64)).tolist()
    mean = sum(first.rate() - second.rate() for first, second in pairs) / len(pairs)
    return PairedDifference(mean, low, high)
