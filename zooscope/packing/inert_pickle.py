"""A pickle read as data: tensors come back, every other object is inert.

Nothing that the pickle names is imported or called. ``GlobalName`` stands for a named class or function,
``Inert`` for an object made from one, whatever its class does when it is really unpickled. Only the
constructors in ``_BUILDERS`` have a meaning: plain containers, and tensors from their bytes.
"""

import pickle
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import IO, Any, ClassVar, Protocol

import torch
from torch import Tensor

from zooscope.packing.refusal import PackingError

_LONGEST_KEY = 16
_RENAMED = {"__builtin__": "builtins", "copy_reg": "copyreg"}
# A checkpoint has no reason to name a function of these; none would be called, but the file is hostile.
_HOSTILE = frozenset(
    {"os", "posix", "nt", "sys", "subprocess", "shutil", "socket", "importlib", "runpy", "ctypes",
     "pty", "commands", "webbrowser", "code", "codeop", "pip", "timeit", "pdb"}
)  # fmt: skip
_HOSTILE_NAMES = frozenset({"io.open", "_io.open", "_io.FileIO", "codecs.open"})
_PLAIN_BUILTINS = frozenset(
    {"set", "frozenset", "dict", "list", "tuple", "int", "float", "bool", "str", "bytes", "bytearray",
     "complex", "slice", "range", "object", "type", "NoneType", "Ellipsis", "NotImplemented",
     # copyreg writes attribute access of nested classes as a call.
     "getattr"}
)  # fmt: skip
_REMEDY = (
    "get the file from somewhere else; if it is your own, open it once in an environment without "
    "secrets and save only its weights: torch.save(network.state_dict(), 'weights.pth')"
)


@dataclass(frozen=True)
class GlobalName:
    """A class or function that a pickle names, such as ``argparse.Namespace``; never imported."""

    path: str

    @property
    def is_hostile(self) -> bool:
        """Whether no checkpoint needs it, and an attack would."""
        root, _, name = self.path.partition(".")
        if root in _HOSTILE or self.path in _HOSTILE_NAMES:
            return True
        return root == "builtins" and name not in _PLAIN_BUILTINS


class Inert:
    """An object whose class is not imported, as the pickle describes it.

    Attributes:
        kind: Name of its class, or of the function that would have made it.
        arguments: Arguments of that call.
        fields: Its attributes.
        items: What was added to it, as to a list or set.
        entries: What was put into it, as into a dictionary.
    """

    def __init__(self, kind: str, arguments: tuple[Any, ...]) -> None:
        self.kind = kind
        self.arguments = arguments
        self.fields: dict[Any, Any] = {}
        self.items: list[Any] = []
        self.entries: dict[Any, Any] = {}

    def append(self, item: Any) -> None:
        """Add an item."""
        self.items.append(item)

    def extend(self, items: Iterable[Any]) -> None:
        """Add items."""
        self.items.extend(items)

    def __setitem__(self, key: Any, value: Any) -> None:
        self.entries[key] = value

    def restore(self, state: Any) -> None:
        """Keep the attributes in ``state``: a dictionary, or a pair of one and of slots."""
        for part in state if isinstance(state, tuple) else (state,):
            if isinstance(part, dict):
                self.fields.update(part)
            else:
                self.items.append(part)


class StorageReader(Protocol):
    """Finds the bytes that a persistent id of a torch file stands for."""

    def __call__(self, persistent_id: Any) -> Any:
        """All elements as a flat tensor; or anything else, which is then inert."""


