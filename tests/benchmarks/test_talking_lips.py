"""The corpus of drawn lips repeats from its seed, and its parts are what they claim to be."""

import random
from argparse import Namespace

import numpy as np
import pytest

from benchmarks.talking_mouth.arms import SeedRun
from benchmarks.talking_mouth.corpus import SPEAKERS, UNSEEN_SPEAKERS, Corpus, talking_corpus
from benchmarks.talking_mouth.language import (
    OBJECTS,
    SUBJECTS,
    TIMES,
    VERBS,
    drawn_sentence,
    floor,
)
from benchmarks.talking_mouth.lips import SHAPE_OF
from benchmarks.talking_mouth.sound import log_mel, log_pitch
from benchmarks.talking_mouth.speech import SpeechRequest, spoken
from tests.methods.small_clips import small_clips

WORDS = SUBJECTS + TIMES + VERBS + OBJECTS


def test_the_mel_bands_give_the_golden_numbers() -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(16_000) / 16_000)

    mel = log_mel(tone, 40)

    assert mel.shape == (98, 40)
    assert mel[0].argmax() == 6
    assert mel[0, 6] == pytest.approx(9.5378, abs=5e-5)
    assert log_mel(np.zeros(16_000), 40) == pytest.approx(-13.8155, abs=5e-5)


def test_every_word_has_a_syllable_with_a_tone_per_character() -> None:
    for word in WORDS:
        assert len(word.text) == len(word.pinyin)
        assert all(syllable[-1] in "12345" for syllable in word.pinyin)


def test_tones_decide_a_fifth_of_the_characters() -> None:
    chance = random.Random(0)
    sentences = [drawn_sentence(chance) for _ in range(1000)]

    assert floor(sentences, tones=False) == pytest.approx(0.20, abs=0.03)
    assert floor(sentences, tones=True) < 0.03


def test_every_phoneme_of_the_language_has_a_shape() -> None:
    pytest.importorskip("espeakng_loader", reason="pip install espeakng-loader")

    for word in WORDS:
        utterance = spoken(SpeechRequest(word.pinyin, "f1", 170, 50))
        assert {phoneme.name for phoneme in utterance.phonemes} <= SHAPE_OF.keys()


def test_a_high_tone_sounds_higher_than_a_neutral_tone() -> None:
    pytest.importorskip("espeakng_loader", reason="pip install espeakng-loader")

    pitches = [
        np.median(log_pitch(spoken(SpeechRequest((syllable,), "m1", 150, 45)).samples)[1])
        for syllable in ("ma1", "ma5")
    ]

    assert pitches[0] - pitches[1] > 0.1


def test_the_corpus_repeats_from_its_seed_and_keeps_speakers_apart() -> None:
    pytest.importorskip("espeakng_loader", reason="pip install espeakng-loader")

    first, again, other = (talking_corpus(12, 6, 4, seed=seed) for seed in (0, 0, 1))

    for clip, same in zip(first.training, again.training, strict=True):
        assert clip.transcript == same.transcript
        assert clip.crops.equal(same.crops)
        assert clip.mel.equal(same.mel)
    assert not all(
        clip.transcript == changed.transcript
        for clip, changed in zip(first.training, other.training, strict=True)
    )
    assert {clip.speaker for clip in first.training} == {voice.name for voice in SPEAKERS}
    assert {clip.speaker for clip in first.unseen_speakers} == {
        voice.name for voice in UNSEEN_SPEAKERS
    }


def test_clips_have_sound_and_picture_at_different_rates() -> None:
    pytest.importorskip("espeakng_loader", reason="pip install espeakng-loader")

    clips = talking_corpus(6, 1, 1).training

    for clip in clips:
        assert clip.crops.shape == (len(clip.crop_times), 16, 24)
        assert clip.mel.shape == (len(clip.mel_times), 80)
        assert clip.pinyin is not None
        assert len(clip.pinyin) == len(clip.transcript)
    rates = {round(1 / float(clip.crop_times[1] - clip.crop_times[0])) for clip in clips}
    assert rates == {25, 30}


def test_the_cascades_of_a_seed_share_a_first_stage_that_learned_all_steps() -> None:
    run = SeedRun(0, Namespace(steps=3, later_steps=4))
    run.__dict__["corpus"] = Corpus(
        training=small_clips(32),
        held_out=small_clips(4, seed=1),
        unseen_speakers=(),
        held_out_sentences=(),
    )

    first = run.first_stage
    result = run.arm("without_tones")

    assert (first.stage, result.details["shared_first_stage"]) == ("pinyin", True)
    assert "held_out_character_given_pinyin_error" in result.errors
