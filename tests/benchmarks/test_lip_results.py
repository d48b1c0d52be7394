"""The pages show what the file of results holds, and its differences are those of paired clips."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.talking_mouth import page, pictures, results
from benchmarks.talking_mouth.grid import grammar, sentence_of
from benchmarks.talking_mouth.large import measure, options_of
from benchmarks.talking_mouth.sound import log_pitch
from benchmarks.talking_mouth.speech import RATE
from workers.torchkit.speech.error_rates import ErrorCounts

TABLES = page.tables(results.stored())


def counts(*errors: int) -> ErrorCounts:
    return ErrorCounts(torch.tensor(errors), torch.full((len(errors),), 4))


@pytest.mark.parametrize(("method", "name"), TABLES, ids=str)
def test_a_page_shows_the_table_of_the_results(method: str, name: str) -> None:
    text = (page.PAGES / f"{method}.md").read_text(encoding="utf-8")

    assert page.with_table(text, name, TABLES[method, name]) == text


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="no marks for stages"):
        page.with_table("# A page\n", "stages", "")


def test_attention_takes_off_between_two_evaluations() -> None:
    history = [{"step": 100, "error": 0.9}, {"step": 200, "error": 0.5}]

    assert page.take_off(history, "error") == 175
    assert page.take_off(history[:1], "error") is None


def test_a_reader_does_not_differ_from_itself() -> None:
    same = counts(1, 0, 2), counts(1, 0, 2)

    assert results.paired_over_seeds([same, same]) == results.PairedDifference(0, 0, 0)


def test_the_difference_over_seeds_is_their_mean_and_covers_how_much_they_differ() -> None:
    worse = counts(2, 2, 2), counts(1, 1, 1)
    equal = counts(1, 1, 1), counts(1, 1, 1)

    difference = results.paired_over_seeds([worse, equal])

    assert difference == results.PairedDifference(0.125, 0.0, 0.25)


def test_kept_results_come_back_and_counts_stand_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    rows = {"clips": {"0": {"alone": {"errors": [0, 12, 3]}}}}

    results.keep(dict(rows), path)

    assert results.stored(path) | rows == results.stored(path)
    assert '"errors": [0, 12, 3]' in path.read_text()


def test_curves_of_cascades_begin_after_their_shared_first_stage() -> None:
    row = {
        "details": {"shared_first_stage": True},
        "history": [{"step": 10}, {"step": 20, "error": 0.5}],
    }

    assert pictures.curve(row, "error") == ([960], [50])


def test_a_name_of_a_grid_clip_spells_its_sentence() -> None:
    assert sentence_of("id2_vcd_swwp2s") == "set white with p two soon"
    assert sentence_of("lwbsza") == "lay white by s zero again"
    assert "( bin | lay | place | set )" in grammar()
    with pytest.raises(ValueError, match="spells no GRID sentence"):
        sentence_of("sbww5n")


def test_two_pitches_far_apart_are_no_pitch_and_no_error() -> None:
    for half in range(3000, 3300, 20):
        times = np.arange(half) / RATE
        tones = [np.sin(2 * np.pi * hertz * times) for hertz in (80, 320)]

        _, pitch = log_pitch(np.concatenate(tones))

        assert np.isfinite(pitch).all()


def test_a_large_run_keeps_every_arm_and_continues(tmp_path: Path) -> None:
    pytest.importorskip("espeakng_loader", reason="pip install espeakng-loader")
    path = tmp_path / "large.json"
    sizes = "--clips 24 --processes 2 --steps 2 --teacher-steps 2 --later-steps 6 --width 8"
    more = f"--layers 2 --batch-size 8 --device cpu --results {path} --minutes"
    measure(options_of(f"{sizes} {more} 60 --arms teacher alone context".split()))

    measure(options_of(f"{sizes} {more} 60 --arms alone without_tones with_tones".split()))
    measure(options_of(f"{sizes} {more} 0 --arms one_stage".split()))

    rows = json.loads(path.read_text())["24 clips, 2 steps, width 8"]["0"]
    arms = {"teacher", "alone", "context", "without_tones", "with_tones", "floors"}
    assert set(rows) == arms
    assert rows["with_tones"]["details"]["shared_first_stage"]
