"""`zooscope layers` prints the choice and the curve, and reports errors with a reason."""

import pytest

from service.container import Zoo
from service.core.operations.layers import selections
from service.core.tables import LayerSelectionRecord
from tests.rest.served import a_dataset, a_model
from tests.rest.test_layer_selections import LAYERS, PARTS
from tests.zooscope.cli.shells import Shell
from zooscope.cli.layers import bar


@pytest.fixture
def words(zoo: Zoo) -> list[str]:
    """The words that ask for fox's layers with hen as the target."""
    with zoo.transaction() as session:
        probes = a_dataset(zoo, session).id
        fox = a_model(session, name="fox", layers=LAYERS, feature_layer="pool").id
        hen = a_model(session, name="hen", layers=LAYERS, output_kind="vector").id
    return ["layers", fox, "--model", hen, "--probes", probes]


def filled(zoo: Zoo, selection_id: str) -> None:
    with zoo.transaction() as session:
        record = session.get_one(LayerSelectionRecord, selection_id)
        selections.finish(record, layers=PARTS, measured={})


def test_the_choice_and_the_curve_are_printed(shell: Shell, zoo: Zoo, words: list[str]) -> None:
    pending = shell.json(*words, "--no-wait")
    filled(zoo, pending["id"])

    ample, scarce = shell.output(*words), shell.output(*words, "--data", "scarce")
    weighed = shell.output("layer-selections", "show", pending["id"], "--edge-weight", "0")

    assert pending["state"] == "pending"
    assert "build on pool, the middle; most like the target: act, score 0.6000" in ample
    assert "0.1000 above pool (λ = 1)" in ample
    assert "most like the target: pool, score 3.2000" in scarce
    assert "most like the target: fc, score 0.9000" in weighed
    chosen = next(line for line in ample.splitlines() if line.lstrip().startswith("→"))
    assert chosen.split()[1:3] == ["act", "0.6000"]
    assert "█" * 20 in chosen
    assert "constant_edges" in ample


def test_candidates_are_named_or_all(shell: Shell, zoo: Zoo, words: list[str]) -> None:
    some = shell.json(*words, "--no-wait", "--layers", "conv", "--layers", "pool")
    everything = shell.json(*words, "--no-wait", "--layers", "all")

    with zoo.transaction() as session:
        candidates = [
            session.get_one(LayerSelectionRecord, item["id"]).candidates
            for item in (some, everything)
        ]
    assert candidates == [["conv", "pool"], ["conv", "act", "pool"]]


def test_errors_end_the_command_with_a_reason(shell: Shell, words: list[str]) -> None:
    unknown = shell.run(*words, "--layers", "nowhere")
    aimless = shell.run(*words[:2])
    both = shell.run(*words, "--data", "scarce", "--edge-weight", "1")

    assert (unknown.returncode, aimless.returncode, both.returncode) == (1, 2, 1)
    assert "no layer 'nowhere'" in unknown.stderr
    assert "--model or --dataset" in aimless.stderr
    assert "set either data or --edge-weight" in both.stderr


@pytest.mark.parametrize(
    ("score", "drawn"), [(0.0, "▏"), (0.5, "█" * 10), (1.0, "█" * 20), (None, "")]
)
def test_bars_span_the_scores(score: float | None, drawn: str) -> None:
    assert bar(score, [0.0, 0.5, 1.0]) == drawn


def test_equal_scores_have_full_bars() -> None:
    assert bar(0.4, [0.4, 0.4]) == "█" * 20
