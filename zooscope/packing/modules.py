"""``package.module:callable`` or ``file.py:callable`` → an nn.Module of the user's own making."""

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from zooscope.packing.refusal import PackingError
from zooscope.packing.user_code import running

_HOW = "write it as package.module:callable or path/to/file.py:callable"
_IMPORTABLE = f"correct the line, or install what it imports: {sys.executable} -m pip install …"
_CALLABLE = "correct the line, or pass its arguments with --arguments '{\"num_classes\": 10}'"


def build_module(path: str, arguments: dict[str, Any]) -> nn.Module:
    """What the callable returns for ``arguments``; runs the user's own code.

    Raises:
        PackingError: ``module_not_found``, ``module_import_failed``, ``module_call_failed`` or
            ``not_a_module``.
    """
    source, separator, name = path.rpartition(":")
    if not separator or not source or not name:
        raise PackingError("module_not_found", f"{path!r} names no callable", _HOW)
    module = _imported(source)
    factory = getattr(module, name, None)
    if factory is None:
        raise PackingError("module_not_found", f"{source} has no {name!r}", _HOW)
    return _called(factory, arguments, path)


def _imported(source: str) -> ModuleType:
    """A module by dotted name, or from a file whose folder becomes importable."""
    with running("module_import_failed", f"{source} cannot be imported", _IMPORTABLE):
        return _from_file(Path(source)) if source.endswith(".py") else _from_name(source)


def _from_name(name: str) -> ModuleType:
    _make_importable(Path.cwd())
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if f"{name}.".startswith(f"{error.name}."):
            raise PackingError("module_not_found", f"there is no module {name}", _HOW) from error
        raise


def _make_importable(folder: Path) -> None:
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _from_file(path: Path) -> ModuleType:
    if not path.is_file():
        raise PackingError("module_not_found", f"there is no file {path}", _HOW)
    _make_importable(path.resolve().parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"no loader for {path}")
    module = importlib.util.module_from_spec(spec)
    registered = sys.modules.setdefault(path.stem, module)
    try:
        spec.loader.exec_module(module)
    except BaseException:
        if registered is module:
            del sys.modules[path.stem]
        raise
    return module


def _called(factory: Any, arguments: dict[str, Any], path: str) -> nn.Module:
    if isinstance(factory, nn.Module):
        return factory
    if not callable(factory):
        raise PackingError("not_a_module", f"{path} is not callable", "name a function that builds the network")  # fmt: skip
    with running("module_call_failed", f"{path} fails with the arguments {arguments}", _CALLABLE):
        network = factory(**arguments)
    if not isinstance(network, nn.Module):
        raise PackingError("not_a_module", f"{path} returned {type(network).__name__}", "return an nn.Module")  # fmt: skip
    return network
