"""Features follow time stamps, keep clips apart from their speakers, and fill their last group."""

import itertools
from dataclasses import replace

import pytest
import torch

from service.core.catalog.speech_training import SpeechTrainingConfig
from tests.methods.small_clips import drawn_clip, silent, small_clips
from workers.torchkit.speech.features import (
    CropReader,
    FeatureBatch,
    MelReader,
    principal_axes,
    principal_axes_of_samples,
    resampled_frames,
    slopes,
    stacked,
    standardized,
)
from workers.torchkit.speech.schedule import admitted_clips, drawn_clips, sampling_rate

CLIPS = small_clips(8)


def config(**changes: object) -> SpeechTrainingConfig:
    return SpeechTrainingConfig.model_validate({"batch_size": 8, **changes})


def test_the_last_frame_fills_the_last_group() -> None:
    groups = stacked(torch.tensor([[1.0], [2.0], [3.0]]), 2)

    assert groups.tolist() == [[1, 2], [3, 3]]


def test_standardized_features_have_mean_0_and_deviation_1_or_are_0() -> None:
    values = standardized(torch.tensor([[1.0, 5.0], [3.0, 5.0]]))

    assert values.tolist() == [[-1, 0], [1, 0]]


def test_slopes_are_half_the_difference_of_the_neighbors() -> None:
    assert slopes(torch.tensor([[0.0], [2.0], [6.0]])).tolist() == [[1], [3], [2]]


@pytest.mark.parametrize(("rate", "frames"), [(30.0, 30), (25.0, 25), (50.0, 50)])
def test_pictures_are_taken_at_one_rate_by_their_times(rate: float, frames: int) -> None:
    times = (torch.arange(frames) + 0.5) / rate

    indices, samples = resampled_frames(times, 25.0)

    assert 24 <= len(samples) <= 25
    nearest = [int((times - time).abs().argmin()) for time in samples]
    assert (times[indices] - samples).abs().max() <= (times[nearest] - samples).abs().max() + 1e-6


def test_frames_at_changing_intervals_are_found_by_their_times() -> None:
    times = torch.tensor([0.0, 0.01, 0.02, 0.30])

    indices, _ = resampled_frames(times, 10.0)

    assert indices.tolist() == [0, 2, 3, 3]


def test_a_single_frame_is_a_single_sample() -> None:
    assert resampled_frames(torch.tensor([0.2]), 25.0)[0].tolist() == [0]


def test_a_brighter_speaker_has_the_same_features() -> None:
    reader = CropReader.fitted(CLIPS, rate=25.0, components=6)
    brighter = replace(CLIPS[0], crops=CLIPS[0].crops.clamp(max=200) + 20)
    same = replace(CLIPS[0], crops=CLIPS[0].crops.clamp(max=200))

    torch.testing.assert_close(
        reader.features(brighter).values, reader.features(same).values, rtol=0, atol=1e-3
    )


def test_crops_of_another_size_are_scaled_to_that_of_the_first() -> None:
    reader = CropReader.fitted(CLIPS, rate=25.0, components=6)
    larger = replace(
        CLIPS[0], crops=CLIPS[0].crops.repeat_interleave(2, 1).repeat_interleave(2, 2)
    )

    values = reader.features(larger).values

    assert values.shape == reader.features(CLIPS[0]).values.shape


def test_components_explain_the_pictures_best() -> None:
    reader = CropReader.fitted(CLIPS, rate=25.0, components=6)

    gram = reader.components.T @ reader.components
    torch.testing.assert_close(gram, torch.eye(6), rtol=0, atol=1e-4)
    assert reader.spreads.tolist() == sorted(reader.spreads.tolist(), reverse=True)


