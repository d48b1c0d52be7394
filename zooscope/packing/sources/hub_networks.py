"""A repository of the Hugging Face hub, or a folder as the hub serves it: timm or transformers."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from zooscope.packing.refusal import PackingError
from zooscope.packing.sources import hub_files, timm_networks, transformers_networks
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.network import ImportableNetwork, LoadedNetwork, ReadyFile

_READERS: tuple[
    tuple[Callable[[Path], bool], Callable[[Path, Details], ImportableNetwork]], ...
] = (
    (timm_networks.is_folder, timm_networks.of_folder),
    (transformers_networks.is_folder, transformers_networks.of_folder),
)  # fmt: skip


def is_folder(folder: Path) -> bool:
    """Whether the folder holds a network of timm or transformers."""
    return any(recognizes(folder) for recognizes, _ in _READERS)


def of(name: str, details: Details) -> ImportableNetwork:
    """The network in a folder, or in ``REPOSITORY`` or ``REPOSITORY@REVISION`` of the hub.

    Raises:
        PackingError: ``not_a_network``, ``not_on_the_hub``, or an error of the reader.
    """
    folder = Path(name)
    if folder.is_dir():
        return of_folder(folder, details)
    repository, _, revision = name.partition("@")
    described = of_folder(hub_files.descriptions(repository, revision or None), details)

    def load() -> LoadedNetwork | ReadyFile:
        weights = hub_files.with_weights(repository, revision or None)
        return of_folder(weights, details).load()

    stated = {"name": line(repository), "source": line(f"hf: {repository}")}
    return replace(described, title=name, fields=dict(described.fields) | stated, load=load)


def of_folder(folder: Path, details: Details) -> ImportableNetwork:
    """The network in a folder.

    Raises:
        PackingError: ``not_a_network``, or an error of the reader.
    """
    for recognizes, read in _READERS:
        if recognizes(folder):
            network = read(folder, details)
            source = {"source": line(f"folder: {folder.resolve().name}")}
            return replace(network, fields=source | dict(network.fields))
    raise PackingError(
        "not_a_network",
        f"{folder} has no config.json of timm or transformers",
        "name a folder of save_for_hf or save_pretrained; for a checkpoint, use `import checkpoint`",
    )
