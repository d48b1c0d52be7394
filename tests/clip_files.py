"""Small clips with sound, encoded with PyAV from drawn faces and tones."""

import io
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

av = pytest.importorskip("av", reason="the extra `clips` is not installed")

WIDTH, HEIGHT, RATE = 192, 144, 25
SAMPLE_RATE = 16_000
CODECS = {
    "mp4": ("libx264", "aac"),
    "mov": ("libx264", "aac"),
    "mpeg": ("mpeg1video", "mp2"),
    "webm": ("libvpx", "libopus"),
    "matroska": ("ffv1", "pcm_s16le"),
    "avi": ("mpeg4", "mp2"),
    "gif": ("gif", None),
}
Draw = Callable[[int], np.ndarray]


def drawn_face(
    opening: float = 0.3,
    *,
    size: tuple[int, int] = (WIDTH, HEIGHT),
    center: tuple[float, float] = (0.5, 0.5),
    side: float = 100,
) -> Image.Image:
    """A face that the cascade finds; its lips open from 0 to 1."""
    picture = Image.new("L", size, 90)
    pen = ImageDraw.Draw(picture)
    x, y = center[0] * size[0], center[1] * size[1]

    def oval(across: float, down: float, wide: float, high: float, shade: int) -> None:
        left, top = x + (across - wide) * side, y + (down - high) * side
        pen.ellipse([left, top, left + 2 * wide * side, top + 2 * high * side], fill=shade)

    oval(0, -0.12, 0.46, 0.58, 40)
    oval(0, 0.02, 0.40, 0.52, 200)
    for eye in (-0.17, 0.17):
        oval(eye, -0.14, 0.13, 0.075, 120)
        oval(eye, -0.12, 0.09, 0.04, 70)
        oval(eye, -0.12, 0.035, 0.035, 20)
        brow = [x + (eye - 0.12) * side, y - 0.23 * side, x + (eye + 0.12) * side, y - 0.23 * side]
        pen.line(brow, fill=50, width=max(2, int(0.035 * side)))
    oval(0, -0.02, 0.045, 0.16, 225)
    oval(0, 0.13, 0.09, 0.04, 150)
    oval(0, 0.31, 0.15, 0.03 + 0.08 * opening, 90)
    oval(0, 0.31, 0.11, 0.06 * opening, 40)
    return picture.filter(ImageFilter.GaussianBlur(side * 0.012))


def speaking(index: int) -> np.ndarray:
    """A frame of a face whose lips open and close."""
    return np.array(drawn_face(0.5 + 0.5 * np.sin(index / 2)))


def blank(index: int) -> np.ndarray:
    """A frame without a face."""
    return np.full((HEIGHT, WIDTH), 60 + index % 7, dtype=np.uint8)


def tone(seconds: float) -> np.ndarray:
    """A tone of 440 Hz."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (np.sin(2 * np.pi * 440 * times) * 8000).astype(np.int16)


def clip(
    draw: Draw = speaking,
    *,
    form: str = "mp4",
    frames: int = 30,
    times: Sequence[int] | None = None,
    rate: int = RATE,
    sound: float | None = None,
    sound_starts: float = 0.0,
    turned: int = 0,
) -> bytes:
    """An encoded clip; ``times`` are those of its frames in milliseconds, ``sound`` its seconds."""
    file = io.BytesIO()
    video_codec, audio_codec = CODECS[form]
    with av.open(file, "w", format=form) as container:
        video = container.add_stream(video_codec, rate=rate)
        first = draw(0)
        video.height, video.width = first.shape
        video.bit_rate = 8_000_000
        video.pix_fmt = "rgb8" if form == "gif" else "yuv420p"
        if turned:
            video.set_display_rotation(turned)
        if times is not None:
            video.codec_context.time_base = Fraction(1, 1000)
        audio = None
        if sound is not None and audio_codec is not None:
            audio_rate = 48_000 if audio_codec == "libopus" else SAMPLE_RATE
            audio = container.add_stream(audio_codec, rate=audio_rate, layout="mono")
        for index in range(frames):
            frame = av.VideoFrame.from_ndarray(np.repeat(draw(index)[..., None], 3, 2), "rgb24")
            if times is not None:
                frame.pts, frame.time_base = times[index], Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode())
        if audio is not None:
            _add_sound(container, audio, tone(sound or 0), sound_starts)
    return file.getvalue()


def _add_sound(container: Any, stream: Any, samples: np.ndarray, starts: float) -> None:
    frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
    frame.sample_rate, frame.time_base = SAMPLE_RATE, Fraction(1, SAMPLE_RATE)
    frame.pts = int(starts * SAMPLE_RATE)
    container.mux(stream.encode(frame))
    container.mux(stream.encode())
