"""Importing one network: describe, load, pack, upload, wait. Needs torch, so commands import it on use."""

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from service.core.manifest import ModelManifest
from zooscope import ZooClient
from zooscope.cli.import_options import ImportEnd
from zooscope.cli.import_progress import ImportProgress
from zooscope.cli.model_uploads import rejected
from zooscope.packing import pack
from zooscope.packing.sources import ImportableNetwork, LoadedNetwork, ReadyFile

_COMPARED = ("source", "revision", "task", "input", "classes")
_PLANNED = "planned"


@dataclass(frozen=True)
class ImportOutcome:
    """What became of one network.

    ``state`` is ``planned`` after a dry run, ``present`` if the zoo already had it, else the state of
    the uploaded network.
    """

    title: str
    state: str
    manifest: ModelManifest
    model: Mapping[str, Any] | None
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """The outcome for programs."""
        manifest = self.manifest.model_dump(mode="json", exclude_none=True)
        return {
            "title": self.title,
            "state": self.state,
            "manifest": manifest,
            "model": dict(self.model) if self.model is not None else None,
            "notes": list(self.notes),
        }

    def line(self) -> str:
        """The outcome as a line of text."""
        id_ = self.model["id"] if self.model is not None else "–"
        return f"{id_}  {self.manifest.name}  {self.state}"


Complete = Callable[[Mapping[str, Any]], ModelManifest]
"""Makes a manifest from the fields that an origin states."""


def plan(network: ImportableNetwork, complete: Complete) -> ImportOutcome:
    """The outcome of a dry run: nothing is loaded, packed or uploaded."""
    manifest = complete(network.fields)
    return ImportOutcome(network.title, _PLANNED, manifest, None, network.notes)


def import_network(
    zoo: ZooClient,
    network: ImportableNetwork,
    complete: Complete,
    progress: ImportProgress,
    *,
    ending: ImportEnd,
) -> ImportOutcome:
    """Load, pack and upload a network, and wait for the zoo's check; skip one that the zoo has.

    Raises:
        ZooError: The network cannot be loaded or packed.
        ZooClientError: The zoo refuses it.
    """
    manifest = complete(network.fields)
    progress.stage("loading")
    loaded = network.load()
    manifest = manifest.model_copy(update={"revision": loaded.revision})
    notes = (*network.notes, *loaded.notes)
    model = _present(zoo, manifest)
    state = "present"
    if model is None:
        model = _uploaded(zoo, loaded, manifest, progress)
        if ending is ImportEnd.CHECK:
            progress.stage("checking")
            model = zoo.models.wait(model["id"])
        state = model["state"]
    if state in {"rejected", "damaged"}:
        raise rejected(model)
    return ImportOutcome(network.title, state, manifest, model, notes)


def _uploaded(
    zoo: ZooClient,
    loaded: LoadedNetwork | ReadyFile,
    manifest: ModelManifest,
    progress: ImportProgress,
) -> Mapping[str, Any]:
    """The new network of the zoo."""
    body = manifest.model_dump(mode="json", exclude_none=True)
    with tempfile.TemporaryDirectory(prefix="zooscope-import-") as folder:
        progress.stage("packing")
        path = _packed(loaded, manifest, Path(folder))
        progress.stage("uploading")
        return zoo.models.push(path, body, on_progress=progress.move)


def _packed(loaded: LoadedNetwork | ReadyFile, manifest: ModelManifest, folder: Path) -> Path:
    """The file to upload."""
    if isinstance(loaded, ReadyFile):
        return loaded.path
    return pack(loaded.module, manifest, folder / "network.pt2").file


def _present(zoo: ZooClient, manifest: ModelManifest) -> Mapping[str, Any] | None:
    """The network of the zoo that this import would repeat; None if there is none."""
    ours = manifest.model_dump(mode="json")
    for model in zoo.models.ls(name=manifest.name):
        is_same = model["name"] == manifest.name and model["state"] != "rejected"
        if is_same and all(_equal(model.get(name), ours[name]) for name in _COMPARED):
            return model
    return None


def _equal(stored: Any, ours: Any) -> bool:
    return (stored or None) == (ours or None)
