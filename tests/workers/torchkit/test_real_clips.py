"""Clips of real people go through the whole reading: decoding, lips, log-mel frames."""

import io
from fractions import Fraction
from pathlib import Path

import pytest

from service.core.manifest import ClipCrop
from tests.clip_files import CODECS, av
from workers.torchkit.clip_reading.containers import ClipLimits
from workers.torchkit.clip_reading.reading import ClipReading, CropChoice, read_clip

DATA = Path(__file__).parents[3] / ".." / "shared" / "data" / "real" / "audio"
CLIPS = sorted(DATA.glob("grid_lip_samples/samples/**/*.mpg"))
LIMITS = ClipLimits(bytes=10**8, seconds=60.0, pixels=10**6)
pytestmark = [
    pytest.mark.real_data,
    pytest.mark.skipif(not CLIPS, reason="needs the shared folder of real data"),
]


def read(path: Path, crop: ClipCrop = ClipCrop.FOUND) -> ClipReading:
    return read_clip(path, LIMITS, CropChoice(crop))


def test_every_clip_has_its_frames_one_face_and_sound():
    readings = [read(path) for path in CLIPS]

    assert len(readings) == 11
    assert {tuple(reading.crops.shape) for reading in readings} == {(75, 64, 96)}
    assert {len(reading.mel) for reading in readings} == {296}
    assert [reading.faces for reading in readings] == [1] * 11
    assert [reading.remarks for reading in readings] == [()] * 11
    # Lips move: some crops of each clip differ by several gray levels.
    assert all((r.crops.float().std(0).mean() > 2) for r in readings)


def encoded(path: Path, form: str) -> bytes:
    """The frames of a clip in another container and codec."""
    file = io.BytesIO()
    with av.open(str(path)) as source, av.open(file, "w", format=form) as target:
        stream = target.add_stream(CODECS[form][0], rate=25)
        stream.width, stream.height, stream.pix_fmt = 360, 288, "yuv420p"
        stream.bit_rate = 8_000_000
        for index, frame in enumerate(source.decode(video=0)):
            frame.pts, frame.time_base = index, Fraction(1, 25)
            target.mux(stream.encode(frame))
        target.mux(stream.encode())
    return file.getvalue()


@pytest.mark.parametrize("form", ["mp4", "mpeg", "webm", "matroska", "avi"])
def test_five_encodings_of_a_clip_give_the_same_frames_and_box(tmp_path: Path, form: str):
    path = tmp_path / "clip"
    path.write_bytes(encoded(CLIPS[0], form))

    whole, reference = read(path, ClipCrop.FULL), read(CLIPS[0], ClipCrop.FULL)
    box, reference_box = read(path).box, read(CLIPS[0]).box

    assert whole.crops.shape == reference.crops.shape
    assert (whole.crops.float() - reference.crops.float()).abs().mean() < 3
    assert max(abs(a - b) for a, b in zip(box, reference_box, strict=True)) <= 3
