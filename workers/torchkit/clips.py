"""A spoken clip as tensors: mouth crops, log-mel frames and its transcript."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Clip:
    """A clip as lip readers and speech recognizers take it.

    Attributes:
        crops: Gray mouth crops, uint8, ``[J, H, W]``.
        crop_times: Middle of each video frame in seconds since the clip's start, ``[J]``.
        mel: Log-mel frames, float32, ``[I, 80]``; ``I`` is 0 when the clip has no sound.
        mel_times: Middle of each mel frame in seconds since the clip's start, ``[I]``.
        transcript: The words of the clip in Unicode NFC, empty where none is known.
        pinyin: One syllable with its tone number per character, such as ``ni3``; None when absent.
        speaker: Who speaks, as the uploader names them; None when unknown.
    """

    crops: Tensor
    crop_times: Tensor
    mel: Tensor
    mel_times: Tensor
    transcript: str
    pinyin: tuple[str, ...] | None
    speaker: str | None
