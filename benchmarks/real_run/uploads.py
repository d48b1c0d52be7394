"""Networks and images into the zoo, over HTTP, like any user's."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file

from benchmarks.real_networks import NETWORKS, RealNetwork
from benchmarks.real_run.stages import say
from zooscope import ZooClient
from zooscope.client.results import Dataset, Model
from zooscope.packing import pack


@dataclass(frozen=True)
class PackedNetwork:
    """A network and the file that goes to the zoo."""

    network: RealNetwork
    file: Path
    parameters: int

    @property
    def manifest(self) -> dict[str, Any]:
        """The manifest as JSON."""
        return self.network.manifest().model_dump(mode="json", exclude_none=True)


def packed(data: Path, folder: Path) -> list[PackedNetwork]:
    """Every network as a pt2 archive, or as safetensors where a library lists its architecture."""
    folder.mkdir(parents=True)
    return [_packed(network, data, folder) for network in NETWORKS]


def _packed(network: RealNetwork, data: Path, folder: Path) -> PackedNetwork:
    module = network.module(data)
    parameters = sum(parameter.numel() for parameter in module.parameters())
    if network.architecture is not None:
        file = folder / f"{network.name}.safetensors"
        save_file(
            {name: tensor.contiguous() for name, tensor in module.state_dict().items()}, file
        )
    else:
        file = folder / f"{network.name}.pt2"
        pack(module, network.manifest(), file)
    return PackedNetwork(network, file, parameters)


def uploaded(zoo: ZooClient, networks: list[PackedNetwork]) -> dict[str, Model]:
    """The zoo's models by name, once every check has ended; rejected ones are left out aloud."""
    sent = [zoo.models.push(network.file, network.manifest) for network in networks]
    checked = [zoo.models.wait(model["id"]) for model in sent]
    for model in checked:
        if model["state"] != "ready":
            say(f"rejected: {model['name']}: {model['problems']}")
    return {model["name"]: model for model in checked if model["state"] == "ready"}


def images_uploaded(zoo: ZooClient, folder: Path, manifest: Mapping[str, Any]) -> Dataset:
    """The images of a folder, ready."""
    dataset = zoo.datasets.wait(zoo.datasets.push(folder, manifest)["id"])
    if dataset["state"] != "ready":
        raise RuntimeError(f"{manifest['name']} was rejected: {dataset.get('problems')}")
    return dataset
