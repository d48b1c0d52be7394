"""Networks in ``.keras`` files, loaded by the user's Keras 3 on its torch backend."""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from service.core.file_types import FileKind
from workers import torchvision_operators
from workers.programs.names import named_layers
from workers.programs.recognition import kind_of
from workers.programs.refusal import ProgramRefusedError
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources.checkpoint_networks import manifest_beside, read_note, written_in
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.network import ImportableNetwork, LoadedNetwork, revision_of
from zooscope.packing.user_code import running

_OLDEST = 3
_RANK = 4
_CHANNELS = {1, 3}
_SMALLEST_RAW_SCALE = 1 / 32
_RAW = {"range": (0.0, 255.0), "mean": (0.0,), "std": (1.0,)}
_RAW_NOTE = "the network takes values from 0 to 255 and scales them itself"
_FOREIGN = re.compile(r"Could not locate (?:class|function) '([^']{1,80})'")
_LOADABLE = "load it with keras.saving.load_model(…) and a recent Keras 3, and save it again"
_OTHER_WAY = (
    "save the network without that layer, or write it as ONNX where its code is "
    "(network.export('net.onnx', format='onnx')) and use `import onnx`"
)


class KerasNetwork(nn.Module):
    """A network of Keras that takes images with the channels first.

    Args:
        network: Built by Keras on its torch backend.
        channels_last: Whether it takes images as (n, height, width, channels).
    """

    def __init__(self, network: Any, *, channels_last: bool) -> None:
        super().__init__()
        self.network = network
        self._channels_last = channels_last

    def forward(self, images: Tensor) -> Any:
        """The output, or the outputs by name."""
        import keras

        values = images.permute(0, 2, 3, 1) if self._channels_last else images
        with keras.device("cpu"), _naming_layers(self.network):
            answer = self.network(values, training=False)
        if isinstance(answer, list | tuple):
            return dict(zip(_output_names(self.network, len(answer)), answer, strict=True))
        return answer


def of(name: str, details: Details) -> ImportableNetwork:
    """The network in a ``.keras`` file; a manifest beside it, or ``details.manifest``, says what it lacks.

    Raises:
        PackingError: ``not_keras``, ``library_missing``, ``library_too_old``, ``custom_layer``,
            ``weights_not_loaded``, ``not_one_image_input`` or ``invalid_manifest``.
    """
    path = Path(name)
    _require_archive(path)
    network = _loaded(path)
    channels_last, spec = _input(network, path)
    beside = manifest_beside(path) if details.manifest is None else None
    written = written_in(beside or details.manifest)
    is_raw = _scales_itself(network)
    stated = {
        "name": path.stem,
        "source": line(f"keras: {path.name}"),
        **({"task": "classification"} if _ends_in_softmax(network) else {}),
        **written,
        "input": spec | (_RAW if is_raw else {}) | dict(written.get("input") or {}),
    }
    module = KerasNetwork(network, channels_last=channels_last)
    notes = (*read_note(beside), *((_RAW_NOTE,) if is_raw else ()))
    return ImportableNetwork(
        name, stated, lambda: LoadedNetwork(module, revision_of([path])), notes
    )


def _require_archive(path: Path) -> None:
    """Require a ``.keras`` file and a Keras that reads it."""
    kind = _kind(path)
    if kind is FileKind.KERAS_H5:
        raise PackingError(
            "not_keras",
            f"{path.name} is {kind}, the form before Keras 3",
            f"convert it once: keras.saving.load_model('{path.name}').save('{path.stem}.keras')",
        )
    if kind is not FileKind.KERAS:
        raise PackingError("not_keras", f"{path} is {kind}, no .keras file", "save it with network.save('net.keras')")  # fmt: skip
    if find_spec("keras") is None:
        raise PackingError("library_missing", f"{path.name} is a network of Keras, which is not installed", "pip install 'keras>=3'")  # fmt: skip


def _kind(path: Path) -> FileKind:
    if not path.is_file():
        raise PackingError("not_keras", f"there is no file {path}", "check the path")
    try:
        return kind_of(path)
    except ProgramRefusedError:
        return FileKind.ZIP


