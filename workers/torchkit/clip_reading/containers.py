"""A clip's container, opened with its header within limits.

Departs from FFmpeg's defaults: only containers of clips are opened, so that no playlist names other
files, and decoders run in one thread, so that a job takes one core.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workers.programs.machine_faults import raise_machine_fault
from workers.torchkit.clip_reading.problems import clip_problem

if TYPE_CHECKING:
    from av.container import InputContainer

MOST_FRAMES_PER_SECOND = 60
"""Frames that a clip may have for each second of the longest clip."""

CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mpegvideo,gif"
REENCODE = "encode it again as mp4, mpg, webm, mkv or avi"
_MICROSECONDS = 1e6
_STILL_PICTURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"BM", b"II*\x00", b"MM\x00*")


@dataclass(frozen=True)
class ClipLimits:
    """Limits of one clip; ``pixels`` are those of a frame, ``if_longer`` is the remedy beyond ``seconds``."""

    bytes: int
    seconds: float
    pixels: int
    if_longer: str = "cut it, or raise ZOO_MAX_CLIP_SECONDS where the workers run"

    @property
    def frames(self) -> int:
        """The largest number of frames."""
        return int(self.seconds * MOST_FRAMES_PER_SECOND)

    def require_seconds(self, seconds: float) -> None:
        """Raises ClipProblemError: ``clip_too_long``."""
        if seconds > self.seconds:
            raise clip_problem(
                "clip_too_long",
                f"the clip lasts {seconds:.1f} s, {self.seconds:g} s are allowed",
                self.if_longer,
            )

    def require_pixels(self, width: int, height: int) -> None:
        """Raises ClipProblemError: ``too_many_pixels``."""
        if width * height > self.pixels:
            raise clip_problem(
                "too_many_pixels",
                f"a frame has {width}x{height} = {width * height} pixels, {self.pixels} are allowed",
                "shrink the clip, or raise ZOO_MAX_IMAGE_PIXELS where the workers run",
            )

    def require_frames(self, frames: int) -> None:
        """Raises ClipProblemError: ``too_many_frames``."""
        if frames > self.frames:
            raise clip_problem(
                "too_many_frames",
                f"the clip has more than {self.frames} frames, {MOST_FRAMES_PER_SECOND} for each"
                " second that a clip may last",
                "encode it with fewer frames per second, or raise ZOO_MAX_CLIP_SECONDS where the"
                " workers run",
            )


def require_decoders() -> None:
    """Raises ClipProblemError: ``decoder_missing``: the extra for clips is not installed."""
    try:
        import av  # noqa: F401 - whether it is there
        import cv2

        cv2.setNumThreads(1)
    except ImportError as error:
        raise clip_problem(
            "decoder_missing",
            "clips need the libraries av and opencv-python-headless, which the workers lack",
            "install the extra `zooscope[clips]` where the workers run",
        ) from error


@contextmanager
def opened_clip(path: Path, limits: ClipLimits) -> Iterator[InputContainer]:
    """The container of a clip, which has frames and keeps within the limits by its header.

    Raises:
        ClipProblemError: ``not_a_video``, ``undecodable``, ``clip_too_long`` or ``too_many_pixels``.
    """
    import av

    if path.stat().st_size > limits.bytes:
        raise clip_problem(
            "clip_too_large",
            f"the file has more than {limits.bytes} bytes",
            "cut it, or raise ZOO_MAX_CLIP_BYTES where the workers run",
        )
    _require_no_still_picture(path)
    with path.open("rb") as file:
        try:
            container = av.open(
                file, "r", options={"format_whitelist": CONTAINERS}, metadata_errors="replace"
            )
        except (av.FFmpegError, ValueError) as error:
            raise_machine_fault(error)
            raise clip_problem(
                "undecodable",
                "the file is no clip that can be decoded, or its index is lost",
                REENCODE,
            ) from error
        with container:
            _require_within(container, limits)
            yield container


@dataclass(frozen=True)
class DeclaredSeconds:
    """How long the header says that the picture and the whole clip last; None if it does not."""

    picture: float | None
    whole: float | None


def declared_seconds(container: InputContainer) -> DeclaredSeconds:
    """What the header says of the length of the clip."""
    stream: Any = container.streams.video[0]
    return DeclaredSeconds(
        None if stream.duration is None else float(stream.duration * stream.time_base),
        None if container.duration is None else container.duration / _MICROSECONDS,
    )


def _require_no_still_picture(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(12)
    if head.startswith(_STILL_PICTURES) or (head[:4] == b"RIFF" and head[8:] == b"WEBP"):
        raise clip_problem("not_a_video", "the file is a picture, not a clip", "send a clip")


def _require_within(container: InputContainer, limits: ClipLimits) -> None:
    if not container.streams.video:
        raise clip_problem("not_a_video", "the file has no moving picture", "send a clip")
    stream: Any = container.streams.video[0]
    stream.codec_context.thread_count = 1
    limits.require_pixels(stream.codec_context.width or 0, stream.codec_context.height or 0)
    limits.require_frames(stream.frames)
    declared = declared_seconds(container)
    limits.require_seconds(max(declared.picture or 0.0, declared.whole or 0.0))
