"""Published weights into our modules, through the reader that ``zooscope pack`` uses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn

from benchmarks.real_networks.keras_graph import KerasGraph
from zooscope.packing import load_weights
from zooscope.packing.checkpoints import read_state_dicts


def loaded(network: nn.Module, path: Path) -> nn.Module:
    """The network with exactly the file's weights, in evaluation mode.

    Raises:
        PackingError: A key has no place, or a place has no key.
    """
    load_weights(network, path)
    return network.eval().requires_grad_(requires_grad=False)


def keras_network(path: Path) -> nn.Module:
    """The network of ``<name>.arch.json`` with the weights of ``<name>.pth``."""
    text = path.with_name(path.stem + ".arch.json").read_text(encoding="utf-8")
    described: dict[str, Any] = json.loads(text)
    described = described.get("keras_config", described)
    return loaded(KerasGraph(described, read_state_dicts(path)[0].tensors), path)


def builder(make: Callable[[], nn.Module]) -> Callable[[Path], nn.Module]:
    """A function from weights file to network, for a network that needs no description."""
    return lambda path: loaded(make(), path)
