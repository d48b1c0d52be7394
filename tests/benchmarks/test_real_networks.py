"""Every published network is rebuilt from its description and does what was published."""

from pathlib import Path

import pytest
import torch

from benchmarks.real_networks import NETWORKS, RealNetwork
from benchmarks.real_networks.checks import measured
from benchmarks.real_networks.keras_graph import KerasGraph
from benchmarks.real_networks.pidinet import PiDiNet, with_plain_kernels
from benchmarks.real_networks.same_padding import pad_same

DATA = Path(__file__).parents[2] / ".." / "shared" / "data" / "real"
IMAGES = 100
# Five points, and what a hundred images can be off by chance (two standard errors at 75 %).
SLACK = 5 + 2 * 4.4

real_data = [
    pytest.mark.real_data,
    pytest.mark.skipif(
        not (DATA / "weights").is_dir(), reason=f"no real networks in {DATA / 'weights'}"
    ),
]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("network", NETWORKS, ids=lambda network: network.name)
class TestPublishedNetwork:
    pytestmark = real_data

    def test_it_takes_its_weights_and_answers_to_the_input_it_states(self, network: RealNetwork):
        spec = network.input

        answer = network.module(DATA)(torch.rand(2, spec.channels, spec.height, spec.width))

        assert answer.isfinite().all()
        assert answer.shape[0] == 2
        if network.classes is not None:
            assert answer.shape[1] == len(network.classes)

    def test_it_reaches_the_figure_that_was_published(self, network: RealNetwork):
        if network.claimed is None:
            pytest.skip("no figure was published, or no labelled images are here")
        few = 6 if network.name.startswith("espnet") else IMAGES

        measurement = measured(network, DATA, limit=few)

        assert measurement is not None
        assert measurement.figure >= network.claimed - SLACK


def test_same_padding_gives_odd_pixels_to_the_end():
    padded = pad_same(torch.ones(1, 1, 4, 4), (3, 3), (2, 2))

    assert padded.shape == (1, 1, 5, 5)
    assert padded[0, 0, 0, 0] == 1
    assert padded[0, 0, -1].sum() == 0


def test_same_padding_leaves_a_fitting_image_alone():
    image = torch.rand(1, 2, 6, 6)

    assert pad_same(image, (1, 1), (2, 2)) is image


def test_plain_kernels_answer_as_the_differences_they_stand_for():
    torch.manual_seed(0)
    network = PiDiNet(4, 4).eval()
    for weight in network.parameters():
        torch.nn.init.normal_(weight, std=0.2)
    image = torch.rand(1, 3, 32, 32)

    with torch.no_grad():
        before = network(image)
        after = with_plain_kernels(network)(image)

    torch.testing.assert_close(before, after)


def test_a_difference_convolution_is_blind_to_a_constant_image():
    torch.manual_seed(0)
    network = PiDiNet(4, 4).eval()
    torch.nn.init.normal_(network.init_block.weight)

    with torch.no_grad():
        maps = network.init_block(torch.ones(1, 3, 9, 9))

    torch.testing.assert_close(maps[:, :, 1:-1, 1:-1], torch.zeros(1, 4, 7, 7), atol=1e-5, rtol=0)


def test_a_layer_kind_that_was_never_met_is_refused_by_name():
    layer = {"class_name": "LSTM", "name": "memory", "config": {}, "inbound_nodes": []}
    described = {"config": {"layers": [layer], "output_layers": [["memory", 0, 0]]}}

    with pytest.raises(KeyError, match="LSTM"):
        KerasGraph(described, {})
