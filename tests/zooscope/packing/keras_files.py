"""Files of Keras with random weights."""

import os
from pathlib import Path
from typing import Any

import pytest

from workers import torchvision_operators


def keras() -> Any:
    """The library on its torch backend; the test is skipped where it is missing."""
    os.environ["KERAS_BACKEND"] = "torch"
    torchvision_operators.install()
    return pytest.importorskip("keras")


def scaling() -> Any:
    """A functional classifier that takes values from 0 to 255 and returns probabilities."""
    layers = keras().layers
    image = keras().Input((32, 24, 3))
    values = layers.Rescaling(1 / 255)(image)
    values = layers.Conv2D(8, 3, padding="same", activation="relu", name="stem")(values)
    values = layers.BatchNormalization(name="norm")(values)
    values = layers.DepthwiseConv2D(3, strides=2, padding="same")(values)
    values = layers.MaxPooling2D(2, padding="same")(values)
    values = layers.GlobalAveragePooling2D(name="pool")(values)
    values = layers.Dropout(0.5)(values)
    return keras().Model(image, layers.Dense(5, activation="softmax", name="head")(values))


def gray() -> Any:
    """A sequence for gray images of any height that returns scores."""
    layers = keras().layers
    return keras().Sequential(
        [
            keras().Input((None, 20, 1)),
            layers.RandomFlip(),
            layers.Conv2D(6, 3, activation="gelu", name="stem"),
            keras().Sequential([layers.SeparableConv2D(8, 3, name="deep")], name="body"),
            layers.LayerNormalization(),
            layers.GlobalMaxPooling2D(),
            layers.Dense(4, name="head"),
        ]
    )


def two_outputs() -> Any:
    """A network with an output for pixels and one for classes, in a list."""
    layers = keras().layers
    image = keras().Input((16, 16, 3))
    values = layers.Conv2D(6, 3, padding="same", activation="swish", name="stem")(image)
    pixels = layers.Conv2DTranspose(4, 3, strides=2, padding="same", name="pixels")(values)
    scores = layers.Dense(3, name="scores")(layers.GlobalMaxPooling2D()(values))
    return keras().Model(image, [pixels, scores])


def half_precision() -> Any:
    """A network that computes in 16 bits."""
    layers = keras().layers
    policy = "mixed_float16"
    return keras().Sequential(
        [
            keras().Input((16, 16, 3)),
            layers.Conv2D(6, 3, activation="relu", dtype=policy),
            layers.Flatten(dtype=policy),
            layers.Dense(4, dtype=policy),
        ]
    )


def with_lambda() -> Any:
    """A network that holds code."""
    layers = keras().layers
    return keras().Sequential(
        [
            keras().Input((8, 8, 3)),
            layers.Lambda(lambda images: images * 2),
            layers.Flatten(),
            layers.Dense(2),
        ]
    )


def with_own_layer() -> Any:
    """A network with a layer that is not in Keras."""
    layers = keras().layers

    class TwiceAsLarge(layers.Layer):  # type: ignore[misc, name-defined]
        def call(self, images: Any) -> Any:
            return images * 2

    return keras().Sequential([keras().Input((8, 8, 3)), TwiceAsLarge(), layers.Flatten()])


def many_channels() -> Any:
    """A network for images of five channels."""
    layers = keras().layers
    return keras().Sequential([keras().Input((8, 8, 5)), layers.Flatten(), layers.Dense(2)])


def vectors() -> Any:
    """A network that takes no images."""
    return keras().Sequential([keras().Input((8,)), keras().layers.Dense(2)])


def saved(network: Any, path: Path) -> Path:
    """The network as a ``.keras`` file."""
    network.save(path)
    return path
