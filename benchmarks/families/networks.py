"""Families as sketches, stored in a folder so that rules are compared in seconds."""

import json
import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.families.members import base, members
from benchmarks.families.nets import SIDE
from service.core.families.sketch import Sketch, WeightTensor
from workers.programs.exporting import export_network
from workers.programs.program import Program
from workers.programs.weight_fingerprints import weights_fingerprint
from workers.programs.weight_sketches import weight_sketch

Stored = dict[str, Any]


def family(architecture: str, seed: int, cache: Path) -> list[Stored]:
    """The base and all members, each with its name, its true relation and its sketch."""
    file = cache / f"{architecture}-{seed}.json"
    if not file.exists():
        root = base(architecture, seed)
        rows = [("base", root, "base")]
        rows += [(m.name, m.network, m.relation) for m in members(architecture, seed, root)]
        exported = program_of(root)
        stored = [
            {
                "name": name,
                "relation": relation,
                **sketched(with_weights(exported, network) or program_of(network)),
            }
            for name, network, relation in rows
        ]
        file.write_text(json.dumps(stored))
    loaded: list[Stored] = json.loads(file.read_text())
    return loaded


def program_of(network: nn.Module, shape: tuple[int, int, int] = (1, SIDE, SIDE)) -> Program:
    """The network as the zoo runs it, by way of a file."""
    with tempfile.TemporaryDirectory() as folder:
        return export_network(network.eval(), shape, Path(folder) / "program.pt2")


def with_weights(program: Program, network: nn.Module) -> Program | None:
    """The program with the weights of another network of the same structure; None for another one."""
    tensors, names = network.state_dict(), program.listing.weights
    before = dict(program.named_weights())
    if any(name not in tensors or tensors[name].shape != before[name].shape for name in before):
        return None
    weights = {slot: tensors[name].detach() for slot, name in names.items()}
    return Program(
        program.listing, program._interface, weights, dtype=program.dtype, native=torch.float32
    )


def sketched(program: Program) -> Stored:
    """What a check of the network stores."""
    sketch = weight_sketch(program)
    assert sketch is not None
    return {
        **asdict(sketch),
        "contents": weights_fingerprint(program),
        "program": program.fingerprint,
    }


def sketch_of(stored: Stored) -> Sketch:
    """The sketch of a stored network."""
    weights = tuple(map(WeightTensor.of, stored["weights"]))
    return Sketch(weights, stored["others"], stored["contents"], stored["program"])
