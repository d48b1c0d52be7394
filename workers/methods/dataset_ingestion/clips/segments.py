"""Parts of a long clip that a table names by their start and end."""

import re
from dataclasses import dataclass, replace

from workers.methods.dataset_ingestion.clips.texts import ClipText
from workers.torchkit.clip_reading.pictures import mel_picture
from workers.torchkit.clip_reading.problems import clip_problem
from workers.torchkit.clip_reading.reading import FEWEST_FRAMES, ClipReading

_CLOCK = re.compile(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:[.,]\d{1,6})?)")
_SECONDS_OF_A_MINUTE, _MINUTES_OF_AN_HOUR = 60, 60
_BEYOND_SECONDS = 0.5
_HOW = "write start and end in seconds, such as 12.5, or as minutes and seconds, such as 1:02.5"


@dataclass(frozen=True)
class ClipSpan:
    """A part of a clip in seconds from its start."""

    start: float
    end: float


def span_of(text: ClipText) -> ClipSpan | None:
    """The part of the clip that a text is about; None if it is about all of it.

    Raises:
        ClipProblemError: ``segment_times``: they are no times, or not in order.
    """
    if text.start is None or text.end is None:
        return None
    start, end = _seconds(text.start), _seconds(text.end)
    if start >= end:
        raise clip_problem("segment_times", f"{text.start} is not before {text.end}", _HOW)
    return ClipSpan(start, end)


def segment_name(clip: str, span: ClipSpan) -> str:
    """The name of a part of a clip, which sorts by its time."""
    return f"{clip}#{span.start:07.2f}-{span.end:07.2f}"


def cut(reading: ClipReading, span: ClipSpan) -> ClipReading:
    """The frames and the sound of a part; its times count from the start of the part.

    A frame belongs to the part in which its middle is.

    Raises:
        ClipProblemError: ``segment_outside``: the clip ends earlier; ``clip_too_short``.
    """
    if span.end > reading.seconds + _BEYOND_SECONDS:
        raise clip_problem(
            "segment_outside",
            f"it ends at {span.end:.2f} s, and the clip lasts {reading.seconds:.2f} s",
            "correct the times, or send the whole clip",
        )
    frames = (reading.crop_times >= span.start) & (reading.crop_times < span.end)
    sounds = (reading.mel_times >= span.start) & (reading.mel_times < span.end)
    count = int(frames.sum())
    if count < FEWEST_FRAMES:
        raise clip_problem(
            "clip_too_short",
            f"the part has {count} frames, {FEWEST_FRAMES} are needed",
            "give it a later end",
        )
    mel = reading.mel[sounds]
    return replace(
        reading,
        crops=reading.crops[frames],
        crop_times=reading.crop_times[frames] - span.start,
        mel=mel,
        mel_times=reading.mel_times[sounds] - span.start,
        seconds=span.end - span.start,
        mel_png=mel_picture(mel) if len(mel) else None,
    )


def _seconds(text: str) -> float:
    """Seconds of a number, or of hours, minutes and seconds with colons between them."""
    match = _CLOCK.fullmatch(text.strip())
    if match is None:
        raise clip_problem("segment_times", f"{text[:20]!r} is no time", _HOW)
    hours, minutes, seconds = match.groups()
    whole = int(hours or 0) * _MINUTES_OF_AN_HOUR + int(minutes or 0)
    return whole * _SECONDS_OF_A_MINUTE + float(seconds.replace(",", "."))
