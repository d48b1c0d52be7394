"""What is measured in a clip: log-mel frames, places of lips, times of frames."""

import io
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.clip_files import clip, speaking
from workers.torchkit.clip_reading import frame_times
from workers.torchkit.clip_reading.containers import ClipLimits
from workers.torchkit.clip_reading.faces import FaceBox, FaceLooks
from workers.torchkit.clip_reading.lip_boxes import lip_boxes
from workers.torchkit.clip_reading.log_mel import log_mel, mel_times
from workers.torchkit.clip_reading.pictures import mel_picture
from workers.torchkit.clip_reading.problems import ClipProblemError

LIMITS = ClipLimits(bytes=10**9, seconds=700.0, pixels=10**6)


def slow_log_mel(samples: np.ndarray, bands: int) -> np.ndarray:
    """The same frame by frame and band by band."""
    edges = 700 * (10 ** (np.linspace(mel(60.0), mel(7600.0), bands + 2) / 2595) - 1)
    frames = []
    for start in range(0, len(samples) - 400 + 1, 160):
        power = np.abs(np.fft.rfft(samples[start : start + 400] * np.hanning(400), 512)) ** 2
        values = []
        for band in range(bands):
            low, middle, high = edges[band : band + 3]
            weights = [
                max(0.0, min((hertz - low) / (middle - low), (high - hertz) / (high - middle)))
                for hertz in np.arange(257) * 16_000 / 512
            ]
            values.append(math.log(float(power @ weights) + 1e-6))
        frames.append(values)
    return np.array(frames)


def mel(hertz: float) -> float:
    return 2595 * math.log10(1 + hertz / 700)


def test_a_tone_of_440_hertz_has_the_published_value():
    samples = torch.sin(2 * math.pi * 440 * torch.arange(16_000, dtype=torch.float64) / 16_000)

    frames = log_mel(samples.float(), bands=40)

    assert frames.shape == (98, 40)
    assert frames[0].argmax() == 6
    assert frames[0].max().item() == pytest.approx(9.5378, abs=1e-4)


def test_frames_are_those_of_the_plain_definition():
    samples = torch.randn(2000, generator=torch.Generator().manual_seed(0))

    torch.testing.assert_close(
        log_mel(samples), torch.from_numpy(slow_log_mel(samples.numpy(), 80)).float(),
        rtol=1e-4, atol=1e-4,
    )  # fmt: skip


def test_silence_is_finite_and_less_than_a_window_has_no_frame():
    assert log_mel(torch.zeros(16_000), bands=40).unique().item() == pytest.approx(
        -13.8155, abs=1e-4
    )
    assert log_mel(torch.zeros(399)).shape == (0, 80)
    torch.testing.assert_close(mel_times(2), torch.tensor([0.0125, 0.0225]))


def face(seconds: float, left: float = 0.0, side: float = 100.0) -> FaceBox:
    return FaceBox(float(seconds), float(left), 0.0, float(side))


def test_the_box_is_a_median_while_the_head_is_still():
    track = [face(index / 5, left=index % 3) for index in range(10)]

    boxes = lip_boxes(track, [index / 25 for index in range(46)])

    assert len(boxes) == 46
    assert len(set(boxes)) == 1
    assert (boxes[0].left, boxes[0].width) == (1 + 25, 50)
    assert boxes[0].top + boxes[0].height / 2 == pytest.approx(80.7)


def test_the_box_follows_a_head_that_moves():
    track = [face(index / 5, left=index * 10) for index in range(40)]

    boxes = lip_boxes(track, [index / 25 for index in range(196)])

    assert boxes[-1].left - boxes[0].left > 250
    assert (np.diff([box.left for box in boxes]) >= 0).all()


def test_the_largest_of_the_faces_that_last_comes_first():
    looks = FaceLooks(looks=[0.0, 0.2, 0.4, 0.6])
    looks.tracks = [
        [face(0.0, side=50), face(0.2, side=50)],
        [face(0.0, side=90), face(0.2, side=90), face(0.6, side=90)],
        [face(0.4, side=200)],
    ]

    assert [track[0].side for track in looks.lasting()] == [90, 50]


def test_even_frames_stay_as_they_are_and_others_become_even():
    even = frame_times.regular([index / 30 for index in range(10)])
    uneven = frame_times.regular([0.0, 0.04, 0.08, 0.2, 0.24])

    assert (even.varied, even.per_second, even.indices.tolist()) == (False, 30.0, list(range(10)))
    assert uneven.varied
    assert uneven.indices.tolist() == [0, 1, 2, 2, 3, 3, 4]
    np.testing.assert_allclose(uneven.middles, np.arange(7) * 0.04 + 0.02)


def test_a_gap_that_would_need_too_many_frames_is_refused():
    times = [0.0, 0.001, 0.002, 0.003, 600.0]

    with pytest.raises(ClipProblemError) as refused:
        frame_times.require_within(times, LIMITS)

    assert refused.value.code == "too_many_frames"


MEASURE = """
import resource, sys
from pathlib import Path
from workers.torchkit.clip_reading.containers import ClipLimits
from service.core.manifest import ClipCrop
from workers.torchkit.clip_reading.reading import CropChoice, read_clip
limits = ClipLimits(bytes=10**9, seconds=700.0, pixels=10**6)
read_clip(Path(sys.argv[1]), limits, CropChoice(ClipCrop.FULL))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reading = read_clip(Path(sys.argv[2]), limits, CropChoice(ClipCrop.FULL))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(len(reading.crops), len(reading.mel), (after - before) // 1024)
"""


@pytest.mark.slow
def test_ten_minutes_are_read_within_300_mebibytes(tmp_path: Path):
    cycle = [speaking(index)[::2, ::2].copy() for index in range(13)]
    (tmp_path / "short.mp4").write_bytes(clip(sound=1.2))
    (tmp_path / "long.mp4").write_bytes(
        clip(lambda index: cycle[index % 13], frames=15_000, sound=600.0)
    )

    done = subprocess.run(
        [sys.executable, "-c", MEASURE, tmp_path / "short.mp4", tmp_path / "long.mp4"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip

    frames, mel_frames, mebibytes = map(int, done.stdout.split())
    assert frames == 15_000
    assert mel_frames == pytest.approx(60_000, abs=20)
    assert mebibytes < 300


def test_the_picture_of_a_long_sound_takes_little_memory():
    import tracemalloc

    mel = torch.randn(60_000, 80)
    tracemalloc.start()

    png = mel_picture(mel)

    assert tracemalloc.get_traced_memory()[1] < 60 * 1024**2
    tracemalloc.stop()
    assert Image.open(io.BytesIO(png)).size == (900, 160)
