"""A stylizer learns from contents and styles, and is measured on held-out ones."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from service.core.catalog.dynamic_instance_normalization import Rival, default_layers
from service.core.manifest import StylizerNetwork, TaskKind
from tests.methods.dynamic_instance_normalization.small_stylizers import SIDE, params
from tests.methods.small_networks import assert_same_weights
from workers.child.save.students import save_student
from workers.methods.dynamic_instance_normalization import run
from workers.methods.dynamic_instance_normalization.loss_network import UnfitLossNetworkError
from workers.methods.dynamic_instance_normalization.networks import StylizerModule
from workers.programs import read_program
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training import loop, task
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import PictureInputs, TrainingResult

WITHOUT_NETWORK = tuple(rival for rival in Rival if rival is not Rival.DIN)


@pytest.fixture(autouse=True)
def without_curves(monkeypatch: pytest.MonkeyPatch, stylizer: TrainingResult) -> None:
    """Drawing them takes longer than these trainings; that of ``stylizer`` is real."""
    del stylizer
    for module in (loop, task):
        monkeypatch.setattr(module, "curve_picture", lambda _history: b"")


def test_the_stylizer_says_how_it_is_built(stylizer: TrainingResult) -> None:
    head = stylizer.manifest.stylizer

    assert head is not None
    assert (head.network, head.width) == (StylizerNetwork.DIN, 4)
    assert stylizer.manifest.task.kind is TaskKind.STYLIZATION
    assert stylizer.manifest.classes is None
    assert stylizer.manifest.input.height == SIDE


def test_held_out_styles_are_measured_and_drawn(stylizer: TrainingResult) -> None:
    quality = stylizer.quality

    assert {"content_loss", "style_loss", "patch_distance", "copy_style_loss"} <= set(quality)
    assert quality["style_difference"] > 0
    assert stylizer.findings.details["loss_layers"] == ["1", "4", "7"]
    assert stylizer.findings.details["content_layer"] == "4"
    assert stylizer.pictures["contact_sheet.png"].startswith(b"\x89PNG")


def test_the_style_loss_falls(inputs: PictureInputs) -> None:
    longer = run(inputs, params(budget={"steps": 60}, learning_rate=5e-3), RecordingReporter())

    assert longer.quality["style_loss"] < 0.8 * longer.quality["copy_style_loss"]


def test_every_rival_learns_beside_the_stylizer(inputs: PictureInputs) -> None:
    rivals = [rival.value for rival in WITHOUT_NETWORK]

    result = run(inputs, params(compare_with=rivals, budget={"steps": 2}), RecordingReporter())

    assert all(result.quality[f"{rival}_style_loss"] > 0 for rival in rivals)
    assert all(f"| {rival} |" in result.findings.paragraphs[1] for rival in rivals)


@pytest.mark.parametrize("network", list(StylizerNetwork))
def test_the_program_equals_the_network_and_shows_the_style(
    inputs: PictureInputs, tmp_path: Path, network: StylizerNetwork
) -> None:
    result = run(inputs, params(network=network, budget={"steps": 1}), RecordingReporter())
    stylizer = result.network
    assert isinstance(stylizer, StylizerModule)

    save_student(result, tmp_path)

    program = read_program(tmp_path / "program.pt2")
    pictures = torch.rand(3, 3, SIDE, SIDE)
    with torch.no_grad():
        parameters = stylizer.style(pictures)
        painted = program(pictures)
        assert isinstance(painted, torch.Tensor)
        torch.testing.assert_close(painted, stylizer(pictures), rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            program.read(pictures, ["style"])["style"], parameters, rtol=1e-4, atol=1e-5
        )
        other_size = torch.rand(1, 3, 44, 60)
        values = program.interpret(other_size, (program.slot_of("style"),))
        torch.testing.assert_close(
            values[program.slot_of("style")], stylizer.style(other_size), rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("rivals", [[], ["adain_light"]], ids=["alone", "with a rival"])
def test_resumed_it_ends_with_the_same_bits(inputs: PictureInputs, rivals: list[str]) -> None:
    whole = RecordingReporter()
    expected = run(inputs, params(compare_with=rivals), whole)

    resumed = RecordingReporter(start=whole.checkpoints[2])
    result = run(inputs, params(compare_with=rivals), resumed)

    assert_same_weights(result.network, expected.network)
    assert dict(result.quality) == dict(expected.quality)


def test_no_held_out_picture_has_any_influence(
    inputs: PictureInputs, stylizer: TrainingResult
) -> None:
    evaluation = inputs.evaluation_set
    assert evaluation is not None
    changed = replace(
        inputs,
        evaluation_set=EvaluationSet(torch.zeros_like(evaluation.images), None, ()),
        held_out_styles=torch.zeros_like(inputs.held_out_styles),
    )

    assert_same_weights(run(changed, params(), RecordingReporter()).network, stylizer.network)


def test_a_rival_does_not_change_the_stylizer(
    inputs: PictureInputs, stylizer: TrainingResult
) -> None:
    result = run(inputs, params(compare_with=["cin"]), RecordingReporter())

    assert_same_weights(result.network, stylizer.network)


def test_layers_without_rows_are_refused(inputs: PictureInputs) -> None:
    with pytest.raises(UnfitLossNetworkError, match="10 have no rows"):
        run(inputs, params(layers=["1", "10"]), RecordingReporter())


def test_a_content_layer_is_one_of_the_layers(inputs: PictureInputs) -> None:
    with pytest.raises(UnfitLossNetworkError, match="none of the layers"):
        run(inputs, params(layers=["1", "4"], content_layer="7"), RecordingReporter())


def test_default_layers_are_the_last_before_each_reduction() -> None:
    layers = [
        ("a", (8, 64, 64)), ("b", (8, 64, 64)), ("c", (16, 32, 32)), ("d", (16, 16, 16)),
        ("e", (16, 16, 16)), ("f", (32, 8, 8)), ("g", (32, 4, 4)), ("h", (32,)),
    ]  # fmt: skip

    assert default_layers(layers, 64) == ["b", "c", "e", "f"]
