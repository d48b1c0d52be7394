"""Clips with transcripts become crops, log-mel frames and times, or are refused by name."""

import io
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.clip_files import CODECS, blank, clip, drawn_face, speaking
from tests.methods.dataset_ingestion.uploads import LIMITS, notes_of, reasons, zipped
from workers.methods.dataset_ingestion import DatasetIngestionResult
from workers.torchkit.clip_reading.stored_clips import clip_of
from workers.torchkit.clips import Clip

TakeIn = Callable[..., DatasetIngestionResult]
CLIP_LIMITS = replace(LIMITS, image_pixels=10**6, clip_bytes=10**6)


@pytest.fixture
def read(taken_in: TakeIn) -> TakeIn:
    """Reads an upload of clips."""

    def read(files: dict[str, bytes], **manifest: object) -> DatasetIngestionResult:
        options = {"limits": CLIP_LIMITS, "kind": "clips", **manifest}
        return taken_in(zipped(files), **options)

    return read


def loaded(result: DatasetIngestionResult, index: int = 0) -> Clip:
    """A clip as a trainer gets it."""
    packed = result.clips[index]
    facts = {
        "start": packed.tensors.start,
        "length": packed.tensors.length,
        "transcript": packed.transcript,
        "pinyin": packed.pinyin,
        "speaker": packed.speaker,
    }
    assert result.packed_file is not None
    return clip_of(Path(result.packed_file), facts)


def beside(data: bytes, *, text: bytes = b"hello there", name: str = "a.mp4") -> dict[str, bytes]:
    """A clip with a text file beside it."""
    return {name: data, f"{name.rpartition('.')[0]}.txt": text}


def turned(index: int) -> np.ndarray:
    """A frame of a phone that was held upright, lying on its side."""
    return np.rot90(speaking(index), -1).copy()


def two_faces(index: int) -> np.ndarray:
    return np.hstack([speaking(index), np.array(drawn_face(0.2, side=70))])


def hidden_for(frames: int) -> Callable[[int], np.ndarray]:
    """Frames of a face that is hidden for some of them."""
    return lambda index: blank(index) if 30 <= index < 30 + frames else speaking(index)


def small_face(index: int) -> np.ndarray:
    return np.array(drawn_face(0.5, side=34))


def still(kind: str = "PNG") -> bytes:
    file = io.BytesIO()
    drawn_face().save(file, kind)
    return file.getvalue()


def test_a_clip_becomes_tensors_with_their_times(read: TakeIn):
    result = read(beside(clip(sound=1.2, form="matroska"), name="a.mkv"))

    assert result.problems == ()
    read_clip = loaded(result)
    assert read_clip.crops.shape == (30, 64, 96)
    assert read_clip.crops.dtype == torch.uint8
    assert read_clip.mel.shape == (118, 80)
    torch.testing.assert_close(read_clip.crop_times[:2], torch.tensor([0.02, 0.06]))
    torch.testing.assert_close(read_clip.mel_times[:2], torch.tensor([0.0125, 0.0225]))
    assert (read_clip.transcript, read_clip.pinyin, read_clip.speaker) == (
        "hello there",
        None,
        None,
    )
    assert read_clip.crops.float().std() > 10


def test_the_packed_parts_are_what_their_digests_say(read: TakeIn):
    import hashlib

    result = read(beside(clip(sound=1.2)))

    (packed,) = result.clips
    data = Path(result.packed_file or "").read_bytes()
    parts = [packed.tensors, packed.poster, packed.mel_picture]
    for part in parts:
        assert part is not None
        piece = data[part.start : part.start + part.length]
        assert hashlib.sha256(piece).hexdigest() == part.sha256
    assert sum(part.length for part in parts if part) == len(data)
    poster = Image.open(io.BytesIO(data[packed.poster.start :][: packed.poster.length]))
    left, top, _, _ = packed.box
    assert poster.size == (192, 144)
    assert poster.getpixel((left, top)) == (255, 190, 0)


@pytest.mark.parametrize("form", [form for form in CODECS if form != "mp4"])
def test_every_container_gives_the_same_frames(read: TakeIn, form: str):
    suffix = {"matroska": "mkv", "mpeg": "mpg"}.get(form, form)
    reference = loaded(read(beside(clip(form="mp4"), name="a.mp4"), crop="full"))

    other = loaded(read(beside(clip(form=form), name=f"a.{suffix}"), crop="full"))

    assert other.crops.shape == reference.crops.shape
    # A GIF has 256 colors.
    largest = 12 if form == "gif" else 3
    assert (other.crops.float() - reference.crops.float()).abs().mean() < largest


