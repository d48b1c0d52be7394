"""Every target is evaluated by every method without access to its own accuracies."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.workers.ranking_bench.simulated import simulated
from workers.tools.ranking_bench.__main__ import evaluate_table, main
from workers.tools.ranking_bench.protocol import BenchSettings, evaluate_targets, inputs_for
from workers.tools.ranking_bench.summary import pooled
from workers.tools.ranking_bench.tables import Table

pytestmark = pytest.mark.slow

QUICK = BenchSettings(runs=(0, 4))


def csv_of(table: Table, path: Path) -> Path:
    rows = [["model", *table.targets]]
    rows += [
        [name, *(f"{value:.6f}" for value in row)]
        for name, row in zip(table.models, table.accuracies, strict=True)
    ]
    path.write_text("\n".join(",".join(row) for row in rows))
    return path


def test_the_target_itself_is_no_evidence() -> None:
    table = simulated(seed=0)

    inputs = inputs_for(table, 2)

    assert inputs.target == "d2"
    assert "d2" not in inputs.datasets
    assert inputs.accuracies.shape == (12, 5)
    assert np.isnan(inputs.measured).all()
    assert inputs.history_scores["score"].shape == (12, 5)


def test_every_method_is_evaluated_on_every_target() -> None:
    evaluations = list(evaluate_targets(simulated(seed=0), QUICK))

    assert [evaluation.target for evaluation in evaluations] == [f"d{at}" for at in range(6)]
    for evaluation in evaluations:
        assert {"static list", "size", "score", "fused, 0 runs", "fused, 4 runs"} <= set(
            evaluation.measures
        )
        assert set(evaluation.reached) == {0, 4}
        assert evaluation.reached[4].open == 8


def test_a_useful_score_and_runs_help() -> None:
    summary = evaluate_table(simulated(seed=1, models=30, quality=1.5), QUICK)

    gains = summary.gains
    assert gains["fused, 0 runs"]["static list"]["weighted_tau"].low > 0
    assert gains["fused, 4 runs"]["static list"]["regret"].mean < 0


def test_without_other_evidence_the_order_is_nearly_the_static_one() -> None:
    bare = simulated(seed=2)
    table = Table("bare", tuple("abcdefghijkl"), tuple("uvwxyz"), bare.accuracies)

    gains = evaluate_table(table, BenchSettings(runs=(0,))).gains["fused, 0 runs"]

    assert abs(gains["static list"]["weighted_tau"].mean) < 0.05


def test_the_bar_is_to_measure_the_first_models_of_the_static_list() -> None:
    summary = evaluate_table(simulated(seed=1), QUICK)

    assert list(summary.gains["fused, 4 runs"]) == ["static list", "static list, first 4 run"]
    bar = summary.methods["static list, first 4 run"]["weighted_tau"].mean
    own = summary.methods["fused, 4 runs"]["weighted_tau"].mean
    gain = summary.gains["fused, 4 runs"]["static list, first 4 run"]["weighted_tau"]
    assert gain.mean == pytest.approx(own - bar)
    assert summary.spreads["fused, 4 runs, by chance"] > 0
    assert summary.spreads["fused, 4 runs"] == 0


def test_sets_hold_the_winner_as_often_as_stated_on_simulated_tables() -> None:
    summaries = [
        evaluate_table(simulated(seed=seed, models=20, datasets=9), BenchSettings(runs=(0,)))
        for seed in range(6)
    ]

    calibration = pooled(summaries)[0]

    assert calibration.targets == 54
    assert calibration.held == pytest.approx(calibration.stated, abs=0.12)
    assert 0.75 < calibration.inside < 0.97


def test_two_runs_print_the_same_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = csv_of(simulated(seed=3), tmp_path / "table.csv")
    words = [str(path), "--json", "--runs", "0,3", "--k", "3"]

    statuses = [main(words), main(words)]

    text = capsys.readouterr().out
    assert statuses == [0, 0]
    assert text[: len(text) // 2] == text[len(text) // 2 :]
    report = json.loads(text[: len(text) // 2])
    assert report["tables"][0]["models"] == 12
    assert report["tables"][0]["methods"]["static list"]["regret"]["targets"] == 6
    assert set(report["calibration"]) == {"0", "3"}


def test_the_printed_table_names_methods_and_calibration(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = csv_of(simulated(seed=3), tmp_path / "table.csv")

    status = main([str(path), "--runs", "0"])

    text = capsys.readouterr().out
    assert status == 0
    assert "static list" in text
    assert "calibration, 0 runs" in text


def test_a_refused_table_ends_with_one_and_the_remedy(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text("model,u\nant,1\n")

    status = main([str(path)])

    assert status == 1
    assert "(table_small)" in capsys.readouterr().err
