"""A network of the zoo learns a labelled set from a layer on, and the one it came from stays."""

from pathlib import Path

import pytest
import torch
from torch import nn

from service.core.catalogue.fine_tune import FineTuneParams
from service.core.manifest import InputSpec
from workers.contract import Diary
from workers.methods.fine_tune import Inputs, run
from workers.programs import Program
from workers.programs.exporting import export_network
from workers.programs.trainable import TrainableProgram

SIDE = 8
SHORT = {"steps": 40, "batch_size": 8, "rate": 0.02, "seconds_between_checkpoints": 0.0}


@pytest.fixture
def source(tmp_path: Path) -> Program:
    torch.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.Conv2d(6, 4, 3), nn.Flatten()
    )
    return export_network(net.eval(), (3, SIDE, SIDE), tmp_path / "net.pt2")


def inputs_of(source: Program, layer: str) -> Inputs:
    labels = torch.arange(60) % 2
    noise = torch.randint(0, 120, (60, SIDE, SIDE, 3), generator=torch.Generator().manual_seed(0))
    images = (noise + 120 * labels[:, None, None, None]).to(torch.uint8)
    spec = InputSpec(height=SIDE, width=SIDE)
    return Inputs("tuned", source, spec, layer, images, labels, ("dark", "bright"))


def test_it_learns_while_its_source_stays(source: Program) -> None:
    before = source.fingerprint

    found = run(inputs_of(source, "2"), FineTuneParams.model_validate(SHORT), Diary())

    assert found.quality["accuracy"] >= 0.9
    assert source.fingerprint == before


def test_resumed_it_ends_with_the_same_weights(source: Program) -> None:
    whole, params = Diary(), FineTuneParams.model_validate(SHORT)
    expected = run(inputs_of(source, "2"), params, whole)

    found = run(inputs_of(source, "2"), params, Diary(start=whole.kept[9]))

    for name, value in expected.network.state_dict().items():
        torch.testing.assert_close(found.network.state_dict()[name], value, rtol=0, atol=0)


def test_a_trainable_view_says_what_the_program_says_and_holds_only_what_it_needs(
    source: Program,
) -> None:
    images = torch.randn(5, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))

    view = TrainableProgram(source, "2")

    torch.testing.assert_close(view(images), source.read(images, ["2"])["2"].mean(dim=(2, 3)))
    assert {tuple(one.shape) for one in view.parameters()} == {(6, 3, 3, 3), (6,)}
    assert all(one.requires_grad for one in view.parameters())
