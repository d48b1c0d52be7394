"""Clips of eight speakers, from a seed: 16 x 24 pixels, log-mel, characters and pinyin.

Six speakers are in the training clips; two are kept for clips of unseen speakers. A tone shows only as
a faint vertical shift of the lips, under drift and jitter of the same size.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from benchmarks.talking_mouth.language import Sentence, drawn_sentence, short_sentence
from benchmarks.talking_mouth.lips import Face, articulation, drawn_lips, smoothed
from benchmarks.talking_mouth.sound import at_mel_rate, log_mel, log_pitch, mel_times
from benchmarks.talking_mouth.speech import SpeechRequest, Utterance, utterances
from workers.torchkit.clips import Clip

_SHORT_SHARE = 0.35
_PARAMETER_NOISE, _PIXEL_NOISE = 0.03, 0.05
_SIGNAL_TO_NOISE = 10.0
# Pixels per unit of log-pitch at tone visibility 1: 0.35 of half the height for 20 %.
_TONE_PIXELS = 0.35 * 8 / 0.2
_DRIFT_PIXELS, _JITTER_PIXELS = 0.6, 0.25
TONE_VISIBILITY = 0.6


@dataclass(frozen=True)
class Voice:
    """A speaker: variant and pitch of the voice, the camera's frame rate, the face."""

    name: str
    variant: str
    pitch: int
    frame_rate: float
    face: Face


def _voice(name: str, variant: str, pitch: int, rate: float) -> Voice:
    chance = random.Random(name)
    offset = [chance.uniform(-0.06, 0.06) for _ in range(5)]
    face = Face(
        chance.uniform(0.15, 0.35),
        chance.uniform(0.85, 1.1),
        chance.uniform(0.55, 0.8),
        (offset[0], offset[1] / 3, offset[2], offset[3], offset[4]),
    )
    return Voice(name, variant, pitch, rate, face)


SPEAKERS = (
    _voice("f1", "f1", 55, 25.0),
    _voice("m1", "m1", 45, 25.0),
    _voice("f2", "f2", 50, 30.0),
    _voice("m3", "m3", 40, 25.0),
    _voice("f3", "f3", 60, 25.0),
    _voice("m4", "m4", 50, 30.0),
)
UNSEEN_SPEAKERS = (_voice("f4", "f4", 50, 25.0), _voice("m7", "m7", 45, 30.0))


@dataclass(frozen=True)
class Corpus:
    """Training clips, clips of held-out sentences, and clips of unseen speakers."""

    training: tuple[Clip, ...]
    held_out: tuple[Clip, ...]
    unseen_speakers: tuple[Clip, ...]
    held_out_sentences: tuple[Sentence, ...]


def talking_corpus(
    training: int,
    held_out: int,
    unseen: int,
    *,
    seed: int = 0,
    tone_visibility: float = TONE_VISIBILITY,
) -> Corpus:
    """The corpus of a seed; 35 % of the training sentences are short."""
    sentences = [
        [
            _training_sentence(random.Random(f"{seed} train {number}"))
            for number in range(training)
        ],
        [drawn_sentence(random.Random(f"{seed} held {number}")) for number in range(held_out)],
        [drawn_sentence(random.Random(f"{seed} unseen {number}")) for number in range(unseen)],
    ]
    voices = (SPEAKERS, SPEAKERS, UNSEEN_SPEAKERS)
    casts = [
        [of[number % len(of)] for number in range(len(drawn))]
        for drawn, of in zip(sentences, voices, strict=True)
    ]
    speech = iter(_speech(sentences, casts, seed))
    parts = [
        tuple(
            rendered(
                sentence,
                voice,
                next(speech),
                chance=np.random.default_rng([seed, part, number]),
                tone_visibility=tone_visibility,
            )
            for number, (sentence, voice) in enumerate(zip(drawn, cast, strict=True))
        )
        for part, (drawn, cast) in enumerate(zip(sentences, casts, strict=True))
    ]
    return Corpus(parts[0], parts[1], parts[2], tuple(sentences[1]))


def _speech(
    sentences: Sequence[Sequence[Sentence]], casts: Sequence[Sequence[Voice]], seed: int
) -> list[Utterance]:
    """Every sentence spoken by its voice at a drawn speed, from 150 to 200 words per minute."""
    chance = random.Random(f"{seed} speed")
    return utterances(
        [
            SpeechRequest(sentence.pinyin, voice.variant, chance.randint(150, 200), voice.pitch)
            for drawn, cast in zip(sentences, casts, strict=True)
            for sentence, voice in zip(drawn, cast, strict=True)
        ]
    )


def _training_sentence(chance: random.Random) -> Sentence:
    make: Callable[[random.Random], Sentence] = (
        short_sentence if chance.random() < _SHORT_SHARE else drawn_sentence
    )
    return make(chance)


def rendered(
    sentence: Sentence,
    voice: Voice,
    utterance: Utterance,
    *,
    chance: np.random.Generator,
    tone_visibility: float,
) -> Clip:
    """The clip of a spoken sentence."""
    times = (np.arange(max(1, int(utterance.seconds * voice.frame_rate))) + 0.5) / voice.frame_rate
    parameters = articulation(utterance.phonemes, times)
    parameters += chance.normal(0, _PARAMETER_NOISE, parameters.shape)
    shifts = _drift(len(times), chance)
    pitch_times, pitch = log_pitch(utterance.samples)
    height = np.interp(times, pitch_times, pitch - np.median(pitch))
    shifts[:, 1] -= tone_visibility * _TONE_PIXELS * height.clip(-0.3, 0.3)
    picture = drawn_lips(parameters, shifts, voice.face)
    picture += chance.normal(0, _PIXEL_NOISE, picture.shape)
    mel = log_mel(_noisy(at_mel_rate(utterance.samples), chance))
    return Clip(
        crops=torch.from_numpy((255 * picture.clip(0, 1)).round().astype(np.uint8)),
        crop_times=torch.from_numpy(times.astype(np.float32)),
        mel=torch.from_numpy(mel.astype(np.float32)),
        mel_times=torch.from_numpy(mel_times(len(mel)).astype(np.float32)),
        transcript=sentence.text,
        pinyin=sentence.pinyin,
        speaker=voice.name,
    )


def _drift(frames: int, chance: np.random.Generator) -> np.ndarray:
    """Slow and fast movements of the head in pixels (frame, 2)."""
    steps = smoothed(np.cumsum(chance.normal(0, 1, (frames + 1, 2)), axis=0), 6.0)[1:]
    spread = steps.std(0).clip(1e-6)
    slow = _DRIFT_PIXELS * (steps - steps.mean(0)) / spread
    return slow + chance.normal(0, _JITTER_PIXELS, slow.shape)


def _noisy(samples: np.ndarray, chance: np.random.Generator) -> np.ndarray:
    level = np.sqrt((samples**2).mean()) * 10 ** (-_SIGNAL_TO_NOISE / 20)
    return samples + chance.normal(0, level, samples.shape)
