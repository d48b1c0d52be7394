"""Encoders, decoders, measures and choices of the benchmark of many zoos."""

import numpy as np
import pytest
import torch

from benchmarks.many_zoos import candidates, figures
from benchmarks.many_zoos.albums import _parted
from benchmarks.many_zoos.families import FAMILIES
from benchmarks.many_zoos.training import held_out_losses
from benchmarks.many_zoos.zoos import ZooPlan
from benchmarks.taskonomy.tasks import Answer, TaskonomyTask, everything
from benchmarks.taskonomy.transfers import Bench
from service.core.catalog.measurement import Nodes
from workers.torchkit.similarity.relations import relations_of

PLAN = ZooPlan("none", "plain", 12, steps=1, seed=0, draws=2, decoder_steps=3)


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_ends_in_a_plane_of_sixteen_places(family: str):
    encoder = FAMILIES[family](24).eval()
    frames = torch.rand(2, 3, 32, 32)

    assert encoder(frames).shape == (2, 24, 4, 4)
    assert len(encoder.halfway(frames)) == 2
    gray = frames[:, :1]
    assert torch.equal(encoder(gray), encoder(gray.expand(-1, 3, -1, -1)))


def a_bench(*, answer: Answer) -> Bench:
    frames = torch.rand(30, 3, 32, 32)
    numbers = 2 if answer is Answer.LABEL else 1
    task = TaskonomyTask("task", "", answer, numbers, lambda _p, _g: ((), ()), everything)
    answers = torch.arange(30) % 2 if answer is Answer.LABEL else torch.rand(30, 64, 4, 4)
    return Bench(task, frames, answers, frames, answers)


@pytest.mark.parametrize("answer", Answer)
def test_decoders_that_learn_side_by_side_do_not_see_each_other(answer: Answer):
    torch.manual_seed(0)
    first, second = FAMILIES["plain"](12).eval(), FAMILIES["plain"](12).eval()
    bench = a_bench(answer=answer)

    both = held_out_losses(PLAN, [first, second], [3, 3], bench)
    alone = held_out_losses(PLAN, [second], [3], bench)

    assert both.shape == (2, 2, 30)
    np.testing.assert_allclose(both[1], alone[0], atol=1e-5)


def test_parts_share_no_group_and_lose_none():
    groups = [[(np.full((2, 2), number), number)] * 3 for number in range(20)]

    parts = _parted(groups)

    labels = [set(labels) for _, labels in parts]
    assert sum(map(len, labels)) == len(set.union(*labels)) == 20
    assert [len(images) for images, _ in parts] == [33, 9, 9, 9]


def test_relations_and_edges_are_those_of_the_service():
    features = torch.randn(3, 20, 8)
    mask = torch.ones(20, dtype=torch.bool)

    table = candidates.in_use(
        features, torch.nn.functional.normalize(torch.randn(3, 20, 9), dim=2)
    )

    rows = [relations_of(part, mask, Nodes.DDS).rows.flatten() for part in features]
    assert table["dds"][0, 1] == pytest.approx(float(rows[0] @ rows[1]) / 20, abs=1e-5)
    assert np.allclose(np.diag(table["dds"]), 1.0)
    assert np.allclose(np.diag(table["depara"]), 1.25, atol=1e-5)


def test_mixtures_weight_measures_on_one_scale():
    square = np.array([[9.0, 1, 2], [1, 9, 3], [2, 3, 9]])
    table = {"a": square, "b": 100 * square}

    twice = candidates.mixed(table, {"a": 1, "b": 1})

    assert np.allclose(twice, 2 * candidates.mixed(table, {"a": 1}))


def a_zoo(name: str, **spearman: list[float]) -> dict:
    return {
        "name": name,
        "figures": {k: {"spearman": v, "regret": [0.1] * len(v)} for k, v in spearman.items()},
    }


def test_a_zoo_counts_once_however_many_targets_it_has():
    zoos = [a_zoo("one", a=[1.0], b=[0.0]), a_zoo("many", a=[0.0] * 9, b=[0.5] * 9)]

    assert figures.pooled(zoos, "a") == 0.5
    assert figures.chosen(zoos) == "a"
    assert figures.chosen(zoos[1:]) == "b"
    assert figures.difference(zoos, "a", "b")[0] == pytest.approx(0.25)
