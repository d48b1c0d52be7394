"""A training as a checkpoint, and a checkpoint as a training that goes on to the last bit."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from workers.contract import Checkpoint
from workers.torchkit.players import Training

_RANDOM = "random.own"
_TORCH_RANDOM = "random.torch"
_OPTIMIZER = "optimizer"
_NETWORK = "network"
_MEMORY = "memory"


def checkpoint_of(training: Training) -> Checkpoint:
    """Networks, optimizers, memory, random states, place and history."""
    tensors = {_RANDOM: training.generator.get_state(), _TORCH_RANDOM: torch.get_rng_state()}
    tensors |= {f"{_MEMORY}.{name}": value for name, value in training.memory.items()}
    for name, network in training.networks.items():
        for key, value in network.state_dict().items():
            tensors[f"{_NETWORK}.{name}.{key}"] = value
    for name, player in training.players.items():
        for place, state in player.optimizer.state_dict()["state"].items():
            for key, value in state.items():
                if value is not None:
                    tensors[f"{_OPTIMIZER}.{name}.{place}.{key}"] = value
    facts: dict[str, Any] = {name: getattr(training, name) for name in _FACTS}
    facts["history"] = list(training.history)
    facts["peaks"] = {name: player.peak for name, player in training.players.items()}
    return Checkpoint(tensors, facts)


_FACTS = ("stage", "step", "taken", "seconds", "bad_losses")


def place(training: Training, checkpoint: Checkpoint | None) -> None:
    """Networks, memory and place of the checkpoint; without one all stays as it is."""
    if checkpoint is None:
        return
    for name, network in training.networks.items():
        network.load_state_dict(_below(checkpoint.tensors, f"{_NETWORK}.{name}."))
    training.memory.update(_below(checkpoint.tensors, f"{_MEMORY}."))
    for name in _FACTS:
        setattr(training, name, checkpoint.facts[name])
    training.history = list(checkpoint.facts["history"])


def restore(training: Training, checkpoint: Checkpoint | None) -> None:
    """Optimizers and random states of the checkpoint, once the stage's players are there."""
    if checkpoint is None:
        return
    for name, player in training.players.items():
        states: dict[int, dict[str, Tensor]] = {}
        for key, value in _below(checkpoint.tensors, f"{_OPTIMIZER}.{name}.").items():
            place, _, what = key.partition(".")
            states.setdefault(int(place), {})[what] = value
        groups = player.optimizer.state_dict()["param_groups"]
        player.optimizer.load_state_dict({"state": states, "param_groups": groups})
        player.peak = checkpoint.facts["peaks"].get(name, player.peak)
    training.generator.set_state(checkpoint.tensors[_RANDOM])
    torch.set_rng_state(checkpoint.tensors[_TORCH_RANDOM])


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """Entries whose names begin so, without that beginning."""
    return {
        name.removeprefix(prefix): value
        for name, value in tensors.items()
        if name.startswith(prefix)
    }
