"""A lip reader learns from a frozen recognizer, each level by itself, and resumes bit for bit."""

from collections.abc import Mapping

import pytest
import torch

from service.core.catalog.lip_by_speech import (
    FrameAlignment,
    LipBySpeechParams,
    PairFilter,
)
from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from service.core.catalog.training import Budget
from tests.methods.small_clips import drawn_clip, silent, small_clips
from workers.methods import lip_by_speech, speech_recognizer
from workers.methods.lip_by_speech.levels import SpeechLevels
from workers.methods.lip_by_speech.run import LipInputs, NoTeacherError, teacher_warnings
from workers.methods.lip_by_speech.teacher_features import (
    compared_pairs,
    context_weight,
    feature_scales,
    teacher_clips,
)
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.features import CropReader, FeatureBatch
from workers.torchkit.speech.inputs import ClipInputs, NoAudioError, ReaderResult
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.readers import Reader, clip_features, weights_digest
from workers.torchkit.speech.seq2seq import Seq2Seq, drawn_weights
from workers.torchkit.speech.texts import TextBatch

CLIPS, HELD_OUT = small_clips(24), small_clips(8, seed=1)
ALONE = {"sequence": 0.0, "context": 0.0, "frame": 0.0}


def settings(steps: int, **changes: object) -> dict[str, object]:
    return {
        "budget": Budget(steps=steps),
        "batch_size": 8,
        "width": 12,
        "num_evaluations": 1,
        "components": 8,
        "checkpoint_interval_seconds": 0,
        **changes,
    }


@pytest.fixture(scope="module")
def teacher() -> Reader:
    shared = settings(60, learning_rate=1e-2, width=16)
    shared.pop("components")
    inputs = ClipInputs(name="recognizer", clips=CLIPS, held_out=HELD_OUT)
    params = SpeechRecognizerParams.model_validate(shared)
    return speech_recognizer.run(inputs, params, RecordingReporter()).reader


def trained(
    teacher: Reader | None,
    steps: int = 4,
    report: RecordingReporter | None = None,
    **changes: object,
) -> ReaderResult:
    inputs = LipInputs(name="lips", clips=CLIPS, held_out=HELD_OUT, teacher=teacher)
    params = LipBySpeechParams.model_validate(settings(steps, **changes))
    return lip_by_speech.run(inputs, params, report or RecordingReporter())


def test_the_teacher_stays_as_it_was_and_the_details_name_the_scales(teacher: Reader) -> None:
    before = weights_digest(teacher.network)

    result = trained(teacher)

    assert weights_digest(teacher.network) == before
    assert all(parameter.grad is None for parameter in teacher.network.parameters())
    assert set(result.details["variances"]) == {"sequence", "context", "frame"}
    assert 0 < result.details["filtered_share"] <= 1
    assert result.pictures["alignment.png"].startswith(b"\x89PNG")


def test_without_levels_the_lip_reader_learns_alone_whatever_the_teacher(teacher: Reader) -> None:
    alone, beside = (trained(recognizer, weights=ALONE) for recognizer in (None, teacher))

    assert weights_digest(alone.reader.network) == weights_digest(beside.reader.network)


@pytest.mark.parametrize("level", ["sequence", "context", "frame"])
def test_each_weight_adds_its_own_loss_alone(teacher: Reader, level: str) -> None:
    report = RecordingReporter()

    trained(teacher, report=report, weights={**ALONE, level: 1.0})

    losses = {name for name in report.measurements[0][1] if name.endswith("_loss")}
    assert losses == {"text_loss", f"{level}_loss"}


@pytest.mark.parametrize(
    ("align", "pair_filter"),
    [
        (FrameAlignment.LEARNED, PairFilter.LCS),
        (FrameAlignment.CROSS_ATTENTION, PairFilter.LCS_SOFT),
    ],
)
def test_a_resumed_training_ends_with_the_same_bits(
    teacher: Reader, align: FrameAlignment, pair_filter: PairFilter
) -> None:
    report = RecordingReporter()
    whole = trained(teacher, 4, report, align=align, filter=pair_filter)

    resumed = trained(
        teacher, 4, RecordingReporter(start=report.checkpoints[1]), align=align, filter=pair_filter
    )

    assert weights_digest(resumed.reader.network) == weights_digest(whole.reader.network)


def level_losses(
    teacher: Reader, **changes: object
) -> tuple[SpeechLevels, Mapping[str, torch.Tensor], Seq2Seq]:
    params = LipBySpeechParams.model_validate(settings(1, **changes))
    features = CropReader.fitted(CLIPS, rate=25.0, components=8)
    sequences = clip_features(features, CLIPS)
    texts = [teacher.vocabulary.numbers(clip.transcript) for clip in CLIPS]
    network = Seq2Seq(features.size, len(teacher.vocabulary), NetworkSize(12))
    drawn_weights(network, torch.Generator().manual_seed(0))
    levels = SpeechLevels(
        params,
        teacher_clips(teacher, CLIPS, params),
        sequences=sequences,
        texts=texts,
        network=network,
    )
    reading = network.forced(
        FeatureBatch.of(sequences[:5], torch.device("cpu")),
        TextBatch.of(texts[:5], torch.device("cpu")),
    )
    return levels, levels.losses(reading, torch.arange(5)), network


