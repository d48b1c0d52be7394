"""Truth belongs to its picture, a kept teacher is the trained one, a table tells what was measured."""

import pytest
import torch
from torch.testing import assert_close

from benchmarks.students import protocol, published_adversary, scenes, teaching
from benchmarks.students.nets import NetSpec
from benchmarks.students.pictures import digits, masked, names, several
from benchmarks.students.protocol import Bound, Column, Results, Study, StudyRow, StudyTable
from benchmarks.students.teaching import Recipe
from service.core.catalog.training import Student, StudentArchitecture
from workers.torchkit.attribution.canonical import Preprocessing, to_network_input

SHORT = Recipe(steps=3, batch=8)
NET = NetSpec("lenet", (4, 4, 8))


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(teaching, "CACHE", tmp_path)
    return tmp_path


def test_no_digit_is_learned_from_and_tested():
    split = digits()

    learned = {frame.numpy().tobytes() for frame in split.train.frames}
    shared = sum(frame.numpy().tobytes() in learned for frame in split.test.frames)

    assert (len(split.train), len(split.test), shared) == (1297, 500, 0)


def test_a_part_of_the_labels_counts_from_its_own_first():
    part = digits().test.only(("7", "3"))

    whole = digits().test.truth.tolist()
    assert part.truth.tolist() == [0 if digit == 7 else 1 for digit in whole if digit in {3, 7}]


def test_every_canvas_shows_the_digits_that_its_labels_name_and_at_least_one():
    canvases = several(train=40, test=8).train

    inked = canvases.frames[..., 0].view(40, 2, 8, 2, 8).amax(dim=(2, 4)).flatten(1) > 0

    present = canvases.truth.sum(dim=1)
    assert bool((present >= 1).all())
    assert bool((present <= inked.sum(dim=1)).all())


def test_a_mask_marks_ink_alone():
    canvases = masked(train=20, test=4).train

    assert bool(((canvases.truth > 0) <= (canvases.frames[..., 0] >= 64)).all())
    assert canvases.truth.unique().tolist() == [0, 1, 2]


def test_a_teacher_answers_as_its_module_also_when_it_was_kept(cache):
    part = digits().train.only(names(range(5)))

    made = teaching.teacher(NET, part, name="few", seed=1, recipe=SHORT)
    again = teaching.teacher(NET, part, name="few", seed=1, recipe=SHORT)
    plain = teaching.module(NET, part, seed=1, recipe=SHORT)

    images = to_network_input(part.frames[:9], Preprocessing.of(made.input))
    assert_close(made.answer(images), plain(images))
    assert_close(again.answer(images), made.answer(images), rtol=0, atol=0)
    assert sorted(file.suffix for file in cache.iterdir()) == [".pt2", ".safetensors"]


def test_another_seed_is_another_teacher(cache):
    part = digits().train

    first, second = (teaching.teacher(NET, part, name="n", seed=s, recipe=SHORT) for s in (1, 2))

    assert first.program.fingerprint != second.program.fingerprint


def test_the_published_step_moves_student_and_generator_but_not_the_teacher(cache):
    split = digits()
    teacher = teaching.teacher(NET, split.train, name="n", seed=0, recipe=SHORT)
    student = Student(architecture=StudentArchitecture.LENET, width=4)
    scene = scenes.Scene((teacher,), student, split.test.evaluation_set, split.train)
    networks = (
        teaching.module(NET, split.train, seed=0, recipe=SHORT),
        scene.fresh(0),
        published_adversary.PublishedGenerator.fresh(scene.spec, units=4, width=4, seed=0),
    )
    before = [[p.detach().clone() for p in network.parameters()] for network in networks]

    published_adversary.PublishedGame(*networks, published_adversary.Rates(0.05)).turn(batch=8)

    moved = [
        any(not torch.equal(a, b) for a, b in zip(old, network.parameters(), strict=True))
        for old, network in zip(before, networks, strict=True)
    ]
    assert moved == [False, True, True]


KNOWN = {
    "ours": {
        "0": {"accuracy": 0.9, "cpu_seconds": 2.0},
        "1": {"accuracy": 0.7, "cpu_seconds": 4.0},
    },
    "theirs": {"1": {"accuracy": 0.6, "cpu_seconds": 1.0}},
}


def test_a_lead_is_taken_over_the_seeds_that_both_rows_have():
    assert Results(KNOWN).lead("ours", "theirs", "accuracy") == pytest.approx(0.1)


def test_a_table_shows_means_missing_values_and_bounds_that_hold():
    bounds = tuple(
        Bound(row, lambda results, row=row: results.mean(row, "accuracy"), low)
        for row, low in (("ours", 0.8), ("theirs", 0.8), ("nobody", 0.8))
    )
    rows = tuple(StudyRow(key, key, lambda _seed: {}) for key in ("ours", "theirs", "nobody"))
    table = StudyTable("main", rows, (Column("accuracy", "accuracy"),), "Words.", bounds)

    text = protocol.table_text(Study("some", (table,)), table, {"main": KNOWN})

    assert "| ours | 0.800 ± 0.141 (2) | 3 ± 1 (2) |" in text
    assert "| nobody | not measured |  |" in text
    assert "* ours: 0.800, holds" in text
    assert "* theirs: 0.600, **does not hold**" in text
    assert "* nobody: not measured" in text


def test_a_column_with_lower_ends_shows_the_interval_of_all_seeds():
    measured = {
        "ours": {
            "0": {"gain": 0.9, "low": 0.5, "cpu_seconds": 1.0},
            "1": {"gain": 0.7, "low": 0.4, "cpu_seconds": 1.0},
        }
    }
    row = StudyRow("ours", "ours", lambda _seed: {})
    table = StudyTable("main", (row,), (Column("gain", "gain", 2, low="low"),), "Words.")

    text = protocol.table_text(Study("some", (table,)), table, {"main": measured})

    # Half the width of the mean of two independent estimates: hypot(0.4, 0.3) / 2.
    assert "| ours | 0.80 ± 0.14 (2) [0.55, 1.05] |" in text
