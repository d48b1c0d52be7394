"""``package.module:callable`` or ``file.py:callable`` → an nn.Module of the user's own making."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from workers.packing.refusal import PackingError

_HOW = "write it as package.module:callable or path/to/file.py:callable"


def build_module(place: str, arguments: dict[str, Any]) -> nn.Module:
    """What the callable returns for ``arguments``; runs the user's own code.

    Raises:
        PackingError: ``module_not_found`` or ``not_a_module``.
    """
    source, separator, name = place.rpartition(":")
    if not separator or not source or not name:
        raise PackingError("module_not_found", f"{place!r} names no callable", _HOW)
    module = _imported(source)
    factory = getattr(module, name, None)
    if factory is None:
        raise PackingError("module_not_found", f"{source} has no {name!r}", _HOW)
    return _called(factory, arguments, place)


def _imported(source: str) -> ModuleType:
    """A module by dotted name, or from a file whose folder becomes importable."""
    try:
        if source.endswith(".py"):
            return _from_file(Path(source))
        if str(Path.cwd()) not in sys.path:
            sys.path.insert(0, str(Path.cwd()))
        return importlib.import_module(source)
    except (ImportError, OSError, SyntaxError) as error:
        raise PackingError(
            "module_not_found", f"{source} cannot be imported: {error}", _HOW
        ) from error


def _from_file(path: Path) -> ModuleType:
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.insert(0, folder)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise FileNotFoundError(f"no file {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _called(factory: Any, arguments: dict[str, Any], place: str) -> nn.Module:
    if isinstance(factory, nn.Module):
        return factory
    try:
        network = factory(**arguments)
    except TypeError as error:
        raise PackingError(
            "not_a_module",
            f"{place} cannot be called with {arguments}: {error}",
            "pass its arguments with --arguments '{\"num_classes\": 10}'",
        ) from error
    if not isinstance(network, nn.Module):
        raise PackingError("not_a_module", f"{place} returned {type(network).__name__}", "return an nn.Module")  # fmt: skip
    return network
