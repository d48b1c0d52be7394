"""The architecture that a training script wrote into its checkpoint, by the script's own words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from service.core.file_types import FileKind
from zooscope.packing.checkpoints import file_kind, files_of
from zooscope.packing.inert_pickle import Inert
from zooscope.packing.torch_files import read_torch_file

# Where scripts keep their settings, and what they call the architecture there.
_SETTINGS = ("args", "hyper_parameters", "hparams", "config", "cfg", "opt", "options", "params")
_NAMES = ("arch", "architecture", "model", "model_name", "model_arch", "network", "net", "net_type",
          "backbone", "backbone_name", "encoder", "encoder_name", "name")  # fmt: skip
_PREFIX = re.compile(r"(hf[-_]hub:|timm[./]|torchvision\.models\.|torchvision[./])")
_LONGEST = 120
_DEPTH = 3


@dataclass(frozen=True)
class StatedName:
    """A name in a checkpoint, such as ``resnet18``, the path of keys to it, and the settings beside it."""

    name: str
    key: str
    settings: Mapping[str, Any]


def stated_names(path: Path) -> tuple[StatedName, ...]:
    """The names of architectures that a checkpoint may state, in the order of their weight.

    Raises:
        PackingError: The file is no checkpoint, or a shard is missing.
    """
    files = files_of(path)
    if len(files) != 1:
        return ()
    kind = file_kind(files[0])
    if kind is FileKind.SAFETENSORS:
        return tuple(_names(_safetensors_metadata(files[0]), key=(), depth=1))
    content = _mapping(read_torch_file(files[0]).value)
    below = {key: _mapping(content.get(key)) for key in _SETTINGS}
    # What a script says at the top goes together with its settings.
    whole = {**content, **{word: value for part in below.values() for word, value in part.items()}}
    own = [replace(stated, settings=whole) for stated in _names(content, key=(), depth=1)]
    others = (_names(part, key=(key,), depth=_DEPTH) for key, part in below.items())
    return (*own, *chain.from_iterable(others))


def _safetensors_metadata(path: Path) -> Mapping[str, Any]:
    from safetensors import safe_open

    with safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def _names(
    settings: Mapping[str, Any], *, key: tuple[str, ...], depth: int
) -> Iterator[StatedName]:
    """Names among settings, and in settings below them."""
    for word in _NAMES:
        value = _plain(settings.get(word))
        if isinstance(value, str) and 0 < len(value) <= _LONGEST:
            yield StatedName(_PREFIX.sub("", value), ".".join((*key, word)), settings)
        elif depth > 1:
            yield from _names(_mapping(value), key=(*key, word), depth=depth - 1)


def _mapping(value: Any) -> Mapping[str, Any]:
    """The settings that an object holds: a dictionary, or an inert object such as a Namespace."""
    if isinstance(value, Inert):
        # A configuration of OmegaConf has its entries in a field.
        value = value.fields.get("_content") or {**value.fields, **value.entries}
    if not isinstance(value, Mapping):
        return {}
    return {str(name): _plain(item) for name, item in value.items()}


def _plain(value: Any) -> Any:
    """The value of a node of OmegaConf; anything else as it is."""
    return value.fields["_val"] if isinstance(value, Inert) and "_val" in value.fields else value
