"""Which memory the calls of a dry run make and touch."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import torch
from torch import Tensor

from workers.programs.instructions import Instruction
from workers.programs.liveness import MemoryTrace, TracedCall

_FLOAT32_BYTES = 4


@dataclass
class MemoryTracer:
    """Collects the calls; memory that exists before the first one is that of images and weights.

    The tensors must outlive the tracer, which tells their memory apart by its address.
    """

    native: torch.dtype
    existing: frozenset[int]
    _calls: list[TracedCall] = field(default_factory=list)
    _made: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, memory: Mapping[int, Any], native: torch.dtype) -> Self:
        """A tracer of a run that starts with these values, in which floats are of type ``native``."""
        return cls(native, frozenset(_storages(memory.values())))

    def add(self, instruction: Instruction, memory: Mapping[int, Any], *, per_image: bool) -> None:
        """Record a call that has just run."""
        outputs = {slot: memory[slot] for slot in instruction.outputs}
        tensors = [value for value in outputs.values() if isinstance(value, Tensor)]
        made = {_storage(tensor): self._stored_bytes(tensor) for tensor in tensors}
        made = {key: size for key, size in made.items() if self._is_new(key)}
        self._made.update(made)
        read = _storages(memory[slot] for slot in instruction.reads)
        touched = {*read, *_storages(tensors)} - self.existing
        gradients = {
            slot: value.numel() * _FLOAT32_BYTES
            for slot, value in outputs.items()
            if isinstance(value, Tensor) and value.is_floating_point()
        }
        call = TracedCall(made, frozenset(touched), gradients, instruction.reads, per_image)
        self._calls.append(call)

    def trace(
        self, memory: Mapping[int, Any], *, image: int, outputs: tuple[int, ...]
    ) -> MemoryTrace:
        """The recorded run."""
        images: Tensor = memory[image]
        results = frozenset(_storages(memory[slot] for slot in outputs))
        image_bytes = images.numel() * _FLOAT32_BYTES
        return MemoryTrace(tuple(self._calls), len(images), image_bytes, results)

    def _is_new(self, storage: int) -> bool:
        return storage not in self.existing and storage not in self._made

    def _stored_bytes(self, tensor: Tensor) -> int:
        """Bytes of the tensor's memory when the program runs in float32."""
        size = tensor.untyped_storage().nbytes()
        is_native = tensor.dtype is self.native
        return size // tensor.element_size() * _FLOAT32_BYTES if is_native else size


def _storages(values: Iterable[Any]) -> set[int]:
    return {_storage(value) for value in values if isinstance(value, Tensor)}


def _storage(tensor: Tensor) -> int:
    """The identity of the memory behind a tensor; on the meta device it has no data pointer."""
    return int(tensor.untyped_storage()._cdata)
