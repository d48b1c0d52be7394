"""Checkpoints of one small network as training scripts leave them, each with its right answer."""

import argparse
import collections
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from tests.workers.programs.networks import Plain, images, made

State = dict[str, Tensor]


@dataclass(frozen=True)
class TrainerOutput:
    """A trained network, its moving average, and what else a script saves."""

    network: nn.Module
    average: nn.Module
    optimizer: dict[str, Any]

    @property
    def state(self) -> State:
        return dict(self.network.state_dict())

    @property
    def average_state(self) -> State:
        return dict(self.average.state_dict())


def trained() -> TrainerOutput:
    """A network after one step, and an average that answers differently."""
    network, average = made(Plain), made(Plain)
    for parameter in average.parameters():
        parameter.data.mul_(0.5)
    optimizer = torch.optim.SGD(network.parameters(), 0.1, momentum=0.9)
    network(images(2)).sum().backward()
    optimizer.step()
    optimizer.zero_grad()
    return TrainerOutput(network, average, optimizer.state_dict())


def prefixed(state: Mapping[str, Tensor], prefix: str) -> State:
    return {prefix + name: tensor for name, tensor in state.items()}


def _cast(state: State, dtype: torch.dtype) -> State:
    return {n: t.to(dtype) if t.is_floating_point() else t for n, t in state.items()}


def _timm(t: TrainerOutput) -> Any:
    return {
        "epoch": 3, "arch": "plain", "state_dict": t.state, "optimizer": t.optimizer, "version": 2,
        "args": argparse.Namespace(model="plain", lr=0.1, data=pathlib.PosixPath("/data")),
        "amp_scaler": {"scale": 65536.0}, "state_dict_ema": t.average_state, "metric": np.float64(71.2),
    }  # fmt: skip


def _torchvision(t: TrainerOutput) -> Any:
    average = {"n_averaged": torch.tensor(3), **prefixed(t.average_state, "module.")}
    return {
        "model": t.state, "optimizer": t.optimizer, "lr_scheduler": {"last_epoch": 3}, "epoch": 3,
        "args": argparse.Namespace(model="plain"), "model_ema": average,
    }  # fmt: skip


class HyperParameters(dict[str, Any]):
    """A dictionary of a class of its own, as libraries of hyper-parameters have them."""


def _lightning(t: TrainerOutput) -> Any:
    state = prefixed(t.state, "model.")
    state |= {"criterion.weight": torch.ones(7), "train_acc.tp": torch.zeros(7)}
    return {
        "epoch": 1, "global_step": 10, "pytorch-lightning_version": "2.6", "state_dict": state,
        "callbacks": {"ModelCheckpoint": {"best_model_path": "a", "best_model_score": torch.tensor(0.5)}},
        "hyper_parameters": HyperParameters(lr=0.1, root=pathlib.PosixPath("/data")),
        "optimizer_states": [t.optimizer], "lr_schedulers": [],
    }  # fmt: skip


def _numpy(t: TrainerOutput) -> Any:
    history = collections.defaultdict(list, loss=[np.float64(1.0)], steps=[np.int64(3)])
    return {"model_state_dict": t.state, "loss": np.float32(0.4), "history": history}


def _parameters(t: TrainerOutput) -> Any:
    return {n: nn.Parameter(p) if p.is_floating_point() else p for n, p in t.state.items()}


def _contrastive(t: TrainerOutput) -> Any:
    query = prefixed(t.state, "module.base_encoder.")
    return {
        "state_dict": query | prefixed(t.average_state, "module.momentum_encoder."),
        "epoch": 3,
    }


def _self_distilled(t: TrainerOutput) -> Any:
    heads = {"module.head.mlp.0.weight": torch.ones(3)}
    return {
        "teacher": prefixed(t.average_state, "module.backbone.") | heads,
        "student": prefixed(t.state, "module.backbone.") | heads,
    }


CHECKPOINTS: dict[str, tuple[Callable[[TrainerOutput], Any], str]] = {
    "timm's train script": (_timm, "state_dict (the trained weights"),
    "torchvision's reference script": (_torchvision, "model (the trained weights"),
    "lightning": (_lightning, "left out what is not the network's: criterion.weight, train_acc.tp"),
    "numpy scalars": (_numpy, ""),
    "parameters": (_parameters, ""),
    "a whole module": (lambda t: t.network, ""),
    "a module below a key": (lambda t: {"model": t.network, "epoch": 1}, ""),
    "an averaged module": (lambda t: AveragedModel(t.network), ""),
    "swa": (lambda t: {"n_averaged": torch.tensor(5), **prefixed(t.state, "module.")}, ""),
    "contrastive": (_contrastive, "module.base_encoder (the trained weights"),
    "self-distilled": (_self_distilled, "student.module.backbone (the trained weights"),
    "half": (lambda t: _cast(t.state, torch.float16), ""),
    "bfloat16": (lambda t: _cast(t.state, torch.bfloat16), ""),
    "double": (lambda t: _cast(t.state, torch.float64), ""),
    **{
        prefix: (lambda t, prefix=prefix: prefixed(t.state, prefix), "")
        for prefix in (
            "module.", "_orig_mod.", "model.", "_orig_mod.module.", "module._orig_mod.",
            "module.model._orig_mod.", "model.module.net.", "student.encoder.module._orig_mod.",
        )
    },
}  # fmt: skip
"""What scripts save with ``torch.save``, and the beginning of what is said about the choice."""

SAFETENSORS: dict[str, Callable[[State], State]] = {
    "plain": lambda s: s,
    "half": lambda s: _cast(s, torch.float16),
    "bfloat16": lambda s: _cast(s, torch.bfloat16),
    "module.": lambda s: prefixed(s, "module."),
    "_orig_mod.": lambda s: prefixed(s, "_orig_mod."),
    "model.": lambda s: prefixed(s, "model."),
    "_orig_mod.module.": lambda s: prefixed(s, "_orig_mod.module."),
    "without counters": lambda s: {n: t for n, t in s.items() if "num_batches" not in n},
    "with an average": lambda s: s | prefixed({n: t * 2 for n, t in s.items()}, "ema."),
    "with a loss": lambda s: prefixed(s, "model.") | {"criterion.weight": torch.ones(7)},
}
"""Bare weights that both packing and the service read."""


def write_shards(folder: Path, state: State, stem: str = "model") -> list[Path]:
    """Two shards of safetensors, without their index."""
    names = list(state)
    half = len(names) // 2
    paths = [folder / f"{stem}-0000{number}-of-00002.safetensors" for number in (1, 2)]
    for path, part in zip(paths, (names[:half], names[half:]), strict=True):
        save_file({name: state[name].contiguous() for name in part}, path)
    return paths
