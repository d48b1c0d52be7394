"""Speech by espeak-ng (``espeakng-loader``, GPL-3) with the time of every phoneme.

Only this benchmark uses the program: ``pip install espeakng-loader``.
"""

import ctypes
import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np

RATE = 22_050
_PHONEME_EVENTS, _PHONEME = 1, 7
_SYNCHRONOUS = 2
_UTF_8 = 1
_VOICE = "cmn-latn-pinyin"
_SPEED, _PITCH = 1, 3
_NO_SOUND = ("_", "|", ":")


class _PhonemeEvent(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("unique", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("name", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_PhonemeEvent)
)


@dataclass(frozen=True)
class Phoneme:
    """A phoneme and when it begins; pauses have an empty name."""

    name: str
    seconds: float


@dataclass(frozen=True)
class Utterance:
    """Sound at 22 050 samples per second, from -1 to 1, with its phonemes."""

    samples: np.ndarray
    phonemes: tuple[Phoneme, ...]

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.samples) / RATE


@dataclass(frozen=True)
class SpeechRequest:
    """Syllables and who speaks them: a variant such as ``f2`` or ``m3``, speed and pitch."""

    pinyin: tuple[str, ...]
    variant: str
    words_per_minute: int
    pitch: int


@cache
def _library() -> Any:
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    path = espeakng_loader.get_data_path().encode()
    if library.espeak_Initialize(_SYNCHRONOUS, 0, path, _PHONEME_EVENTS) != RATE:
        raise RuntimeError("espeak-ng does not start")
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))  # the program takes the time of day
    return library


def utterances(requests: Sequence[SpeechRequest]) -> list[Utterance]:
    """The requests spoken in order by a new process: espeak-ng keeps state from call to call."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(spoken, requests, chunksize=max(1, len(requests)))


def spoken(request: SpeechRequest) -> Utterance:
    """The syllables as one sentence."""
    library, sound, phonemes = _library(), [], []

    def take(samples: Any, count: int, events: Any) -> int:
        if count:
            sound.append(ctypes.string_at(samples, 2 * count))
        position = 0
        while events[position].type:
            event = events[position]
            if event.type == _PHONEME:
                phonemes.append(Phoneme(_name(event.name), event.audio_position / 1000))
            position += 1
        return 0

    callback = _Callback(take)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(f"{_VOICE}+{request.variant}".encode()) != 0:
        raise ValueError(f"espeak-ng has no voice {_VOICE}+{request.variant}")
    library.espeak_SetParameter(_SPEED, request.words_per_minute, 0)
    library.espeak_SetParameter(_PITCH, request.pitch, 0)
    text = " ".join(request.pinyin).encode()
    library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF_8, None, None)
    library.espeak_Synchronize()
    samples = np.frombuffer(b"".join(sound), np.int16).astype(np.float32) / 32_768
    return Utterance(samples, tuple(phonemes))


def _name(raw: bytes) -> str:
    """The phoneme without its stress; empty for a pause."""
    name = raw.decode("utf-8", "replace").strip("',")
    return "" if name.startswith(_NO_SOUND) else name
