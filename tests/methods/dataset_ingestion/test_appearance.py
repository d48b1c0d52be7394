"""The looks of image sets: bounded numbers, the same for equal sets, far apart for unlike ones."""

from pathlib import Path

import numpy as np
import pytest

from service.core.operations.rankings.appearances import ANOTHER_WORLD, distance
from workers.methods.dataset_ingestion.appearance import appearance_of, features_of

SIDE = 16


def written(path: Path, frames: list[np.ndarray]) -> Path:
    np.save(path, np.stack(frames).astype(np.uint8))
    return path


def scenes(count: int, seed: int) -> list[np.ndarray]:
    """Colored noise around a mean color of its own."""
    rng = np.random.default_rng(seed)
    return [
        rng.normal(rng.uniform(60, 180, 3), 30, (SIDE, SIDE, 3)).clip(0, 255) for _ in range(count)
    ]


def glyphs(count: int, seed: int) -> list[np.ndarray]:
    """Black strokes on white."""
    rng = np.random.default_rng(seed)
    frames = []
    for _ in range(count):
        frame = np.full((SIDE, SIDE, 3), 255.0)
        column = int(rng.integers(2, SIDE - 2))
        frame[2:-2, column : column + 2] = 0
        frames.append(frame)
    return frames


@pytest.mark.parametrize("value", [0, 128, 255])
def test_features_of_a_constant_image_are_finite_shares(value: int):
    features = features_of(np.full((SIDE, SIDE, 3), value, dtype=np.uint8))

    assert np.isfinite(features).all()
    assert ((features >= 0) & (features <= 1)).all()


def test_two_halves_of_a_set_look_alike_and_other_sets_do_not(tmp_path):
    looks = {
        name: vars(appearance_of(written(tmp_path / f"{name}.npy", frames)))
        for name, frames in (
            ("scenes", scenes(60, 1)),
            ("more scenes", scenes(60, 2)),
            ("glyphs", glyphs(60, 3)),
        )
    }

    assert distance(looks["scenes"], looks["more scenes"]) < ANOTHER_WORLD / 3
    assert distance(looks["scenes"], looks["glyphs"]) > ANOTHER_WORLD
    assert distance(looks["scenes"], looks["scenes"]) == pytest.approx(0)


def test_a_large_set_is_looked_at_through_an_even_sample(tmp_path):
    frames = [np.full((4, 4, 3), value % 256, dtype=np.uint8) for value in range(2000)]

    appearance = appearance_of(written(tmp_path / "large.npy", frames))

    assert appearance.means[0] == pytest.approx(np.mean(np.arange(2000) % 256) / 255, abs=0.02)