REFUSED = {
    "one frame": (lambda: clip(frames=1), "clip_too_short"),
    "no face": (lambda: clip(blank), "no_face"),
    "face hidden for longer than a second": (
        lambda: clip(hidden_for(35), frames=95),
        "face_lost",
    ),
    "face too small": (lambda: clip(small_face), "face_too_small"),
    "on its side without a mark": (lambda: clip(turned), "no_face"),
    "truncated without its index": (lambda: clip(frames=60)[:-3000], "undecodable"),
    "half of it": (lambda: clip(form="matroska", frames=80)[:20_000], "truncated"),
    "no bytes": (lambda: b"", "undecodable"),
    "a text": (lambda: b"hello " * 100, "undecodable"),
    "a picture": (still, "not_a_video"),
    "longer than allowed": (lambda: clip(frames=21, rate=1), "clip_too_long"),
    "sound of another clip": (lambda: clip(sound=3.0), "sound_mismatch"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_clip_is_refused_by_name_or_skipped(read: TakeIn, case: str):
    make, code = REFUSED[case]
    files = beside(clip(), name="good.mp4") | beside(make(), name="bad.mp4")

    refused, skipped = read(files), read(files, on_error="skip")

    assert reasons(refused) == [("", "clips_refused"), ("bad.mp4", code)]
    assert refused.problems[0].detail.startswith("1 of 2 clips cannot be used")
    assert refused.problems[1].remedy
    assert refused.clips == ()
    assert [entry.name for entry in skipped.clips] == ["good.mp4"]
    assert reasons(skipped) == [("", "clips_skipped"), ("bad.mp4", code)]


def shortened(share: float) -> bytes:
    """The first bytes of a clip that has no index at its end."""
    data = clip(form="matroska", frames=80)
    return data[: int(share * len(data))]


NOTED = {
    "no audio": (clip, "without_audio"),
    "two faces": (lambda: clip(two_faces), "two_faces"),
    "a gap in the time stamps": (
        lambda: clip(
            frames=20, times=[*range(0, 400, 40), *range(800, 1200, 40)], form="matroska"
        ),
        "variable_frame_rate",
    ),
    "few frames a second": (lambda: clip(rate=10), "low_frame_rate"),
    "sound of another length": (lambda: clip(sound=1.9), "sound_differs"),
    "nine tenths of it": (lambda: shortened(0.9), "truncated"),
}


@pytest.mark.parametrize("case", NOTED)
def test_what_is_unusual_is_noted(read: TakeIn, case: str):
    make, code = NOTED[case]

    result = read(beside(make()))

    assert result.problems == ()
    assert notes_of(result)[code] == 1
    assert code in result.clips[0].remarks


def test_a_phone_clip_is_turned_upright(read: TakeIn):
    upright = loaded(read(beside(clip(form="matroska"), name="a.mkv")))

    result = read(beside(clip(turned, turned=90)))

    assert (result.clips[0].rotation, result.clips[0].width, result.clips[0].height) == (
        90, 192, 144,
    )  # fmt: skip
    assert (loaded(result).crops.float() - upright.crops.float()).abs().mean() < 3


def test_sound_and_picture_that_start_apart_keep_their_distance(read: TakeIn):
    files = beside(clip(sound=1.2, sound_starts=0.3, form="matroska"), name="a.mkv")

    result = loaded(read(files))

    assert result.crop_times[0].item() == pytest.approx(0.02)
    assert result.mel_times[0].item() == pytest.approx(0.3125)


def test_frames_that_vary_in_length_are_spaced_evenly(read: TakeIn):
    times = [*range(0, 400, 40), *range(800, 1200, 40)]

    result = loaded(read(beside(clip(frames=20, times=times, form="matroska"), name="a.mkv")))

    assert len(result.crops) == 30
    torch.testing.assert_close(result.crop_times.diff(), torch.full((29,), 0.04))
    assert (result.crops[10] == result.crops[9]).all()


def test_a_face_that_is_hidden_shortly_keeps_its_box(read: TakeIn):
    assert read(beside(clip(hidden_for(15), frames=80))).problems == ()


def test_a_clip_without_sound_has_no_mel_frames(read: TakeIn):
    result = read(beside(clip()))

    assert loaded(result).mel.shape == (0, 80)
    assert (result.clips[0].mel_frames, result.clips[0].mel_picture) == (0, None)
    assert "no_audio" in notes_of(result)


def test_the_crop_may_be_given_or_be_the_whole_frame(read: TakeIn):
    files = beside(clip(blank))

    box = read(files, crop="given", crop_box=[0.25, 0.5, 0.5, 0.25])
    full = read(files, crop="full")

    assert (box.clips[0].box, full.clips[0].box) == ((48, 72, 96, 36), (0, 0, 192, 144))
    assert (box.clips[0].faces, full.clips[0].faces) == (0, 0)


BYTES_ABOVE = {"clip_bytes": ("clip_too_large", 1000), "image_pixels": ("too_many_pixels", 100)}


@pytest.mark.parametrize("limit", BYTES_ABOVE)
def test_limits_count_before_anything_is_decoded(read: TakeIn, limit: str):
    code, value = BYTES_ABOVE[limit]

    result = read(beside(clip()), limits=replace(CLIP_LIMITS, **{limit: value}))

    assert reasons(result)[1] == ("a.mp4", code)


def test_a_thousand_frames_a_second_exceed_the_frames_of_the_longest_clip(read: TakeIn):
    limits = replace(CLIP_LIMITS, clip_seconds=0.5)

    result = read(beside(clip(frames=40, rate=1000)), limits=limits)

    assert reasons(result)[1] == ("a.mp4", "too_many_frames")


def test_too_many_clips_are_refused_as_a_whole(read: TakeIn):
    files = beside(clip(), name="a.mp4") | beside(clip(), name="b.mp4")

    assert reasons(read(files, limits=replace(CLIP_LIMITS, clips=1))) == [("", "too_many_clips")]


@pytest.mark.parametrize("library", ["av", "cv2"])
def test_a_worker_without_the_decoders_names_the_extra(
    read: TakeIn, monkeypatch: pytest.MonkeyPatch, library: str
):
    files = beside(clip())
    monkeypatch.setitem(sys.modules, library, None)

    result = read(files)

    assert reasons(result) == [("", "decoder_missing")]
    assert "zooscope[clips]" in result.problems[0].remedy