# The stack machine of the standard library in Python; only what makes objects is replaced.
class InertUnpickler(pickle._Unpickler):  # type: ignore[misc, name-defined, unused-ignore]
    """Reads one pickle; ``names`` afterwards holds what the pickle named and was not given."""

    stack: list[Any]
    append: Callable[[Any], None]
    read: Callable[[int], bytes]
    pop_mark: Callable[[], list[Any]]
    dispatch: ClassVar[dict[int, Any]] = dict(pickle._Unpickler.dispatch)  # type: ignore[attr-defined, unused-ignore]

    def __init__(self, file: IO[bytes], read_storage: StorageReader) -> None:
        # Strings of Python 2 are bytes; as latin-1 every one of them is a string.
        super().__init__(_BoundedFile(file), encoding="latin1")
        self._read_storage = read_storage
        self.names: dict[str, None] = {}

    def find_class(self, module: str, name: str) -> GlobalName:
        """The name alone.

        Raises:
            PackingError: ``unsafe_checkpoint``, if no checkpoint needs it.
        """
        named = GlobalName(f"{_RENAMED.get(module, module)}.{name}")
        if named.is_hostile:
            raise unsafe(named.path)
        return named

    def persistent_load(self, pid: Any) -> Any:
        """The tensor of a storage; the class, where old releases of torch stored source code."""
        is_module = isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "module"
        return pid[1] if is_module else self._read_storage(pid)

    def get_extension(self, code: int) -> None:
        """Refuse names that only the writer's process knows."""
        raise pickle.UnpicklingError(f"extension {code}")

    def _made(self, callee: Any, arguments: Any) -> Any:
        """What a call would return if it is a builder's, else an inert object."""
        path = callee.path if isinstance(callee, GlobalName) else type(callee).__name__
        if path == "torch._tensor._rebuild_from_type_v2":
            # A tensor with attributes: the function that makes it, its type, arguments and state.
            return self._made(arguments[0], arguments[2])
        build = _BUILDERS.get(path)
        if build is None:
            self.names[path] = None
            return Inert(path, tuple(arguments))
        return build(*arguments)

    def _instantiate(self, callee: Any, arguments: Iterable[Any]) -> None:
        self.append(self._made(callee, tuple(arguments)))

    def _reduce(self) -> None:
        arguments = self.stack.pop()
        self.stack[-1] = self._made(self.stack[-1], arguments)

    def _new_object(self) -> None:
        arguments = self.stack.pop()
        self._instantiate(self.stack.pop(), arguments)

    def _new_object_with_keywords(self) -> None:
        keywords, arguments = self.stack.pop(), self.stack.pop()
        self._instantiate(self.stack.pop(), (*arguments, keywords))

    def _build(self) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Inert):
            self.stack[-1].restore(state)

    def _set_item(self) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.stack[-1][_plain_key(key)] = value

    def _set_items(self) -> None:
        items = self.pop_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self.stack[-1][_plain_key(key)] = value

    def _dictionary(self) -> None:
        items = self.pop_mark()
        self.append(_dictionary(zip(items[::2], items[1::2], strict=True)))

    def _empty_set(self) -> None:
        self.append([])

    def _add_items(self) -> None:
        items = self.pop_mark()
        self.stack[-1].extend(items)

    def _frozen_set(self) -> None:
        self.append(self.pop_mark())

    def _byte_array(self) -> None:
        (length,) = struct.unpack("<Q", self.read(8))
        self.append(bytearray(self.read(length)))

    dispatch.update(
        {
            pickle.SETITEM[0]: _set_item,
            pickle.SETITEMS[0]: _set_items,
            pickle.DICT[0]: _dictionary,
            pickle.EMPTY_SET[0]: _empty_set,
            pickle.ADDITEMS[0]: _add_items,
            pickle.FROZENSET[0]: _frozen_set,
            pickle.BYTEARRAY8[0]: _byte_array,
            pickle.REDUCE[0]: _reduce,
            pickle.NEWOBJ[0]: _new_object,
            pickle.NEWOBJ_EX[0]: _new_object_with_keywords,
            pickle.BUILD[0]: _build,
        }
    )


class _BoundedFile:
    """A file to unpickle from; a length beyond its end is refused before memory is taken for it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        position = file.tell()
        self._end = file.seek(0, 2)
        file.seek(position)
        self.readline = file.readline

    def read(self, size: int) -> bytes:
        """The next bytes. Raises UnpicklingError if the file has fewer."""
        if size > self._end - self._file.tell():
            raise pickle.UnpicklingError("the file is cut short")
        return self._file.read(size)


def _plain_key(key: Any) -> Any:
    """The key of a dictionary; hashing nested tuples can take for ever, and no checkpoint has them."""
    parts = key if isinstance(key, tuple) else (key,)
    if len(parts) > _LONGEST_KEY or any(isinstance(part, tuple) for part in parts):
        raise pickle.UnpicklingError("a dictionary has nested tuples as keys")
    return key


def _dictionary(pairs: Any = ()) -> dict[Any, Any]:
    """A dictionary from pairs or from another one."""
    items = pairs.items() if isinstance(pairs, dict) else pairs
    return {_plain_key(key): value for key, value in items}


def unsafe(path: str) -> PackingError:
    """The error for a pickle that names something which no checkpoint needs."""
    return PackingError(
        "unsafe_checkpoint",
        f"the file wants to call {path}, which no checkpoint needs; nothing in it was run",
        _REMEDY,
    )


def _tensor(flat: Any, offset: int, size: Any, stride: Any, *_: Any) -> Any:
    """A tensor inside of its storage; inert if the storage is."""
    if not isinstance(flat, Tensor):
        return Inert("torch.Tensor", (flat, offset, size, stride))
    return flat.as_strided(tuple(size), tuple(stride), offset)


def _typed_tensor(flat: Any, offset: int, size: Any, *rest: Any) -> Any:
    """A tensor whose element type is an argument and not that of the storage."""
    stride, _, _, dtype = rest[:4]
    named = DTYPES.get(dtype.path) if isinstance(dtype, GlobalName) else None
    if named is None or not isinstance(flat, Tensor):
        return Inert("torch.Tensor", (flat, offset, size, stride))
    return _tensor(flat.view(named), offset, size, stride)


def _first(value: Any, *_: Any) -> Any:
    return value


DTYPES = {str(dtype): dtype for dtype in vars(torch).values() if isinstance(dtype, torch.dtype)}
"""Element types by name, such as ``torch.uint16``."""

_BUILDERS: dict[str, Callable[..., Any]] = {
    "collections.OrderedDict": _dictionary,
    "collections.defaultdict": lambda _factory=None, pairs=(): _dictionary(pairs),
    "collections.Counter": _dictionary,
    "builtins.dict": _dictionary,
    "builtins.list": lambda items=(): list(items),
    "builtins.tuple": lambda items=(): tuple(items),
    "builtins.set": lambda items=(): list(items),
    "builtins.frozenset": lambda items=(): list(items),
    "torch.Size": lambda sizes=(): tuple(sizes),
    "torch._utils._rebuild_tensor": _tensor,
    "torch._utils._rebuild_tensor_v2": _tensor,
    "torch._utils._rebuild_tensor_v3": _typed_tensor,
    "torch._utils._rebuild_parameter": _first,
    "torch._utils._rebuild_parameter_with_state": _first,
    "torch._utils._rebuild_device_tensor_from_cpu_tensor": _first,
    "torch.nn.parameter.Parameter": _first,
    "torch.nn.parameter.Buffer": _first,
}
