"""Checkpoints as trainers write them: tensors below some key, inside a list, in shards, in a module."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from service.core.file_types import FileKind
from workers.programs.recognition import kind_of
from workers.programs.refusal import ProgramRefusedError
from zooscope.packing.inert_pickle import Inert
from zooscope.packing.refusal import PackingError
from zooscope.packing.torch_files import read_torch_file

_DEPTH = 8
_MOST_MODULES = 100_000
_MOST_NESTED = 200
_TORCH_KINDS = {FileKind.CHECKPOINT, FileKind.PICKLE, FileKind.ZIP}
_SHARD = re.compile(r"(.+)-(\d{5})-of-(\d{5})(\.[A-Za-z]+)")
_INDEX = ".index.json"
_SAVE = "save its weights: torch.save(network.state_dict(), 'weights.pth')"


@dataclass(frozen=True)
class StateDict:
    """Tensors by name; ``key`` is the path of keys to them, empty for those of the file itself."""

    key: str
    tensors: Mapping[str, Tensor]


def read_state_dicts(path: Path) -> tuple[StateDict, ...]:
    """Every dictionary of tensors that a checkpoint holds, in its order.

    Reads .pth, .pt, .th, .ckpt, .bin (zip or legacy, tensors on any device) and safetensors; a shard, or the
    index of shards, stands for all of them. Objects that are not tensors are never imported or called;
    the weights of a whole pickled module are those in its modules.

    Raises:
        PackingError: ``not_a_checkpoint``, ``unsafe_checkpoint``, ``shard_missing`` or
            ``no_weights_found``.
    """
    files = files_of(path)
    return _read(files[0]) if len(files) == 1 else (StateDict("", _merged(files)),)


def files_of(path: Path) -> tuple[Path, ...]:
    """The files of a checkpoint: all shards for one of them or for their index, else the file.

    Raises:
        PackingError: ``shard_missing``, or the index is damaged.
    """
    if path.name.endswith(_INDEX):
        names = _indexed(path)
    elif (shard := _SHARD.fullmatch(path.name)) is not None:
        stem, count, ending = shard[1], int(shard[3]), shard[4]
        names = [f"{stem}-{number:05}-of-{count:05}{ending}" for number in range(1, count + 1)]
    else:
        return (path,)
    files = tuple(path.with_name(name) for name in names)
    missing = [file.name for file in files if not file.is_file()]
    if missing:
        raise PackingError(
            "shard_missing",
            f"{len(missing)} of {len(files)} shards are missing: {', '.join(missing[:4])}",
            f"put them beside {path.name}",
        )
    return files


def _indexed(path: Path) -> list[str]:
    """The names of the shards in an index."""
    try:
        names = list(dict.fromkeys(json.loads(path.read_bytes())["weight_map"].values()))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PackingError("not_a_checkpoint", f"{path.name} is no index of shards", "save or download it again") from error  # fmt: skip
    if not names or not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise PackingError("not_a_checkpoint", f"{path.name} names files outside of its folder", "save or download it again")  # fmt: skip
    return names


def _merged(files: Iterable[Path]) -> dict[str, Tensor]:
    """The tensors of all shards."""
    tensors: dict[str, Tensor] = {}
    for file in files:
        for state_dict in _read(file):
            tensors.update(state_dict.tensors)
    return tensors


def _read(file: Path) -> tuple[StateDict, ...]:
    """Every dictionary of tensors in one file."""
    kind = file_kind(file)
    if kind is FileKind.SAFETENSORS:
        return (StateDict("", _safetensors(file)),)
    if kind not in _TORCH_KINDS:
        raise PackingError(
            "not_a_checkpoint",
            f"{file.name} is {kind.value}",
            "give the .pth file with the network's state_dict",
        )
    content = read_torch_file(file)
    state_dicts = tuple(_state_dicts(content.value, key=(), visited=set()))
    if not state_dicts:
        raise _without_weights(file, content.names)
    return state_dicts


def _safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise PackingError("not_a_checkpoint", f"{path.name} is damaged: {error}", "save or download it again") from error  # fmt: skip


def file_kind(path: Path) -> FileKind:
    """The kind of a file; a checkpoint if its archive is odd.

    Raises:
        PackingError: ``not_a_checkpoint``, if it cannot be read.
    """
    try:
        return kind_of(path)
    except OSError as error:
        raise PackingError("not_a_checkpoint", f"{path} cannot be read: {error.strerror}", "check the path") from error  # fmt: skip
    except ProgramRefusedError:
        # The archive is odd to our strict reader of uploads; it may still be a checkpoint.
        return FileKind.CHECKPOINT


def _without_weights(path: Path, names: tuple[str, ...]) -> PackingError:
    """The error for a file without any dictionary of tensors."""
    if names:
        return PackingError(
            "unsafe_checkpoint",
            f"{path.name} has no weights outside of objects that are never unpickled: "
            f"{', '.join(names[:4])}",
            f"open it yourself once, in an environment without secrets, and {_SAVE}",
        )
    return PackingError("no_weights_found", f"{path.name} holds no dictionary of tensors", _SAVE)


def _state_dicts(value: Any, *, key: tuple[str, ...], visited: set[int]) -> Iterator[StateDict]:
    """State dicts inside dictionaries, lists, tuples and inert objects, each object once."""
    if id(value) in visited or len(key) > _DEPTH:
        return
    visited.add(id(value))
    if isinstance(value, Inert) and "_parameters" in value.fields:
        budget = iter(range(_MOST_MODULES))
        yield StateDict(".".join(key), dict(_module_tensors(value, "", budget)))
        return
    if isinstance(value, Mapping):
        tensors = {str(name): item for name, item in value.items() if isinstance(item, Tensor)}
        if tensors:
            yield StateDict(".".join(key), tensors)
    for name, child in _children(value):
        if not isinstance(child, Tensor):
            yield from _state_dicts(child, key=(*key, name), visited=visited)


def _children(value: Any) -> Iterator[tuple[str, Any]]:
    """What a container or an inert object holds, with the word that leads to it."""
    if isinstance(value, Mapping):
        yield from ((str(name), child) for name, child in value.items())
    elif isinstance(value, list | tuple):
        yield from ((str(position), child) for position, child in enumerate(value))
    elif isinstance(value, Inert):
        yield "fields", value.fields
        yield "entries", value.entries
        yield "items", value.items
        yield "arguments", value.arguments


def _module_tensors(
    module: Any, prefix: str, budget: Iterator[int]
) -> Iterator[tuple[str, Tensor]]:
    """The tensors that ``state_dict`` of a pickled module would return.

    ``budget`` has an item for each module that may still be visited: one can contain itself.
    """
    if not isinstance(module, Inert):
        return
    if next(budget, None) is None or prefix.count(".") > _MOST_NESTED:
        raise PackingError("not_a_checkpoint", "its modules contain each other", _SAVE)
    transient = module.fields.get("_non_persistent_buffers_set") or ()
    for group in ("_parameters", "_buffers"):
        for name, tensor in dict(module.fields.get(group) or {}).items():
            if isinstance(tensor, Tensor) and name not in transient:
                yield f"{prefix}{name}", tensor
    for name, child in dict(module.fields.get("_modules") or {}).items():
        yield from _module_tensors(child, f"{prefix}{name}.", budget)
