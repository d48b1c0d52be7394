"""An uploaded network is attributed exactly as the module it was exported from."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from service.core.catalog.measurement import Attribution
from tests.workers.torchkit.small_networks import (
    PLAIN,
    SIDE,
    convolutional,
    reader_of,
    some_images,
)
from workers.programs.program import Program
from workers.programs.reading import read_program
from workers.torchkit.attribution.attribution import MapSettings, feature_maps
from workers.torchkit.attribution.captum_methods import METHODS
from workers.torchkit.attribution.features import FeatureReader
from workers.torchkit.devices import CANDIDATES, REFERENCE, computing_under


def exported(network: nn.Module, folder: Path) -> Program:
    batch = torch.export.Dim("batch", min=1, max=256)
    example = torch.zeros(4, 3, SIDE, SIDE)
    graph = torch.export.export(network.eval(), (example,), dynamic_shapes=({0: batch},))
    torch.export.save(graph, folder / "network.pt2")
    return read_program(folder / "network.pt2")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
@pytest.mark.parametrize("attribution", Attribution)
def test_a_program_and_its_module_have_the_same_maps(
    attribution: Attribution, activation: type[nn.Module], tmp_path: Path
) -> None:
    network = convolutional(activation)[:7]
    program = exported(network, tmp_path)
    images = some_images(4)

    uploaded, eager = (
        feature_maps(
            reader, images, PLAIN, METHODS[attribution], settings=MapSettings(layer=layer)
        )
        for reader, layer in ((program, "output"), (reader_of(network), None))
    )

    assert_close(uploaded.maps, eager.maps, atol=1e-5, rtol=1e-4)
    assert_close(uploaded.features, eager.features)


@pytest.mark.filterwarnings("ignore")
def test_a_program_is_a_feature_reader_whose_weights_come_back(tmp_path: Path) -> None:
    program = exported(convolutional(), tmp_path)
    before = program.fingerprint

    with computing_under(CANDIDATES[-1], program):
        pass

    assert isinstance(program, FeatureReader)
    assert program.fingerprint == before


@pytest.mark.filterwarnings("ignore")
def test_every_candidate_policy_runs_on_a_program_and_keeps_its_maps_close(tmp_path: Path) -> None:
    program, images = exported(convolutional(), tmp_path), some_images(256)

    result = feature_maps(
        program,
        images,
        PLAIN,
        METHODS[Attribution.GRADIENT_X_INPUT],
        settings=MapSettings(layer="output"),
    )

    assert result.policy.map_cosine > 0.999
    assert result.policy.layout in {policy.layout for policy in (REFERENCE, *CANDIDATES)}
