"""Does a lip reader gain from speech, and from pinyin and tones on the way to characters?

Arms of ``libs``: a lip reader alone, with each level of its teacher alone, and with all three. Arms of
``cascade``: one stage; pinyin and characters; pinyin, tones and characters; the same with a share of
tones hidden from the characters. All but the first share one trained first stage. All arms of a seed
have the same corpus, first weights, order of clips and steps; later stages have steps of their own.

    pip install espeakng-loader
    python -m benchmarks.talking_mouth [--clips 1500] [--steps 1880] [--seeds 0 1 2] [--arms alone all ...]

Writes docs/results/talking_mouth.json after every arm and continues where it stopped.
"""

import argparse
import json
import platform
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from benchmarks.students.protocol import ROOT
from benchmarks.talking_mouth.corpus import Corpus, talking_corpus
from benchmarks.talking_mouth.language import floor
from service.core.catalog.cascade_seq2seq import CASCADES, CascadeSeq2SeqParams
from service.core.catalog.lip_by_speech import LipBySpeechParams
from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from workers.methods import cascade_seq2seq, lip_by_speech, speech_recognizer
from workers.methods.cascade_seq2seq.reader import FirstStage
from workers.methods.cascade_seq2seq.run import CascadeInputs
from workers.methods.lip_by_speech.run import LipInputs
from workers.torchkit.protocols import Checkpoint, RecordingReporter
from workers.torchkit.speech.inputs import ClipInputs, SpeechTrainingResult
from workers.torchkit.speech.readers import Reader

RESULTS = ROOT / "docs/results/talking_mouth.json"
LEVELS: Mapping[str, Mapping[str, float]] = {
    "alone": {"sequence": 0, "context": 0, "frame": 0},
    "all": {"sequence": 1, "context": 1, "frame": 1},
    "context": {"sequence": 0, "context": 1, "frame": 0},
    "sequence": {"sequence": 1, "context": 0, "frame": 0},
    "frame": {"sequence": 0, "context": 0, "frame": 1},
}
_CASCADES: Mapping[str, Mapping[str, Any]] = {
    "one_stage": {"stages": CASCADES[0]},
    "without_tones": {"stages": CASCADES[1]},
    "with_tones": {"stages": CASCADES[2]},
    "hidden_tones": {"stages": CASCADES[2], "tone_dropout": 0.3},
}
ARMS = ("teacher", *LEVELS, *_CASCADES)
_EVALUATIONS = 8


class PrintedReport(RecordingReporter):
    """Prints every evaluation and records no checkpoints."""

    def keep(self, checkpoint: Checkpoint) -> None:
        """Forgets the checkpoint."""

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Prints the numbers."""
        super().measured(step, numbers, pictures)
        print(step, {name: round(value, 3) for name, value in numbers.items()}, flush=True)


@dataclass
class SeedRun:
    """The arms of one seed, with what they share: corpus, teacher and first stage."""

    seed: int
    options: argparse.Namespace

    @cached_property
    def corpus(self) -> Corpus:
        """The clips."""
        clips = self.options.clips
        return talking_corpus(clips, clips // 5, clips // 10, seed=self.seed)

    @cached_property
    def taught(self) -> tuple[Reader, SpeechTrainingResult]:
        """The teacher."""
        params = SpeechRecognizerParams.model_validate(self._settings(self.options.teacher_steps))
        result = speech_recognizer.run(ClipInputs(**self._clips()), params, PrintedReport())
        return result.reader, result

    @cached_property
    def first_stage(self) -> FirstStage:
        """The first stage that all cascades but one share."""
        steps = self.options.steps
        alone = {"first_share": float(steps), "character_share": 1.0, "joint_share": 1.0}
        params = self._cascade("without_tones", steps + 2).model_copy(update=alone)
        inputs = CascadeInputs(**self._clips())
        return cascade_seq2seq.run(inputs, params, PrintedReport()).first_stage

    def arm(self, name: str) -> SpeechTrainingResult:
        """The result of an arm."""
        if name == "teacher":
            return self.taught[1]
        if name in LEVELS:
            settings = {**self._settings(self.options.steps), "weights": LEVELS[name]}
            teacher = None if name == "alone" else self.taught[0]
            return lip_by_speech.run(
                LipInputs(**self._clips(), teacher=teacher),
                LipBySpeechParams.model_validate(settings),
                PrintedReport(),
            )
        return self._cascade_result(name)

    def _cascade_result(self, name: str) -> SpeechTrainingResult:
        shared = None if name == "one_stage" else self.first_stage
        steps = self.options.steps if shared is None else self.options.later_steps
        inputs = CascadeInputs(**self._clips(), first_stage=shared)
        return cascade_seq2seq.run(inputs, self._cascade(name, steps), PrintedReport())

    def _cascade(self, name: str, steps: int) -> CascadeSeq2SeqParams:
        settings = {**self._settings(steps), **_CASCADES[name]}
        return CascadeSeq2SeqParams.model_validate(settings)

    def _settings(self, steps: int) -> dict[str, Any]:
        return {"budget": {"steps": steps}, "num_evaluations": _EVALUATIONS, "seed": self.seed}

    def _clips(self) -> dict[str, Any]:
        corpus = self.corpus
        return {
            "name": "drawn lips",
            "clips": corpus.training,
            "held_out": corpus.held_out,
            "unseen_speakers": corpus.unseen_speakers,
        }


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


def measure(options: argparse.Namespace, path: Path = RESULTS) -> None:
    """Runs the arms that the file lacks, seed by seed."""
    results = json.loads(path.read_text()) if path.exists() else {}
    settings = f"{options.clips} clips, {options.steps} steps"
    table = results.setdefault(settings, {})
    for seed in options.seeds:
        run = SeedRun(seed, options)
        rows = table.setdefault(str(seed), {})
        for name in options.arms:
            if name in rows:
                continue
            print(f"seed {seed}, {name}", flush=True)
            start = time.process_time()
            result = run.arm(name)
            rows[name] = entry(result, time.process_time() - start)
            rows["floors"] = _floors(run.corpus)
            results["machine"] = f"{platform.machine()}, torch {torch.__version__}"
            path.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")


def _floors(corpus: Corpus) -> dict[str, float]:
    sentences = corpus.held_out_sentences
    return {
        "without_tones": floor(sentences, tones=False),
        "with_tones": floor(sentences, tones=True),
    }


def main(measured: Callable[[argparse.Namespace], None] = measure) -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1500)
    parser.add_argument("--steps", type=int, default=1880, help="of a lip reader")
    parser.add_argument("--teacher-steps", type=int, default=1128)
    parser.add_argument("--later-steps", type=int, default=1128, help="of all later stages")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--arms", nargs="+", choices=ARMS, default=ARMS)
    torch.set_num_threads(1)
    measured(parser.parse_args())


if __name__ == "__main__":
    main()
