"""Multiply-adds are counted right, and drawn styles differ."""

import torch

from benchmarks.drawn_styles import FAMILIES, HELD_OUT, drawn_styles
from benchmarks.stylizer_measures import adain_vgg_multiply_adds, dominant_frequency
from service.core.manifest import StylizerHead, StylizerNetwork
from workers.methods.dynamic_instance_normalization.task import multiply_adds
from workers.torchkit.stylization.networks import ContentPath


def test_the_content_path_takes_a_twentieth_of_adain_with_vgg_at_most() -> None:
    path = ContentPath(StylizerHead(network=StylizerNetwork.DIN, width=16))

    own, vgg = multiply_adds(path, 256), adain_vgg_multiply_adds(256)

    assert own == 226_099_200
    assert vgg == 2 * 15_816_720_384
    assert vgg / own >= 20


def test_a_stylizer_predicts_2240_numbers() -> None:
    assert sum(ContentPath(StylizerHead(network=StylizerNetwork.DIN, width=16)).sizes) == 2240


def test_drawn_styles_are_reproducible_and_differ() -> None:
    styles = drawn_styles((*FAMILIES, *HELD_OUT), 9, side=32, seed=0)

    assert torch.equal(styles, drawn_styles((*FAMILIES, *HELD_OUT), 9, side=32, seed=0))
    assert styles.shape == (9, 32, 32, 3)
    assert len({style.numpy().tobytes() for style in styles}) == 9
    assert all(float(style.float().std()) > 1 for style in styles)


def test_finer_patterns_have_higher_frequencies() -> None:
    columns = torch.arange(64.0).expand(1, 3, 64, 64)

    coarse, fine = ((columns * frequency * 2 * torch.pi).sin() for frequency in (1 / 16, 1 / 4))

    assert abs(dominant_frequency(coarse) - 1 / 16) < 1e-3
    assert abs(dominant_frequency(fine) - 1 / 4) < 1e-3
