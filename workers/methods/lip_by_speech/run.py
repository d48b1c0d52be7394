"""Trains a lip reader on the pictures of clips, with a frozen recognizer of their sound."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch

from service.core.catalog.lip_by_speech import LipBySpeechParams
from service.core.errors import MethodError
from workers.methods.lip_by_speech.levels import SpeechLevels
from workers.methods.lip_by_speech.teacher_features import TeacherClip, teacher_clips
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.features import CropReader
from workers.torchkit.speech.inputs import HELD_OUT, ClipInputs, NoAudioError, ReaderResult
from workers.torchkit.speech.quality import interval
from workers.torchkit.speech.reader_training import ReaderTraining
from workers.torchkit.speech.readers import Reader, clip_features, weights_digest
from workers.torchkit.training.task import TeacherChangedError

_BETTER = 0.5


class NoTeacherError(MethodError):
    """A level is on and there is no recognizer to learn from."""

    code = "no_teacher"


@dataclass(frozen=True, kw_only=True)
class LipInputs(ClipInputs):
    """Clips, and the recognizer of their sound; None only if all weights are 0."""

    teacher: Reader | None = None


def run(inputs: LipInputs, params: LipBySpeechParams, report: TrainingReport) -> ReaderResult:
    """The lip reader, measured on held-out clips after its last training step.

    Clips without sound teach by their text alone. With all weights 0 the lip reader learns alone.

    Raises:
        NoAudioError: A level is on and no clip has sound.
        NoTeacherError: A level is on and there is no recognizer.
        TeacherChangedError: The recognizer's weights moved.
        TooFewClipsError: There are fewer clips than a batch has.
        DivergedError: Losses stopped being finite.
    """
    clips = inputs.clips
    features = CropReader.fitted(clips, rate=params.frame_rate, components=params.components)
    task = ReaderTraining(inputs, clips, features, params)
    if not params.weights.any:
        task.run(report)
        return task.result(inputs, (), {"clips": len(clips), "levels": "student alone"})
    teacher = _frozen(inputs)
    digest = weights_digest(teacher.network)
    read = teacher_clips(teacher, clips, params)
    levels = SpeechLevels(
        params,
        read,
        sequences=task.sequences,
        texts=[task.reader.vocabulary.numbers(clip.transcript) for clip in clips],
        network=task.reader.network,
    )
    task.add_losses(levels)
    task.run(report)
    if weights_digest(teacher.network) != digest:
        raise TeacherChangedError("the recognizer's weights changed during training")
    result = task.result(inputs, (), _details(read, levels))
    return _with_warnings(result, teacher, inputs)


def _frozen(inputs: LipInputs) -> Reader:
    """The teacher on the device, without gradients."""
    if inputs.teacher is None:
        raise NoTeacherError(
            "a feature level is on and there is no recognizer to learn from",
            remedy="give a model made by speech_recognizer as teacher, or set all weights to 0",
        )
    if not any(len(clip.mel) for clip in inputs.clips):
        raise NoAudioError(
            "no clip has sound; sequence, context and frame level need it",
            remedy="choose clips with an audio track, or set all weights to 0",
        )
    network = inputs.teacher.network.to(inputs.device)
    network.requires_grad_(requires_grad=False).zero_grad(set_to_none=True)
    return inputs.teacher


def _details(read: list[TeacherClip | None], levels: SpeechLevels) -> dict[str, object]:
    audible = [clip for clip in read if clip is not None]
    scales = levels.scales
    return {
        "clips": len(read),
        "without_audio": len(read) - len(audible),
        "teacher_error_in_training": sum(clip.error for clip in audible) / len(audible),
        "variances": {
            "sequence": scales.sequence,
            "context": scales.context,
            "frame": scales.frame,
        },
        **levels.numbers(),
    }


def _with_warnings(result: ReaderResult, teacher: Reader, inputs: LipInputs) -> ReaderResult:
    """The result with the teacher's errors on the same held-out clips."""
    audible = [clip for clip in inputs.held_out if len(clip.mel)]
    if not audible:
        return result
    texts = [clip.transcript for clip in audible]
    counts = teacher.errors(clip_features(teacher.features, audible), texts)
    own = result.errors[f"{HELD_OUT}_error"]
    audible_rows = torch.tensor([len(clip.mel) > 0 for clip in inputs.held_out])
    student = ErrorCounts(own.errors[audible_rows], own.lengths[audible_rows])
    lead = interval(f"{HELD_OUT}_lead_over_teacher", counts.difference(student))
    teacher_rate = {f"{HELD_OUT}_teacher_error": counts.rate()}
    return replace(
        result,
        quality={**result.quality, **teacher_rate, **lead},
        warnings=(*result.warnings, *teacher_warnings(counts, student)),
    )


def teacher_warnings(teacher: ErrorCounts, student: ErrorCounts) -> tuple[Mapping[str, str], ...]:
    """A warning if the teacher makes more than half as many errors as the student."""
    if teacher.rate() <= _BETTER * student.rate():
        return ()
    return (
        {
            "code": "teacher_not_better",
            "detail": (
                f"on held-out clips the recognizer has an error rate of {teacher.rate():.1%},"
                f" the lip reader {student.rate():.1%}"
            ),
            "remedy": "train the recognizer longer, or on more clips, before it teaches",
        },
    )