def _loaded(path: Path) -> Any:
    """The network with its weights, in float32. Code in the file is never run."""
    os.environ["KERAS_BACKEND"] = "torch"  # noqa: TID251 - Keras reads its backend from there alone
    torchvision_operators.install()
    with running("library_missing", "Keras cannot be imported", "pip install 'keras>=3'"):
        import keras
    if int(keras.__version__.partition(".")[0]) < _OLDEST:
        raise PackingError("library_too_old", f"this is Keras {keras.__version__}", "pip install 'keras>=3'")  # fmt: skip
    if keras.config.backend() != "torch":
        raise PackingError(
            "library_missing",
            f"Keras runs on {keras.config.backend()} here, because something imported it before",
            "set KERAS_BACKEND=torch, then run the command again",
        )
    with running("weights_not_loaded", f"Keras cannot load {path.name}", _LOADABLE), keras.device("cpu"):  # fmt: skip
        network = _deserialized(path)
        for layer in network._flatten_layers():
            layer.dtype_policy = "float32"
    return network


def _deserialized(path: Path) -> Any:
    """What Keras reads from the file.

    Raises:
        PackingError: ``custom_layer``, which names the first part that is not in Keras.
    """
    import keras

    try:
        return keras.saving.load_model(str(path), compile=False, safe_mode=True)
    except (TypeError, ValueError) as error:
        foreign = _FOREIGN.search(str(error))
        what = f"{foreign[1]}, which is not in Keras" if foreign else "a Lambda layer"
        if not foreign and "Lambda" not in str(error):
            raise
        raise PackingError("custom_layer", f"{path.name} needs {what}: code is never taken from a file", _OTHER_WAY) from error  # fmt: skip


def _input(network: Any, path: Path) -> tuple[bool, dict[str, Any]]:
    """Whether the channels come last, and the sizes of the image that the network fixes."""
    shapes = [tuple(tensor.shape) for tensor in getattr(network, "inputs", None) or ()]
    if len(shapes) != 1 or len(shapes[0]) != _RANK:
        raise PackingError(
            "not_one_image_input",
            f"{path.name} takes {_described(shapes)} instead of one batch of images",
            "save a network whose only input is keras.Input((height, width, channels))",
        )
    _, first, second, last = shapes[0]
    channels_last = last in _CHANNELS or first not in _CHANNELS
    channels = last if channels_last else first
    if channels not in _CHANNELS:
        raise PackingError("not_one_image_input", f"{path.name} takes images of {channels} channels", "use a network for 1 or 3 channels")  # fmt: skip
    height, width = (first, second) if channels_last else (second, last)
    sizes = {"channels": channels, "height": height, "width": width}
    return channels_last, {name: size for name, size in sizes.items() if size is not None}


def _described(shapes: Sequence[tuple[Any, ...]]) -> str:
    listed = " and ".join(str(shape).replace("None", "any") for shape in shapes)
    return listed or "inputs of unknown shape"


def _scales_itself(network: Any) -> bool:
    """Whether a Rescaling layer before all trained layers expects values from 0 to 255."""
    import keras

    for layer in _layers(network):
        if isinstance(layer, keras.layers.Rescaling):
            return bool(abs(_largest(layer.scale)) <= _SMALLEST_RAW_SCALE)
        if layer.trainable_weights:
            return False
    return False


def _largest(scale: Any) -> float:
    return max(map(float, scale)) if isinstance(scale, list | tuple) else float(scale)


def _layers(network: Any) -> Iterator[Any]:
    """The layers without others inside, in the order of the network."""
    for layer in network.layers:
        if getattr(layer, "layers", None):
            yield from _layers(layer)
        else:
            yield layer


def _ends_in_softmax(network: Any) -> bool:
    """Whether the only output is one probability per class."""
    import keras

    last = list(_layers(network))[-1]
    is_vector = len(network.outputs) == 1 and len(network.outputs[0].shape) == 2  # noqa: PLR2004
    is_softmax = getattr(last, "activation", None) is keras.activations.softmax
    return is_vector and (is_softmax or isinstance(last, keras.layers.Softmax))


def _output_names(network: Any, count: int) -> list[str]:
    """A name for each output: that of the layer it comes from, or its position."""
    names = [tensor._keras_history.operation.name for tensor in network.outputs]
    return names if len(set(names)) == count else [str(position) for position in range(count)]


@contextmanager
def _naming_layers(network: Any) -> Iterator[None]:
    """Within it, exported calls carry the names of the layers of Keras that make them."""
    from keras.layers import Layer

    original = Layer.__call__
    layers: list[tuple[str, str]] = []

    def call(layer: Any, *arguments: Any, **keywords: Any) -> Any:
        if layer is network:
            return original(layer, *arguments, **keywords)
        parent = f"{layers[-1][0]}." if layers else ""
        layers.append((f"{parent}{layer.name}", type(layer).__name__))
        try:
            with named_layers(layers):
                return original(layer, *arguments, **keywords)
        finally:
            layers.pop()

    Layer.__call__ = call
    try:
        yield
    finally:
        Layer.__call__ = original
