"""A recognizer learns from sound, and resumes without a trace of the interruption."""

import pytest
import torch

from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from service.core.catalog.training import Budget
from tests.methods.small_clips import silent, small_clips
from workers.methods.speech_recognizer import run
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.speech.inputs import ClipInputs, NoAudioError, TooFewClipsError
from workers.torchkit.speech.readers import weights_digest


def params(steps: int = 30, **changes: object) -> SpeechRecognizerParams:
    return SpeechRecognizerParams.model_validate(
        {
            "budget": Budget(steps=steps),
            "batch_size": 8,
            "width": 16,
            "num_evaluations": 3,
            "checkpoint_interval_seconds": 0,
            **changes,
        }
    )


def inputs(count: int = 24) -> ClipInputs:
    return ClipInputs(name="recognizer", clips=small_clips(count), held_out=small_clips(8, seed=1))


def test_the_loss_falls_and_every_set_has_an_error_rate_with_its_interval() -> None:
    report = RecordingReporter()

    result = run(inputs(), params(60, learning_rate=1e-2), report)

    losses = [numbers["text_loss"] for _, numbers in report.measurements]
    assert losses[-1] < 0.9 * losses[0]
    low, rate, high = (result.quality[f"held_out_error{end}"] for end in ("_low", "", "_high"))
    assert low <= rate <= high
    assert set(result.errors) == {"held_out_error"}
    assert result.pictures["curve.png"].startswith(b"\x89PNG")


def test_a_resumed_training_ends_with_the_same_bits() -> None:
    report = RecordingReporter()
    whole = run(inputs(), params(), report)
    assert len(report.checkpoints) == 30

    for taken in (3, 13):
        resumed = run(inputs(), params(), RecordingReporter(start=report.checkpoints[taken]))

        assert weights_digest(resumed.reader.network) == weights_digest(whole.reader.network)
        assert resumed.history == whole.history


def test_clips_without_sound_are_left_out_and_counted() -> None:
    clips = (*small_clips(16), *silent(small_clips(4, seed=2)))

    result = run(
        ClipInputs(name="x", clips=clips, held_out=small_clips(4, seed=1)),
        params(3),
        RecordingReporter(),
    )

    assert result.details == {"without_audio": 4, "clips": 16}


def test_clips_without_any_sound_are_refused() -> None:
    with pytest.raises(NoAudioError):
        run(
            ClipInputs(name="x", clips=silent(small_clips(16)), held_out=()),
            params(3),
            RecordingReporter(),
        )


def test_fewer_clips_than_a_batch_are_refused_with_the_size_that_fits() -> None:
    with pytest.raises(TooFewClipsError) as refusal:
        run(inputs(10), params(3, batch_size=16), RecordingReporter())

    assert "batch_size to at most 10" in str(refusal.value.remedy)


def test_another_seed_draws_other_weights() -> None:
    first, other = (
        run(inputs(), params(2, seed=seed), RecordingReporter()).reader.network for seed in (0, 1)
    )

    assert not first.encoder.entry.weight.equal(other.encoder.entry.weight)
    assert torch.isfinite(other.encoder.entry.weight).all()
