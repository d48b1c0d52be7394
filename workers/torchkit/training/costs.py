"""Floating-point operations of parts of a network."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from workers.torchkit.attribution.features import FeatureReader, Slope


def operations_up_to(
    reader: FeatureReader, one_input: Tensor, layers: Sequence[str]
) -> dict[str, int]:
    """Floating-point operations of one image from the input up to each layer.

    Two per multiply-add of convolutions, matrix products and attention, as torch counts them.
    """
    return {layer: _operations(reader, one_input, layer) for layer in layers}


def _operations(reader: FeatureReader, one_input: Tensor, layer: str) -> int:
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        reader.read(one_input, [layer], slope=Slope.EXACT)
    return int(counter.get_total_flops())
