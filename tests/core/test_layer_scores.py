"""The layer with the greatest score is chosen, the deepest of equals, for any edge weight."""

from typing import Any

import pytest

from service.core.operations.layers.scores import TargetData, baselines, choice, curve, weight_of
from tests.methods.oracles import layer_selection as oracle


def part(layer: str, node: float | None, edge: float | None) -> dict[str, Any]:
    spread = {"node_variance": 0.01, "edge_variance": 0.04, "covariance": 0.0}
    return {"layer": layer, "node_similarity": node, "edge_similarity": edge, **spread}


PARTS = [part("a", 0.5, 0.1), part("b", 0.2, 0.3), part("c", 0.4, 0.2), part("d", 0.1, None)]


@pytest.mark.parametrize("weight", [0.0, 0.5, 1.0, 10.0])
def test_the_choice_is_that_of_the_slow_twin(weight: float) -> None:
    layers = curve(PARTS, edge_weight=weight)

    chosen = choice(layers)

    scores = [layer["score"] for layer in layers if layer["score"] is not None]
    index, margin = oracle.choice(scores)
    assert chosen is not None
    assert chosen["layer"] == PARTS[index]["layer"]
    assert chosen["score"] == scores[index]
    assert chosen["margin"] == pytest.approx(margin)


def test_of_equal_layers_the_deepest_is_chosen_with_no_margin() -> None:
    chosen = choice(curve([part("a", 0.5, 0.0), part("b", 0.25, 0.25)], edge_weight=1))

    assert chosen is not None
    assert (chosen["layer"], chosen["runner_up"], chosen["margin"]) == ("b", "a", 0.0)


def test_one_output_under_two_names_does_not_run_up_to_itself() -> None:
    parts = [part("a", 0.1, 0.2), part("chain.2", 0.5, 0.1), part("chain", 0.5, 0.1)]

    chosen = choice(curve(parts, edge_weight=1))

    assert chosen is not None
    assert (chosen["layer"], chosen["runner_up"]) == ("chain", "a")
    assert chosen["margin"] == pytest.approx(0.3)


def test_a_layer_alone_has_no_runner_up_and_no_layers_no_choice() -> None:
    alone = choice(curve(PARTS[:1], edge_weight=1))

    assert alone is not None
    assert (alone["layer"], alone["runner_up"], alone["margin"]) == ("a", None, None)
    assert choice([]) is None
    assert choice(curve(PARTS[3:], edge_weight=1)) is None


def test_an_interval_grows_with_the_edge_weight() -> None:
    (narrow,), (wide,) = (curve(PARTS[:1], edge_weight=weight) for weight in (0, 10))

    assert narrow["interval"] == pytest.approx([0.5 - 0.164485, 0.5 + 0.164485], abs=1e-5)
    assert wide["interval"][1] - wide["interval"][0] > 6


def test_scarce_data_weigh_edges_ten_times_and_an_explicit_weight_counts_first() -> None:
    assert weight_of(None, None) == 1.0
    assert weight_of(TargetData.AMPLE, None) == 1.0
    assert weight_of(TargetData.SCARCE, None) == 10.0
    assert weight_of(TargetData.SCARCE, 0.25) == 0.25


def test_without_looking_one_takes_the_middle_or_the_deepest():
    layers = [
        {"layer": name, "score": score}
        for name, score in zip("abcd", (1, 2, None, 3), strict=True)
    ]

    assert baselines(layers) == {"middle": "b", "deepest": "d"}
    assert baselines(layers[:2]) == {"middle": "b", "deepest": "b"}
    assert baselines(layers[2:3]) is None