@pytest.mark.parametrize("align", list(FrameAlignment))
def test_gradients_reach_every_map_and_the_student(teacher: Reader, align: FrameAlignment) -> None:
    levels, losses, network = level_losses(teacher, align=align)

    torch.stack(list(losses.values())).sum().backward()

    maps = dict(levels.maps.named_parameters())
    if align is FrameAlignment.CROSS_ATTENTION:
        maps.pop("bilinear.weight")
    for parameter in [*maps.values(), network.encoder.entry.weight]:
        assert parameter.grad is not None
        assert parameter.grad.abs().sum() > 0


def test_weights_scale_their_own_loss(teacher: Reader) -> None:
    _, single, _ = level_losses(teacher)
    _, triple, _ = level_losses(teacher, weights={"sequence": 1, "context": 3, "frame": 1})

    torch.testing.assert_close(triple["context"], 3 * single["context"])
    for level in ("sequence", "frame"):
        torch.testing.assert_close(triple[level], single[level])


def test_losses_of_a_batch_are_means_of_the_clips_alone(teacher: Reader) -> None:
    params = LipBySpeechParams.model_validate(settings(1))
    features = CropReader.fitted(CLIPS, rate=25.0, components=8)
    sequences = clip_features(features, CLIPS)
    texts = [teacher.vocabulary.numbers(clip.transcript) for clip in CLIPS]
    network = Seq2Seq(features.size, len(teacher.vocabulary), NetworkSize(12))
    levels = SpeechLevels(
        params,
        teacher_clips(teacher, CLIPS, params),
        sequences=sequences,
        texts=texts,
        network=network,
    )
    cpu = torch.device("cpu")

    def losses(clips: list[int]) -> Mapping[str, torch.Tensor]:
        reading = network.forced(
            FeatureBatch.of([sequences[clip] for clip in clips], cpu),
            TextBatch.of([texts[clip] for clip in clips], cpu),
        )
        return levels.losses(reading, torch.tensor(clips))

    together, alone = losses([0, 1, 2, 3]), [losses([clip]) for clip in range(4)]

    for level in ("sequence", "frame"):
        mean = torch.stack([part[level] for part in alone]).mean()
        torch.testing.assert_close(together[level], mean, rtol=0, atol=1e-5)


def test_clips_without_sound_teach_by_their_text_alone(teacher: Reader) -> None:
    clips = (*CLIPS, *silent(small_clips(8, seed=3)))
    inputs = LipInputs(name="lips", clips=clips, held_out=HELD_OUT, teacher=teacher)

    result = lip_by_speech.run(
        inputs, LipBySpeechParams.model_validate(settings(2)), RecordingReporter()
    )

    assert result.details["without_audio"] == 8


def test_levels_need_sound_and_a_teacher(teacher: Reader) -> None:
    params = LipBySpeechParams.model_validate(settings(2))
    mute = LipInputs(name="lips", clips=silent(CLIPS), held_out=(), teacher=teacher)

    with pytest.raises(NoAudioError):
        lip_by_speech.run(mute, params, RecordingReporter())
    with pytest.raises(NoTeacherError):
        trained(None)


def test_a_teacher_that_is_always_wrong_adds_no_context_loss_and_no_nan(teacher: Reader) -> None:
    strangers = tuple(drawn_clip("鱼" * len(clip.transcript), 1) for clip in CLIPS[:8])
    params = LipBySpeechParams.model_validate(settings(1, largest_error=0.0))
    read = teacher_clips(teacher, strangers, params)

    weights = [
        context_weight(clip.error, compared_pairs("看", "砍", PairFilter.LCS), params)
        for clip in read
        if clip is not None
    ]

    assert weights == [0.0] * 8
    scales = feature_scales([clip for clip in read if clip is not None])
    assert scales.context > 0


def test_filters_pair_and_weigh_as_they_say() -> None:
    transcript, text = "今天买书", tuple("今天卖书树")

    assert compared_pairs(transcript, text, PairFilter.LCS) == [(0, 0), (1, 1), (3, 3)]
    assert compared_pairs(transcript, text, PairFilter.NONE) == [(i, i) for i in range(4)]
    by_filter = {
        pair_filter: context_weight(
            0.75, [(0, 0)], LipBySpeechParams.model_validate({"filter": pair_filter})
        )
        for pair_filter in PairFilter
    }
    assert by_filter[PairFilter.LCS] == 0
    assert by_filter[PairFilter.LCS_SOFT] == pytest.approx(0.4724, abs=1e-4)
    assert by_filter[PairFilter.NONE] == 1


def test_a_teacher_without_half_the_errors_is_warned_of() -> None:
    student = ErrorCounts.of(["abcd"] * 4, ["abxx"] * 4)
    good, poor = (ErrorCounts.of(["abcd"] * 4, [text] * 4) for text in ("abcx", "abxx"))

    assert teacher_warnings(good, student) == ()
    assert [warning["code"] for warning in teacher_warnings(poor, student)] == [
        "teacher_not_better"
    ]
