"""What the acceptance run counts is counted rightly, and without data it says so and ends well."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.real_run.closeness import closeness, means_by_kinship
from benchmarks.real_run.objects import density_ratio
from benchmarks.real_run.page import REMARKS, written

ROOT = Path(__file__).parents[2]
TWO_BLOCKS = np.array(
    [[1.0, 0.9, 0.1, 0.2], [0.9, 1.0, 0.3, 0.1], [0.1, 0.3, 1.0, 0.8], [0.2, 0.1, 0.8, 1.0]]
)


def test_every_figure_separates_two_clean_groups():
    separation = closeness(TWO_BLOCKS, ["a", "a", "b", "b"], permutations=600)

    assert separation.within == pytest.approx(0.85)
    assert separation.between == pytest.approx(0.175)
    assert separation.auc == 1.0
    assert (separation.nearest, separation.with_company) == (4, 4)
    # Three of the ways to make two pairs of four: a third of all permutations is as good.
    assert separation.p == pytest.approx(1 / 3, abs=0.07)


def test_task_and_architecture_are_separated():
    means = means_by_kinship(TWO_BLOCKS, ["a", "a", "b", "b"], ["x", "y", "x", "y"])

    assert means["same", "other"] == (pytest.approx(0.85), 2)
    assert means["other", "same"] == (pytest.approx(0.1), 2)
    assert means["same", "same"][1] == 0


def test_a_network_alone_has_no_nearest_neighbor():
    separation = closeness(TWO_BLOCKS, ["a", "a", "b", "c"], permutations=10)

    assert separation.with_company == 2
    assert separation.pairs_within == 1


def test_a_map_that_does_not_look_has_density_one():
    where = np.zeros((1, 8, 8), bool)
    where[0, :2] = True

    ratio = density_ratio(np.ones((1, 8, 8), np.float32), list(where), [np.ones((8, 8), bool)])

    assert ratio == pytest.approx(1.0)


def test_a_map_on_the_object_alone_has_the_density_of_the_whole_area():
    where = np.zeros((1, 8, 8), bool)
    where[0, :2] = True

    ratio = density_ratio(where.astype(np.float32), list(where), [np.ones((8, 8), bool)])

    assert ratio == pytest.approx(4.0)


def test_without_data_the_run_says_so_and_ends_well(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.real_zoo", "--data", str(tmp_path / "nowhere")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "skipped" in done.stdout
    assert "nowhere" in done.stdout


def test_remarks_written_by_hand_outlive_the_next_run():
    facts = {
        "networks": [],
        "probes": {"flowers": 1},
        "seed": 0,
        "edge_weight": 0.25,
        "surroundings": dict.fromkeys(("machine", "system", "torch", "commit", "load"), "-"),
        "seconds": {},
        "measuring": {"a": 1.0},
        "rankings": {},
        "references": [],
        "maps": {},
        "on_objects": {},
    }

    again = written(facts, before=f"the page before\n{REMARKS}\n\nThe plates look odd.\n")

    assert again.endswith("\n## Remarks\n\nThe plates look odd.\n")
    assert "the page before" not in again
