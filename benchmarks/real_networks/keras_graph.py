"""Networks described by Keras' own JSON: a small interpreter of the layer kinds that we meet.

Only feed-forward graphs; every layer is called once. A final softmax is left out, so that the
network answers with logits: the sum of probabilities is 1 whatever the image shows, and explains
nothing.
"""

# A call of nn.Module is typed Any.
# mypy: disable-error-code="no-any-return"

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.real_networks.same_padding import pad_same

Config = Mapping[str, Any]
State = Mapping[str, Tensor]


class KerasConv(nn.Module):
    """A convolution with Keras' border and activation; the weight's shape decides the channels."""

    def __init__(self, config: Config, weight: Tensor, *, groups: int) -> None:
        super().__init__()
        self.same = config["padding"] == "same"
        self.stride = tuple(config["strides"])
        self.groups = groups
        self.weight = nn.Parameter(torch.empty_like(weight))
        bias = torch.empty(weight.shape[0]) if config["use_bias"] else None
        self.bias = None if bias is None else nn.Parameter(bias)
        self.activation = activation_named(config["activation"])

    def forward(self, maps: Tensor) -> Tensor:
        """The activated maps."""
        if self.same:
            maps = pad_same(maps, self.weight.shape[2:], self.stride)
        answer = functional.conv2d(
            maps, self.weight, self.bias, stride=self.stride, groups=self.groups
        )
        return self.activation(answer)


class SeparableConv(nn.Module):
    """A depthwise and a pointwise convolution, without biases."""

    def __init__(self, config: Config, state: State) -> None:
        super().__init__()
        deep, point = state["depthwise.weight"], state["pointwise.weight"]
        plain = {**config, "activation": "linear"}
        self.depthwise = KerasConv(plain, deep, groups=deep.shape[0])
        self.pointwise = KerasConv({**config, "strides": [1, 1]}, point, groups=1)

    def forward(self, maps: Tensor) -> Tensor:
        """The activated maps."""
        return self.pointwise(self.depthwise(maps))


class MaxPool(nn.Module):
    """The maximum in a window; a "SAME" border never wins."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.window, self.stride = tuple(config["pool_size"]), tuple(config["strides"])
        self.same = config["padding"] == "same"

    def forward(self, maps: Tensor) -> Tensor:
        """The pooled maps."""
        if self.same:
            maps = pad_same(maps, self.window, self.stride, value=float("-inf"))
        return functional.max_pool2d(maps, self.window, self.stride)


class GlobalMean(nn.Module):
    """The mean of every channel."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        self.keep = bool(config.get("keepdims"))

    def forward(self, maps: Tensor) -> Tensor:
        """(n, c), or (n, c, 1, 1) when the description keeps the axes."""
        return maps.mean(dim=(2, 3), keepdim=self.keep)


class Dense(nn.Linear):
    """A linear layer with Keras' activation."""

    def __init__(self, config: Config, weight: Tensor) -> None:
        super().__init__(weight.shape[1], weight.shape[0], bias=config["use_bias"])
        self.activation = activation_named(config["activation"])

    def forward(self, values: Tensor) -> Tensor:
        """The activated values."""
        return self.activation(super().forward(values))


class ChannelsLastFlatten(nn.Module):
    """All values of an image in Keras' order: row, column, channel."""

    def forward(self, maps: Tensor) -> Tensor:
        """(n, h * w * c)."""
        return maps.permute(0, 2, 3, 1).flatten(1)


class KerasSum(nn.Module):
    """The sum of its inputs."""

    def forward(self, *maps: Tensor) -> Tensor:
        """Maps of the inputs' shape."""
        return torch.stack(maps).sum(0) if len(maps) > 2 else maps[0] + maps[1]


def activation_named(name: str) -> nn.Module:
    """The module for Keras' name. Raises KeyError for one that we have not met."""
    kinds: dict[str, Callable[[], nn.Module]] = {
        "linear": nn.Identity,
        "softmax": nn.Identity,
        "relu": nn.ReLU,
    }
    return kinds[name]()


def _depthwise(config: Config, state: State) -> nn.Module:
    return KerasConv(config, state["weight"], groups=state["weight"].shape[0])


def _relu(config: Config) -> nn.Module:
    top = config["max_value"]
    return nn.ReLU() if top is None else nn.Hardtanh(0.0, float(top))


def _border(config: Config) -> nn.Module:
    (top, bottom), (left, right) = config["padding"]
    return nn.ZeroPad2d((left, right, top, bottom))


_FIXED: dict[str, Callable[[], nn.Module]] = {
    "InputLayer": nn.Identity,
    "Dropout": nn.Identity,
    "Add": KerasSum,
    "Flatten": ChannelsLastFlatten,
    "Reshape": nn.Flatten,
}
_DESCRIBED: dict[str, Callable[[Config], nn.Module]] = {
    "Activation": lambda config: activation_named(config["activation"]),
    "ReLU": _relu,
    "MaxPooling2D": MaxPool,
    "AveragePooling2D": lambda config: nn.AvgPool2d(
        tuple(config["pool_size"]), tuple(config["strides"])
    ),
    "GlobalAveragePooling2D": GlobalMean,
    "ZeroPadding2D": _border,
}
_WEIGHTED: dict[str, Callable[[Config, State], nn.Module]] = {
    "Conv2D": lambda config, state: KerasConv(
        config, state["weight"], groups=config.get("groups", 1)
    ),
    "DepthwiseConv2D": _depthwise,
    "SeparableConv2D": SeparableConv,
    "BatchNormalization": lambda config, state: nn.BatchNorm2d(
        len(state["running_mean"]), eps=config["epsilon"]
    ),
    "Dense": lambda config, state: Dense(config, state["weight"]),
}


def _module(kind: str, config: Config, state: State) -> nn.Module:
    """The module of one layer. Raises KeyError for a kind that is not in our tables."""
    if kind in _FIXED:
        return _FIXED[kind]()
    if kind in _DESCRIBED:
        return _DESCRIBED[kind](config)
    return _WEIGHTED[kind](config, state)


class KerasGraph(nn.Module):
    """The layers of a Keras description, called in its order.

    Raises:
        KeyError: The description uses a layer kind or an activation that is not in our tables.
    """

    def __init__(self, description: Mapping[str, Any], state: State) -> None:
        super().__init__()
        layers = description["config"]["layers"]
        self.sources = {layer["name"]: _sources(layer) for layer in layers}
        self.answer = description["config"]["output_layers"][0][0]
        for layer in layers:
            name = layer["name"]
            below = _below(state, name)
            self.add_module(name, _module(layer["class_name"], layer["config"], below))

    def forward(self, images: Tensor) -> Tensor:
        """What the description's first output layer answers, as logits."""
        outputs: dict[str, Tensor] = {}
        for name, sources in self.sources.items():
            inputs = [outputs[source] for source in sources] or [images]
            outputs[name] = self.get_submodule(name)(*inputs)
        return outputs[self.answer]


def _sources(layer: Mapping[str, Any]) -> list[str]:
    return [edge[0] for node in layer["inbound_nodes"] for edge in node]


def _below(state: State, name: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(name + "."): value
        for key, value in state.items()
        if key.startswith(name + ".")
    }
