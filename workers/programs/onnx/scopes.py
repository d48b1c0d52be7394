"""The modules of the exported network around each node, as layers at which it can be cut.

Both exporters of PyTorch record them: the one since torch 2.5 as metadata of the node, the older one in
the node's name (``/layer1/layer1.0/conv1/Conv``), as tf2onnx does (``model/stem/Conv2D``).
"""

import re
from collections.abc import Iterable, Iterator

from workers.programs import limits
from workers.programs.onnx.wire import Message

Scopes = tuple[tuple[str, str], ...]

_KEY, _VALUE = 1, 2
_PATHS, _CLASSES = "pkg.torch.onnx.name_scopes", "pkg.torch.onnx.class_hierarchy"
_QUOTED = re.compile(r"'([^']*)'")
_UNUSUAL = re.compile(r"[^A-Za-z0-9_./:-]")
_BLOCK = "Block"
_LONGEST_PATH = 300


def scopes_of(name: str, kind: str, metadata: Iterable[Message]) -> Scopes:
    """Path and kind of the modules around a node, or the node's own name without any."""
    entries = {message.text(_KEY): message for message in metadata if message.has(_VALUE)}
    steps = list(_recorded(entries)) or list(_named(name))
    if not steps:
        steps = [(_clean(name.strip("/")) or kind, kind)]
    path, block = steps[-1]
    steps[-1] = (path, kind if block == _BLOCK else block)
    return tuple((path, block) for path, block in steps if len(path) <= _LONGEST_PATH)


def _recorded(entries: dict[str, Message]) -> Iterator[tuple[str, str]]:
    """The modules in a node's metadata: lists whose first entry is the network, the last the call itself."""
    if _PATHS not in entries:
        return
    paths = _QUOTED.findall(entries[_PATHS].text(_VALUE))[:-1]
    classes = _QUOTED.findall(entries[_CLASSES].text(_VALUE)) if _CLASSES in entries else []
    for index, path in enumerate(paths[: limits.MODULE_DEPTH]):
        if path:
            block = classes[index].rpartition(".")[2] if index < len(classes) else _BLOCK
            yield _clean(path), _clean(block) or _BLOCK


def _named(name: str) -> Iterator[tuple[str, str]]:
    """The modules in a node's name: parts between slashes, where a child may repeat its parent's name."""
    parts = [part for part in name.split("/") if part][:-1]
    path: list[str] = []
    previous = ""
    for part in parts[: limits.MODULE_DEPTH]:
        if previous and part.startswith(previous + "."):
            path[-1] = part
        else:
            path.append(part)
        previous = part
        yield _clean(".".join(path)), _BLOCK


def _clean(text: str) -> str:
    return _UNUSUAL.sub("_", text)
