"""Programs that stay loaded between predictions."""

from collections import OrderedDict
from dataclasses import dataclass, field
from pathlib import Path

import torch

from workers.child.few_shot import OutputCache
from workers.programs import Program, read_program


@dataclass
class ProgramCache:
    """Loaded programs, the least recently used first; bounded by the bytes of their weights."""

    max_bytes: int
    device: torch.device
    outputs: OutputCache = field(default_factory=OutputCache)
    _programs: OrderedDict[str, Program] = field(default_factory=OrderedDict)

    def get(self, digest: str) -> Program | None:
        """The program if it is loaded, marked as used just now."""
        if digest in self._programs:
            self._programs.move_to_end(digest)
        return self._programs.get(digest)

    def put(self, digest: str, file: Path) -> Program:
        """Load a program and evict the least recently used ones. Raises ZooError."""
        program = read_program(file).to(self.device)
        self._programs[digest] = program
        while len(self._programs) > 1 and self._bytes() > self.max_bytes:
            self._programs.popitem(last=False)
        return program

    def _bytes(self) -> int:
        return sum(
            weight.numel() * weight.element_size()
            for program in self._programs.values()
            for _, weight in program.named_weights()
        )