def test_sound_and_picture_have_times_of_their_own() -> None:
    clip = drawn_clip("买书", 3)

    mel = MelReader(80).features(clip)
    crops = CropReader.fitted(CLIPS, rate=25.0, components=6).features(clip)

    assert len(mel.values) == len(mel.times) == 11
    assert len(crops.values) == len(crops.times) == 5
    assert float(mel.times[0]) == pytest.approx(0.0275)
    assert float(crops.times[0]) == pytest.approx(0.04)


def test_a_silent_clip_has_no_frames_of_sound() -> None:
    sequence = MelReader(80).features(silent(CLIPS[:1])[0])

    assert sequence.values.shape == (0, 320)


def test_batches_are_padded_with_0() -> None:
    reader = MelReader(80)
    batch = FeatureBatch.of([reader.features(clip) for clip in CLIPS], torch.device("cpu"))

    for row, length in enumerate(batch.lengths.tolist()):
        assert batch.values[row, length:].eq(0).all()


def test_short_clips_come_first_and_all_after_the_curriculum() -> None:
    settings = config(curriculum_fraction=0.2, shortest_fraction=0.35)

    assert [admitted_clips(100, progress, settings) for progress in (0.0, 0.1, 0.2, 1.0)] == [
        35,
        68,
        100,
        100,
    ]
    assert admitted_clips(100, 0.0, config(curriculum_fraction=0)) == 100
    assert admitted_clips(10, 0.0, settings) == 8


def test_a_batch_has_different_clips_of_the_shortest() -> None:
    order = list(range(100, 200))

    drawn = drawn_clips(order, 0.0, config(), torch.Generator().manual_seed(0))

    assert len(set(drawn.tolist())) == 8
    assert max(drawn.tolist()) < 135


def test_own_tokens_become_more_frequent_until_60_percent() -> None:
    rates = [sampling_rate(progress, config(sampling=0.2)) for progress in (0.0, 0.3, 0.6, 1.0)]

    assert rates == pytest.approx([0, 0.1, 0.2, 0.2])


def test_axes_of_few_frames_are_those_of_the_covariance() -> None:
    frames = torch.randn(12, 7, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 8)

    variances, axes = principal_axes([frames[:5], frames[5:]], 7)
    sampled, sampled_axes = principal_axes_of_samples([frames[:5], frames[5:]])

    torch.testing.assert_close(sampled, variances)
    torch.testing.assert_close((sampled_axes * axes).sum(0).abs(), torch.ones(7).double())


def test_of_many_frames_an_even_choice_counts() -> None:
    frames = torch.randn(5000, 3, generator=torch.Generator().manual_seed(0))

    sampled, _ = principal_axes_of_samples(frames.split(7))

    variances, _ = principal_axes([frames[::4]], 3)
    torch.testing.assert_close(sampled, variances)


def test_frames_that_are_all_alike_have_no_axes() -> None:
    variances, axes = principal_axes_of_samples([torch.zeros(4, 3)])

    assert (variances.shape, axes.shape) == ((0,), (3, 0))


def test_the_motion_of_lips_is_the_mean_change_in_gray_levels() -> None:
    features = CropReader.fitted(CLIPS, rate=25.0, components=4)
    crops = resampled_frames(CLIPS[0].crop_times, 25.0)[0]
    frames = [CLIPS[0].crops[frame].tolist() for frame in crops]
    changes = [
        abs(new - old)
        for before, after in itertools.pairwise(frames)
        for olds, news in zip(before, after, strict=True)
        for old, new in zip(olds, news, strict=True)
    ]

    assert features.motion(CLIPS[0]) == pytest.approx(sum(changes) / len(changes), rel=1e-4)


def test_still_lips_move_less_than_all_that_was_learned_from() -> None:
    features = CropReader.fitted(CLIPS, rate=25.0, components=4)
    still = replace(CLIPS[0], crops=CLIPS[0].crops[:1].expand_as(CLIPS[0].crops))

    assert features.motion(still) == 0 < features.least_motion
    assert sum(features.motion(clip) < features.least_motion for clip in CLIPS) <= 1
