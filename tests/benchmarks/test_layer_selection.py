"""A cut keeps what is below and nothing of what was learned above; choices are judged rightly."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch.testing import assert_close

from benchmarks.layer_protocol import judging, networks
from benchmarks.layer_protocol.cuts import SCARCE, Frozen, SourceNetwork
from benchmarks.layer_protocol.networks import features_at_cuts, fresh_part, frozen_part
from benchmarks.layer_protocol.scores import agreements, depara, reference_views, views_of
from benchmarks.layer_protocol.tasks import INPUT, ImageTask, as_inputs, drawn, rotated
from benchmarks.layer_protocol.training import Schedule, learn
from benchmarks.layer_protocol.tuning import tuned
from benchmarks.real_networks.cifar_resnet import CifarResNet
from workers.torchkit.attribution.canonical import Preprocessing

ROOT = Path(__file__).parents[2]
FAMILIES = (networks.plain, networks.residual, networks.resnet20)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def frames(count: int, *, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(256, (count, 32, 32, 3), dtype=torch.uint8, generator=generator)


def small_task() -> ImageTask:
    labels = torch.arange(200) % 2
    test = torch.arange(20) % 2
    return ImageTask(
        "noise", 2, frames(200, seed=0), labels, frames(20, seed=1), test, frames(12, seed=2)
    )


def source(*cuts: int) -> SourceNetwork:
    network = fresh_part(networks.plain, 3, 0, seed=5)
    return SourceNetwork("any", networks.plain, network, Preprocessing.of(INPUT), cuts)


class TestCut:
    @pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
    def test_below_and_above_a_cut_together_are_the_network(self, family: networks.Family):
        network = fresh_part(family, 4, 0, seed=0).eval()
        images = as_inputs(frames(3, seed=0))

        for cut, features in enumerate(features_at_cuts(network, images)):
            assert_close(network[cut:](features), network(images))

        assert networks.depth(network) >= 8

    def test_what_is_frozen_neither_learns_nor_counts(self):
        network = fresh_part(networks.plain, 2, 0, seed=0).train()
        before = {name: value.clone() for name, value in network[:8].state_dict().items()}
        images, labels = as_inputs(frames(20, seed=0)), torch.arange(20) % 2

        lower = frozen_part(network, 8)
        upper = fresh_part(networks.plain, 2, 8, seed=1)
        learn(upper, lower(images), labels, Schedule(5, 10), seed=0)

        assert all(not parameter.requires_grad for parameter in lower.parameters())
        for name, value in lower.state_dict().items():
            assert_close(value, before[name], rtol=0, atol=0)

    def test_what_is_above_starts_from_seed_and_cut_alone(self):
        first = fresh_part(networks.plain, 2, 7, seed=3)
        torch.rand(10)
        images, labels = as_inputs(frames(20, seed=0)), torch.arange(20) % 2
        learn(fresh_part(networks.plain, 2, 0, seed=3), images, labels, Schedule(2, 10), seed=0)
        again = fresh_part(networks.plain, 2, 7, seed=3)

        for name, value in first.state_dict().items():
            assert_close(again.state_dict()[name], value, rtol=0, atol=0)

    def test_a_cut_reaches_the_same_alone_and_after_others(self):
        task = small_task()

        among = Frozen(source(7, 8, 9), task).reached(SCARCE, seed=0)
        alone = Frozen(source(8), task).reached(SCARCE, seed=0)

        assert among[1] == alone[0]

    def test_the_published_network_as_steps_answers_the_same(self):
        whole = CifarResNet(3).eval()
        images = as_inputs(frames(2, seed=0))
        expected = whole(images)

        assert_close(networks.steps_of(whole).eval()(images), expected)


class TestTask:
    def test_every_class_gives_its_share_and_at_least_one(self):
        labels = torch.tensor([0] * 100 + [1] * 10 + [2])

        taken = labels[drawn(labels, 0.1, seed=0)]

        assert taken.bincount().tolist() == [10, 1, 1]

    def test_another_seed_draws_other_images(self):
        labels = torch.zeros(100, dtype=torch.int64)

        assert set(drawn(labels, 0.1, seed=0).tolist()) != set(drawn(labels, 0.1, seed=1).tolist())

    def test_rotation_labels_the_angle(self):
        turned = rotated(small_task())

        assert turned.pool_labels[:5].tolist() == [0, 1, 2, 3, 0]
        assert_close(turned.pool[1], torch.rot90(small_task().pool[1]))


class TestScores:
    def test_edges_of_the_method_equal_those_computed_here(self):
        task, cut = small_task(), source(4, 8)
        frozen = Frozen(cut, task)
        reference = fresh_part(networks.plain, 2, 0, seed=9).eval()

        by_room = depara(frozen, reference)
        views = agreements(
            [views_of(outputs) for outputs in frozen.of(task.probes)],
            reference_views(reference, task),
        )

        assert views["edges, raw · logits"] == pytest.approx(by_room.edges, abs=1e-5)

    def test_a_layer_agrees_with_itself_in_every_view(self):
        features = torch.randn(10, 6, generator=torch.Generator().manual_seed(0))

        itself = agreements([views_of(features)], {"it": views_of(features)})

        assert [agreement[0] for agreement in itself.values()] == pytest.approx([1.0] * 4)


def row(name: str, seed: int, accuracies: list[float], **more: Any) -> dict[str, Any]:
    return {
        "source": name,
        "target": "t",
        "seed": seed,
        "share": SCARCE,
        "cuts": list(range(1, len(accuracies) + 1)),
        "accuracies": accuracies,
        "nodes": accuracies[::-1],
        "edges": accuracies,
        "agreements": {
            "edges, centered · logits": accuracies[::-1],
            "CKA · features": accuracies,
        },
        "variants": {},
    } | more


class TestJudging:
    def test_regret_is_what_the_choice_loses_in_points(self):
        assert judging.regret([0.1, 0.9, 0.2], [0.5, 0.6, 0.8]) == pytest.approx(20)

    def test_the_deepest_of_equal_scores_is_chosen(self):
        assert judging.chosen([1.0, 3.0, 3.0]) == 2
        assert judging.regret([1.0, 3.0, 3.0], [0.5, 0.6, 0.8]) == 0

    def test_chance_loses_what_lies_between_best_and_mean(self):
        assert judging.regret_by_chance([0.2, 0.4, 0.6]) == pytest.approx(20)

    def test_a_constant_score_has_no_correlation(self):
        assert judging.correlation([1.0, 1.0], [0.1, 0.2]) == 0

    def test_the_middle_is_the_deeper_of_two(self):
        assert judging.chosen(judging.middle({"cuts": [1, 2, 3]})) == 1
        assert judging.chosen(judging.middle({"cuts": [1, 2, 3, 4]})) == 2

    def test_edges_alone_are_the_limit_of_a_great_weight(self):
        assert judging.combined([5.0, 0.0], [0.1, 0.2], float("inf")) == [0.1, 0.2]
        assert judging.combined([5.0, 0.0], [0.1, 0.2], 10.0) == [6.0, 2.0]

    def test_means_and_differences_are_those_on_paper(self):
        rows = [row("a", 0, [0.9, 0.8, 0.7]), row("b", 0, [0.5, 0.6, 0.7])]

        scores = judging.judged(rows, judging.depara(float("inf")))

        assert scores["spearman"] == pytest.approx([1, 1, 1])
        assert scores["regret"] == [0, 0, 0]
        assert scores["beside_deepest"] == pytest.approx([-10, -20, 0])

    def test_without_its_deepest_cut_a_row_is_one_shorter_everywhere(self):
        shorter = judging.without_deepest(row("a", 0, [0.1, 0.3, 0.2]))

        assert shorter["cuts"] == [1, 2]
        assert judging.judged([shorter], judging.deepest)["regret"] == [0, 0, 0]
        assert judging.agreement("CKA · features")(shorter) == [0.1, 0.3]

    def test_seeds_of_a_pair_are_redrawn_together(self):
        rows = [row("a", seed, [0.1, 0.2]) for seed in range(50)]

        assert judging.interval(rows, list(range(50))) == pytest.approx([24.5, 24.5, 24.5])

    def test_another_seed_stands_in_for_this_one(self):
        rows = [row("a", 0, [0.1, 0.2]), row("a", 1, [0.2, 0.1])]
        way = judging.measured_with_another_seed(rows)

        assert [way(row) for row in rows] == [[0.2, 0.1], [0.1, 0.2]]

    def test_one_seed_alone_has_no_other(self):
        rows = [row("a", 0, [0.1, 0.2])]

        assert judging.judged(rows, judging.measured_with_another_seed(rows)) == {}

    def test_no_pair_is_both_tuned_and_evaluated_on(self):
        rows = [row(name, seed, [0.1, 0.2]) for name in "abcde" for seed in (0, 1)]

        mine, others = judging.halves(rows)

        assert {row["source"] for row in mine} == {"a", "c", "e"}
        assert {row["source"] for row in others} == {"b", "d"}

    def test_tuning_prefers_what_foresees_the_accuracies(self):
        rows = [row(name, 0, [0.1, 0.3, 0.2]) for name in "abcd"]

        best = tuned(rows)[0]

        assert best.name.startswith("tuned: defaults")
        assert best.on_tuning == pytest.approx(1)
        assert best.on_judged["regret"][0] == 0


def test_without_data_the_run_says_what_it_needs(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.layer_selection", "--data", str(tmp_path / "nowhere")],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "needs real images" in done.stdout
