"""Trains a recognizer on the sound of clips."""

from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.speech.features import MelReader
from workers.torchkit.speech.inputs import ClipInputs, NoAudioError, ReaderResult
from workers.torchkit.speech.reader_training import ReaderTraining


def run(
    inputs: ClipInputs, params: SpeechRecognizerParams, report: TrainingReport
) -> ReaderResult:
    """The recognizer, measured on held-out clips after its last training step.

    Clips without sound are left out and counted.

    Raises:
        NoAudioError: No clip has sound.
        TooFewClipsError: Fewer clips with sound than a batch has.
        DivergedError: Losses stopped being finite.
    """
    clips = [clip for clip in inputs.clips if len(clip.mel)]
    if not clips:
        raise NoAudioError(
            "no clip has sound",
            remedy="choose clips with an audio track; lip readers without a teacher need none",
        )
    audible = ClipInputs(
        name=inputs.name,
        clips=tuple(clips),
        held_out=tuple(clip for clip in inputs.held_out if len(clip.mel)),
        unseen_speakers=tuple(clip for clip in inputs.unseen_speakers if len(clip.mel)),
        device=inputs.device,
        recipe=inputs.recipe,
    )
    task = ReaderTraining(audible, clips, MelReader(clips[0].mel.shape[1]), params)
    task.run(report)
    details = {"without_audio": len(inputs.clips) - len(clips), "clips": len(clips)}
    return task.result(audible, (), details)
