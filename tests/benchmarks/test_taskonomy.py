"""Tasks ask what they say, losses become affinities as on paper, and measures equal their twins."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.taskonomy import judging, targets, truth
from benchmarks.taskonomy.images import Album, AlbumPictures
from benchmarks.taskonomy.networks import Decoder, TaskEncoder, encoder_inputs
from benchmarks.taskonomy.tasks import Answer, TaskonomyTask, tasks_of
from tests.methods.oracles import taskonomy as oracle

ROOT = Path(__file__).parents[2]


def pictures(count: int = 12) -> AlbumPictures:
    generator = torch.Generator().manual_seed(3)
    return AlbumPictures(
        torch.rand(count, 3, 32, 32, generator=generator), torch.arange(count) % 10
    )


def album() -> Album:
    parts = [pictures() for _ in range(4)]
    sets = ((0, 1, 8, 9), (2, 4, 6), (3, 5, 7))
    names = tuple("abcdefghij")
    return Album("made up", *parts, names, sets, coarse=(0, 1), colored=True)


TASKS = {task.name: task for task in tasks_of(album())}


# Targets


def test_a_flat_image_has_no_edges_corners_direction_or_color_differences():
    flat = torch.full((2, 3, 32, 32), 0.3)

    for compute in (targets.edges, targets.corners, targets.orientation, targets.chroma):
        assert compute(flat).abs().max() < 1e-3, compute.__name__


def test_a_step_of_brightness_has_an_edge_where_it_is_and_nowhere_else():
    step = torch.zeros(1, 3, 32, 32)
    step[:, :, :, 16:] = 1.0

    edges = targets.edges(step)[0, 0]

    # Sobel's weights 1 + 2 + 1 over 8: half the step on either side of it.
    torch.testing.assert_close(edges[:, 15:17], torch.full((32, 2), 0.5))
    assert edges[:, :15].abs().max() == 0
    assert edges[:, 17:].abs().max() == 0


def test_direction_distinguishes_vertical_from_horizontal_slopes():
    upright = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)

    across = targets.orientation(upright)[0, 0].mean()
    down = targets.orientation(upright.transpose(2, 3))[0, 0].mean()

    assert across > 0
    torch.testing.assert_close(across, -down)


def test_a_square_on_plain_ground_is_the_foreground():
    frames = torch.full((1, 3, 32, 32), 0.8)
    frames += 0.02 * torch.rand(frames.shape, generator=torch.Generator().manual_seed(0))
    frames[:, 0, 10:22, 10:22] = 0.1

    mask = targets.foreground(frames)[0, 0]

    assert mask[12:20, 12:20].min() == 1
    assert mask[:7].max() == 0


def test_otsus_threshold_lies_between_two_heaps():
    heaps = torch.cat([torch.linspace(0, 1, 50), torch.linspace(9, 10, 20)]).unsqueeze(0)

    assert 1 < float(targets.otsu(heaps)) < 9


def test_put_back_quarters_are_the_image_again():
    frames = pictures(24).frames
    arrangement = torch.arange(24)

    mixed = targets.rearranged(frames, arrangement)

    torch.testing.assert_close(targets.put_back(mixed, arrangement), frames)
    assert not torch.equal(mixed[1], frames[1])


def test_turning_by_the_missing_quarters_undoes_a_rotation():
    frames, quarters = pictures(4).frames, torch.arange(4)

    turned = targets.rotated(targets.rotated(frames, quarters), (4 - quarters) % 4)

    torch.testing.assert_close(turned, frames)


def test_the_first_zoom_shows_the_whole_image():
    frames = pictures(2).frames

    torch.testing.assert_close(targets.zoomed(frames, torch.zeros(2).long()), frames)


def test_blur_keeps_a_flat_image_and_coarsening_keeps_its_means():
    flat, frames = torch.full((1, 3, 32, 32), 0.4), pictures(2).frames

    torch.testing.assert_close(targets.blurred(flat, 1.5), flat)
    torch.testing.assert_close(
        targets.coarsened(frames, 4).mean(dim=(2, 3)), frames.mean(dim=(2, 3))
    )


# Tasks


@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS.keys())
def test_decoders_answer_in_the_shape_that_the_task_asks(task: TaskonomyTask):
    frames, answers = task.examples(task.choose(pictures()), torch.Generator().manual_seed(0))
    whole = 16 if task.answer is Answer.LABEL else None
    network = torch.nn.Sequential(TaskEncoder(), Decoder(task.numbers, hidden=8, whole=whole))

    losses = task.losses(network.eval()(encoder_inputs(frames, 1 if task.gray else 3)), answers)

    assert losses.shape == (len(frames),)
    assert bool(losses.isfinite().all())


@pytest.mark.parametrize("name", ["autoencoding", "edges", "colorizing", "inpainting"])
def test_the_right_pixels_cost_nothing(name: str):
    _frames, answers = TASKS[name].examples(pictures(), torch.Generator().manual_seed(0))

    assert TASKS[name].losses(answers, answers).max() == 0


def test_inpainting_looks_at_the_hole_alone():
    task = TASKS["inpainting"]
    frames, answers = task.examples(pictures(), torch.Generator().manual_seed(0))
    outside = torch.zeros(12, 3, 32, 32)
    outside[:, :, :8] = 5.0

    off = answers + torch.nn.functional.pixel_unshuffle(outside, 8)

    assert frames[:, :, 8:24, 8:24].std() == 0
    assert task.losses(off, answers).max() == 0


def test_class_sets_are_disjoint_and_relabeled_from_zero():
    chosen = [TASKS[f"classes {letter}"].choose(pictures(20)) for letter in "ABC"]

    assert [int(part.labels.max()) + 1 for part in chosen] == [4, 3, 3]
    assert sum(len(part) for part in chosen) == 20


def test_without_color_there_is_no_colorization_task():
    gray = Album(*(getattr(album(), name) for name in _FIELDS), colored=False)

    assert {task.name for task in tasks_of(gray)} == TASKS.keys() - {"colorizing"}


_FIELDS = ("name", "training", "few", "held_out", "probes", "class_names", "class_sets", "coarse")


# Truth


def test_win_rates_and_affinity_of_two_sources_are_those_on_paper():
    losses = np.array([[1.0, 1.0, 1.0, 5.0], [2.0, 2.0, 2.0, 2.0]])

    rates = truth.win_rates(truth.beaten(losses))

    np.testing.assert_allclose(rates, [[0.5, 0.75], [0.25, 0.5]])
    # Ratios [[1, 3], [1/3, 1]]: eigenvalue 2, eigenvector (3, 1).
    np.testing.assert_allclose(truth.ordinal_affinity(rates), [0.75, 0.25])
    np.testing.assert_allclose(truth.mean_win_rate(rates), [0.75, 0.25])


def test_truth_equals_its_slow_twin():
    losses = np.random.default_rng(0).random((5, 17)).round(1)

    rates = truth.win_rates(truth.beaten(losses))

    np.testing.assert_allclose(rates, oracle.win_rates(losses.tolist()))
    np.testing.assert_allclose(
        truth.ordinal_affinity(rates), oracle.ordinal_affinity(rates.tolist()), rtol=1e-9
    )


def test_a_source_that_always_wins_is_kept_finite():
    losses = np.array([[0.0] * 3, [1.0] * 3])

    affinity = truth.ordinal_affinity(truth.win_rates(truth.beaten(losses)))

    np.testing.assert_allclose(affinity, [0.999, 0.001])


def test_intervals_hold_the_affinity_and_equal_seeds_agree_fully():
    single_seed = np.random.default_rng(1).random((2, 4, 1, 60)) + np.arange(4)[:, None, None] / 4
    losses = np.repeat(single_seed, 3, axis=2)

    intervals = truth.truth_of(losses, replicates=50)

    assert (intervals.low <= intervals.affinity + 1e-9).all()
    assert (intervals.affinity <= intervals.high + 1e-9).all()
    np.testing.assert_allclose(intervals.between_seeds, 1.0)
    np.testing.assert_allclose(intervals.affinity.sum(axis=1), 1.0)


# Judging


def test_a_perfect_table_scores_perfectly_and_the_target_itself_is_left_out():
    affinity = np.random.default_rng(5).random((3, 8))
    itself = np.array([0, 4, 7])
    spoiled = affinity.copy()
    spoiled[np.arange(3), itself] = 9.0

    scores = judging.judged(spoiled, affinity, affinity, itself).of(np.arange(3))

    assert scores == {"p_at_1": 1.0, "p_at_5": 1.0, "spearman": pytest.approx(1.0), "regret": 0.0}


def test_the_edge_weight_is_evaluated_on_targets_that_did_not_choose_it():
    rng = np.random.default_rng(6)
    affinity = rng.random((8, 9))
    itself = np.arange(8)
    choices = {
        name: judging.judged(table, affinity, affinity, itself)
        for name, table in {"good": affinity, "noise": rng.random((8, 9))}.items()
    }

    evaluation = judging.halved(choices, targets=8, halvings=20)

    assert evaluation.chosen == {"good": 20}
    assert evaluation.mean["spearman"] == pytest.approx(1.0)


def test_the_static_list_does_not_know_its_target():
    wins = np.random.default_rng(7).random((4, 6))
    itself = np.arange(4)
    changed = wins.copy()
    changed[2] = 0.0

    before, after = (judging.static_list(table, itself)[2] for table in (wins, changed))

    np.testing.assert_allclose(before, after)


def test_without_data_the_benchmark_says_so_and_ends_well(tmp_path: Path):
    completed = subprocess.run(
        [sys.executable, "-m", "benchmarks.small_taskonomy", "--data", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert completed.returncode == 0
    assert "skipped" in completed.stdout
