"""Checkpoints of the user's own: a file with weights, and a callable or a name that builds their network."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import nn

from service.core.errors import ZooError
from service.core.strict_json import long_lists, parse_json
from zooscope.packing.checkpoints import files_of
from zooscope.packing.modules import build_module
from zooscope.packing.named_architectures import stated_names
from zooscope.packing.refusal import PackingError
from zooscope.packing.sources.details import Details, line
from zooscope.packing.sources.known_architectures import KnownArchitecture, known_architecture
from zooscope.packing.sources.network import (
    ImportableNetwork,
    LoadedNetwork,
    ReadyFile,
    revision_of,
)
from zooscope.packing.weights import load_weights

ENDINGS = (".pth", ".pth.tar", ".pt", ".th", ".ckpt", ".bin", ".safetensors", ".index.json")
_SHARD = re.compile(r"-\d{5}-of-\d{5}$")
_JSON = long_lists(4 * 1024**2)


def of(name: str, details: Details) -> ImportableNetwork:
    """The network of a checkpoint, built by ``details.module``, or by the library whose network it names.

    Raises:
        PackingError: ``module_needed``, ``invalid_manifest``, or ``not_a_checkpoint``.
    """
    path = Path(name)
    if not path.is_file():
        raise PackingError("not_a_checkpoint", f"there is no file {path}", "check the path")
    stated: dict[str, Any] = {"name": stem_of(path), "source": line(f"checkpoint: {path.name}")}
    beside = manifest_beside(path) if details.manifest is None else None
    written = written_in(beside or details.manifest)
    notes = read_note(beside)
    if details.module is not None:
        module_path, arguments = details.module, dict(details.arguments)
        builder = _Builder(lambda: build_module(module_path, arguments))
    else:
        architecture = _named(path, details)
        builder = _Builder(architecture.build, architecture.answer)
        stated |= architecture.fields
        notes += (f"built {architecture.title}",)
    spec = {**(stated.get("input") or {}), **(written.get("input") or {})}
    fields = {**stated, **written, "input": spec}
    return ImportableNetwork(name, fields, lambda: builder.load(path, details.weights_key), notes)


def of_many(name: str, details: Details) -> ImportableNetwork:
    """One of many checkpoints: the network that it names counts more than ``details.module`` for all.

    Raises:
        PackingError: As ``of`` does.
    """
    try:
        return of(name, replace(details, module=None))
    except PackingError as error:
        if details.module is None or error.code not in {"module_needed", "weights_do_not_fit"}:
            raise
        return of(name, details)


@dataclass(frozen=True)
class _Builder:
    """Builds a network without its weights; ``finish`` is applied once it has them."""

    build: Callable[[], nn.Module]
    finish: Callable[[nn.Module], nn.Module] = lambda network: network

    def load(self, path: Path, key: str | None) -> LoadedNetwork:
        """The network with the weights of a checkpoint."""
        network = self.build()
        weights = load_weights(network, path, key=key)
        note = (weights.note,) if weights.note else ()
        return LoadedNetwork(self.finish(network), revision_of(files_of(path)), note)


def _named(path: Path, details: Details) -> KnownArchitecture:
    """The network of a library that a checkpoint names.

    Raises:
        PackingError: ``module_needed`` or ``weights_do_not_fit``.
    """
    architecture = known_architecture(path, key=details.weights_key)
    if architecture is None:
        names = ", ".join(dict.fromkeys(repr(stated.name) for stated in stated_names(path)[:3]))
        named = f"; it names {names}, which neither timm nor torchvision has" if names else ""
        raise PackingError(
            "module_needed",
            f"{path.name} holds weights but not the network they belong to{named}",
            "name the callable that builds it: --module package.module:callable or file.py:callable",
        )
    return architecture


def is_ready(path: Path) -> bool:
    """Whether the zoo accepts the file as it is: a manifest beside it says what it is."""
    manifest = manifest_beside(path)
    if manifest is None or path.suffix not in {".pt2", ".safetensors"}:
        return False
    return path.suffix == ".pt2" or "architecture" in read_manifest(manifest)


def ready(name: str, details: Details) -> ImportableNetwork:
    """A file that ``zooscope pack`` wrote, or bare weights, with its manifest beside it."""
    del details
    path = Path(name)
    manifest = manifest_beside(path)
    if manifest is None:
        raise PackingError("invalid_manifest", f"{path.name} has no manifest beside it", f"write {stem_of(path)}.manifest.json")  # fmt: skip
    form = "pt2" if path.suffix == ".pt2" else "safetensors"
    stated = {"name": stem_of(path), "source": line(f"file: {path.name}"), "format": form}
    fields = stated | read_manifest(manifest)
    return ImportableNetwork(
        name, fields, lambda: ReadyFile(path, revision_of([path])), read_note(manifest)
    )


def manifest_beside(path: Path) -> Path | None:
    """The manifest that belongs to a file: the same name, ending in ``.manifest.json``."""
    beside = path.with_name(f"{stem_of(path)}.manifest.json")
    return beside if beside.is_file() else None


def stem_of(path: Path) -> str:
    """The name of a file without its ending, such as ``best`` for ``best.pth.tar``; shards share theirs."""
    name = path.name.removesuffix(".index.json")
    endings = sorted(ENDINGS, key=len, reverse=True)
    stem = next((name.removesuffix(end) for end in endings if name.endswith(end)), Path(name).stem)
    return _SHARD.sub("", stem)


def read_manifest(path: Path) -> dict[str, Any]:
    """The fields in a manifest file.

    Raises:
        PackingError: ``invalid_manifest``.
    """
    try:
        content = parse_json(path.read_bytes(), _JSON)
    except OSError as error:
        raise PackingError("invalid_manifest", f"{path} cannot be read: {error.strerror}", "check the path") from error  # fmt: skip
    except ZooError as error:
        raise PackingError("invalid_manifest", f"{path}: {error.detail}", error.remedy or "") from error  # fmt: skip
    if not isinstance(content, dict):
        raise PackingError("invalid_manifest", f"{path} is not a JSON object", "write {…}")
    return content


def written_in(manifest: Path | None) -> dict[str, Any]:
    """What a manifest says about a network, apart from its format."""
    if manifest is None:
        return {}
    return {name: value for name, value in read_manifest(manifest).items() if name != "format"}


def read_note(beside: Path | None) -> tuple[str, ...]:
    """The note that a manifest was read which nobody named."""
    return () if beside is None else (f"read {beside.name}, which lies beside the file",)
