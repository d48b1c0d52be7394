"""Checkpoints as people save them: state dicts, below some key or inside a list, with prefixes."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from service.core.file_types import FileKind
from workers.programs.machine_faults import raise_machine_fault
from workers.programs.recognition import kind_of
from workers.programs.refusal import ProgramRefusedError
from zooscope.packing.refusal import PackingError

_DEPTH = 4
_TORCH_KINDS = {FileKind.CHECKPOINT, FileKind.PICKLE, FileKind.TORCHSCRIPT, FileKind.ZIP}
_UNTRUSTED = (
    "open it yourself once, in an environment without secrets, with "
    "torch.load(file, weights_only=False), and save only its weights: "
    "torch.save(network.state_dict(), 'weights.pth')"
)


def read_state_dicts(path: Path) -> tuple[dict[str, Tensor], ...]:
    """Every state dict that a checkpoint holds, the most likely first.

    Reads .pth, .pt, .th (zip or legacy, tensors on any device) with ``weights_only=True``, and
    safetensors.

    Raises:
        PackingError: ``not_a_checkpoint``, ``unsafe_checkpoint`` or ``no_weights_found``.
    """
    state_dicts = tuple(_state_dicts(_content(path), depth=0))
    if not state_dicts:
        raise PackingError(
            "no_weights_found",
            f"{path.name} holds no dictionary of tensors",
            "save network.state_dict() with torch.save",
        )
    return tuple(sorted(state_dicts, key=len, reverse=True))


def _content(path: Path) -> Any:
    kind = _kind(path)
    if kind is FileKind.SAFETENSORS:
        return _tensors(path)
    if kind is FileKind.TORCHSCRIPT or kind not in _TORCH_KINDS:
        raise PackingError(
            "not_a_checkpoint",
            f"{path.name} is {kind.value}",
            "give the .pth file with the network's state_dict",
        )
    return _unpickled(path)


def _tensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (SafetensorError, OSError) as error:
        raise PackingError("not_a_checkpoint", f"{path.name} is damaged: {error}", "save or download it again") from error  # fmt: skip


def _kind(path: Path) -> FileKind:
    try:
        return kind_of(path)
    except OSError as error:
        raise PackingError("not_a_checkpoint", f"{path} cannot be read: {error}", "check the path") from error  # fmt: skip
    except ProgramRefusedError:
        # The archive is odd to our strict reader; torch may still know it.
        return FileKind.CHECKPOINT


def _unpickled(path: Path) -> Any:
    try:
        # Weights only: no code of the checkpoint runs, here on its owner's own machine.
        return torch.load(path, map_location="cpu", weights_only=True)  # noqa: TID251
    except Exception as error:
        raise_machine_fault(error)
        raise PackingError(
            "unsafe_checkpoint",
            f"{path.name} holds more than weights, or is damaged: {str(error)[:300]}",
            _UNTRUSTED,
        ) from error


def _state_dicts(value: Any, *, depth: int) -> Iterator[dict[str, Tensor]]:
    """State dicts inside dictionaries, lists and tuples."""
    if depth > _DEPTH:
        return
    if isinstance(value, Mapping):
        tensors = {
            str(name): tensor for name, tensor in value.items() if isinstance(tensor, Tensor)
        }
        if tensors:
            yield tensors
        children: Any = value.values()
    elif isinstance(value, list | tuple):
        children = value
    else:
        return
    for child in children:
        if not isinstance(child, Tensor):
            yield from _state_dicts(child, depth=depth + 1)
