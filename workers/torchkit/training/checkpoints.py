"""Saving a training as a checkpoint and resuming it bit-exactly."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from workers.torchkit.protocols import Checkpoint
from workers.torchkit.training.state import Training

_RANDOM = "random.own"
_TORCH_RANDOM = "random.torch"
_OPTIMIZER = "optimizer"
_NETWORK = "network"
_MEMORY = "memory"


def checkpoint_of(training: Training) -> Checkpoint:
    """A checkpoint of networks, optimizers, memory, random states, progress and history."""
    tensors = {_RANDOM: training.generator.get_state(), _TORCH_RANDOM: torch.get_rng_state()}
    tensors |= {f"{_MEMORY}.{name}": value for name, value in training.memory.items()}
    for name, network in training.networks.items():
        for key, value in network.state_dict().items():
            tensors[f"{_NETWORK}.{name}.{key}"] = value
    for name, optimizer_group in training.optimizer_groups.items():
        for parameter_index, state in optimizer_group.optimizer.state_dict()["state"].items():
            for key, value in state.items():
                if value is not None:
                    tensors[f"{_OPTIMIZER}.{name}.{parameter_index}.{key}"] = value
    facts: dict[str, Any] = {name: getattr(training, name) for name in _FACTS}
    facts["history"] = list(training.history)
    facts["peaks"] = {
        name: optimizer_group.peak for name, optimizer_group in training.optimizer_groups.items()
    }
    return Checkpoint(tensors, facts)


_FACTS = ("stage", "step", "taken", "seconds", "bad_losses", "converged")


def load_progress(training: Training, checkpoint: Checkpoint | None) -> None:
    """Loads networks, memory and progress from the checkpoint; does nothing without one."""
    if checkpoint is None:
        return
    for name, network in training.networks.items():
        network.load_state_dict(_below(checkpoint.tensors, f"{_NETWORK}.{name}."))
    training.memory.update(_below(checkpoint.tensors, f"{_MEMORY}."))
    for name in _FACTS:
        setattr(training, name, checkpoint.facts.get(name, getattr(training, name)))
    training.history = list(checkpoint.facts["history"])


def restore(training: Training, checkpoint: Checkpoint | None) -> None:
    """Loads optimizers and random states once the stage's optimizer groups exist; nothing without one."""
    if checkpoint is None:
        return
    for name, optimizer_group in training.optimizer_groups.items():
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(checkpoint.tensors, f"{_OPTIMIZER}.{name}.").items():
            parameter_index, _, key_of_state = key.partition(".")
            states.setdefault(int(parameter_index), {})[key_of_state] = value
        groups = optimizer_group.optimizer.state_dict()["param_groups"]
        optimizer_group.optimizer.load_state_dict({"state": states, "param_groups": groups})
        optimizer_group.peak = checkpoint.facts["peaks"].get(name, optimizer_group.peak)
    training.generator.set_state(checkpoint.tensors[_RANDOM])
    torch.set_rng_state(checkpoint.tensors[_TORCH_RANDOM])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Entries whose names start with ``prefix``, without the prefix."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
