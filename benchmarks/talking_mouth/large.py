"""Both methods at the widths of the papers, on a larger corpus: prepared for one GPU and few minutes.

    pip install espeakng-loader
    python -m benchmarks.talking_mouth.large [--clips 20000] [--minutes 9] [--results FILE]

The encoders have two layers of 256 cells per direction, the decoders two of 512. Several corpora are
rendered at once, one process each, and their training clips are joined; clips to evaluate whose
sentence is among them are left out. Arms follow in the order of ``--arms``; none begins after
``--minutes``, and every finished one is kept at once, so that a later call continues.
"""

import argparse
import os
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cached_property
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import torch

from benchmarks.talking_mouth import results
from benchmarks.talking_mouth.arms import ARMS, SeedRun
from benchmarks.talking_mouth.corpus import Corpus, talking_corpus
from workers.torchkit.clips import Clip

_ORDER = ("teacher", "alone", "context", "one_stage", "without_tones", "with_tones")
_MOST_HELD_OUT = 300
_NEXT_CORPUS = 1000  # between the seeds of joined corpora, so that no other seed has them


class LargeRun(SeedRun):
    """The arms of a seed with networks and a device of the options' choice."""

    @cached_property
    def corpus(self) -> Corpus:
        """The joined corpus."""
        return joined_corpus(self.options.clips, self.options.processes, seed=self.seed)

    def _settings(self, steps: int) -> dict[str, Any]:
        names = ("width", "layers", "batch_size", "learning_rate")
        return super()._settings(steps) | {name: getattr(self.options, name) for name in names}

    def _clips(self) -> dict[str, Any]:
        return super()._clips() | {"device": torch.device(self.options.device)}


def joined_corpus(clips: int, processes: int, *, seed: int) -> Corpus:
    """Training clips of as many corpora as processes, and clips to evaluate from the first."""
    shares = [clips // processes + (number < clips % processes) for number in range(processes)]
    held_out = min(clips // 5, _MOST_HELD_OUT)
    with ProcessPoolExecutor(processes, get_context("spawn")) as pool:
        waiting = [
            pool.submit(
                talking_corpus,
                share,
                0 if number else held_out,
                0 if number else held_out // 2,
                seed=seed + _NEXT_CORPUS * number,
            )
            for number, share in enumerate(shares)
        ]
        parts = [part.result() for part in waiting]
    training = tuple(clip for part in parts for clip in part.training)
    learned = {clip.transcript for clip in training}
    return Corpus(
        training=training,
        held_out=_others(parts[0].held_out, learned),
        unseen_speakers=_others(parts[0].unseen_speakers, learned),
        held_out_sentences=tuple(
            sentence for sentence in parts[0].held_out_sentences if sentence.text not in learned
        ),
    )


def _others(clips: tuple[Clip, ...], sentences: set[str]) -> tuple[Clip, ...]:
    """The clips that say none of the sentences."""
    return tuple(clip for clip in clips if clip.transcript not in sentences)


def measure(options: argparse.Namespace) -> None:
    """Runs the arms that the file lacks, until the minutes are over."""
    start = time.monotonic()
    settings = f"{options.clips} clips, {options.steps} steps, width {options.width}"
    run = LargeRun(options.seed, options)
    for name in options.arms:
        everything = results.stored(options.results)
        rows = everything.setdefault(settings, {}).setdefault(str(options.seed), {})
        if name in rows:
            continue
        if time.monotonic() - start > 60 * options.minutes:
            print(f"no time is left for {name}", flush=True)
            return
        print(f"{name}, {options.device}", flush=True)
        busy = time.process_time()
        rows[name] = results.entry(run.arm(name), time.process_time() - busy)
        rows["floors"] = results.floors(run.corpus)
        results.keep(everything, options.results)


def options_of(arguments: list[str] | None = None) -> argparse.Namespace:
    """The options of the command line."""
    parser = argparse.ArgumentParser(prog="talking_mouth.large")
    parser.add_argument("--clips", type=int, default=20_000)
    parser.add_argument("--steps", type=int, default=2500, help="of a lip reader")
    parser.add_argument("--teacher-steps", type=int, default=1500)
    parser.add_argument("--later-steps", type=int, default=1500, help="of all later stages")
    parser.add_argument("--width", type=int, default=256)
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=_ORDER)
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    parser.add_argument("--device", default=device)
    parser.add_argument("--results", type=Path, default=results.PATH)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    measure(options_of())
