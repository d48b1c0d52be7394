"""The arms of a seed, and what they share: corpus, first weights, teacher and first stage."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from benchmarks.talking_mouth.corpus import Corpus, talking_corpus
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

_CONTEXT = {"sequence": 0, "context": 1, "frame": 0}
_FRAME = {"sequence": 0, "context": 0, "frame": 1}
LIPS: Mapping[str, Mapping[str, Any]] = {
    "alone": {"weights": {"sequence": 0, "context": 0, "frame": 0}},
    "all": {"weights": {"sequence": 1, "context": 1, "frame": 1}},
    "context": {"weights": _CONTEXT},
    "sequence": {"weights": {"sequence": 1, "context": 0, "frame": 0}},
    "frame": {"weights": _FRAME},
    "soft_filter": {"weights": _CONTEXT, "filter": "lcs_soft"},
    "no_filter": {"weights": _CONTEXT, "filter": "none"},
    "attention": {"weights": _FRAME, "align": "cross_attention"},
}
# Later stages of a long arm take twice as many steps: all that are added are joint ones.
_LONG = 2
CASCADE_ARMS: Mapping[str, Mapping[str, Any]] = {
    "one_stage": {"stages": CASCADES[0]},
    "one_stage_longer": {"stages": CASCADES[0]},
    "without_tones": {"stages": CASCADES[1]},
    "with_tones": {"stages": CASCADES[2]},
    "hidden_tones": {"stages": CASCADES[2], "tone_dropout": 0.3},
    "without_tones_long": {"stages": CASCADES[1], "joint_share": 46.0},
    "with_tones_long": {"stages": CASCADES[2], "joint_share": 52.0},
}
ARMS = ("teacher", *LIPS, *CASCADE_ARMS)
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
        clips, visibility = self.options.clips, self.options.tone_visibility
        return talking_corpus(
            clips, clips // 5, clips // 10, seed=self.seed, tone_visibility=visibility
        )

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
        if name in LIPS:
            settings = {**self._settings(self.options.steps), **LIPS[name]}
            teacher = None if name == "alone" else self.taught[0]
            return lip_by_speech.run(
                LipInputs(**self._clips(), teacher=teacher),
                LipBySpeechParams.model_validate(settings),
                PrintedReport(),
            )
        return self._cascade_result(name)

    def _cascade_result(self, name: str) -> SpeechTrainingResult:
        shared = None if name.startswith("one_stage") else self.first_stage
        steps = self._cascade_steps(name)
        inputs = CascadeInputs(**self._clips(), first_stage=shared)
        return cascade_seq2seq.run(inputs, self._cascade(name, steps), PrintedReport())

    def _cascade_steps(self, name: str) -> int:
        """Of one stage, or of all that follow the shared first one."""
        steps, later = int(self.options.steps), int(self.options.later_steps)
        if name == "one_stage":
            return steps
        if name == "one_stage_longer":
            return steps + later
        return _LONG * later if name.endswith("_long") else later

    def _cascade(self, name: str, steps: int) -> CascadeSeq2SeqParams:
        settings = {**self._settings(steps), **CASCADE_ARMS[name]}
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
