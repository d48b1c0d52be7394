"""Landlock through bare system calls: which files a process may touch, for good.

Source: Linux, Documentation/userspace-api/landlock.rst.
"""

import ctypes
import os
from collections.abc import Iterable
from pathlib import Path

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _PATH_BENEATH = 1, 1

_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_REMOVE_DIR, _REMOVE_FILE = 1 << 4, 1 << 5
_MAKE_DIR, _MAKE_REG = 1 << 7, 1 << 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
# Every right of a version: (version, number of file rights).
_RIGHTS_OF_VERSION = ((5, 16), (3, 15), (2, 14), (1, 13))
_NETWORK_SINCE, _ALL_NETWORK = 4, 0b11
_SCOPES_SINCE, _ALL_SCOPES = 6, 0b11

READ = _READ_FILE | _READ_DIR
WRITE = READ | _WRITE_FILE | _REMOVE_DIR | _REMOVE_FILE | _MAKE_DIR | _MAKE_REG | _TRUNCATE
DEVICE = _READ_FILE | _WRITE_FILE | _IOCTL_DEV | READ
_FILE_ONLY = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV


class _Ruleset(ctypes.Structure):
    _fields_ = (
        ("files", ctypes.c_uint64),
        ("network", ctypes.c_uint64),
        ("scopes", ctypes.c_uint64),
    )


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("rights", ctypes.c_uint64), ("folder", ctypes.c_int32))


def _call(number: int, *arguments: object) -> int:
    """The return value of a system call. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.syscall(ctypes.c_long(number), *arguments)
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"landlock: {os.strerror(code)}")
    return result


def version() -> int:
    """The kernel's version of the interface, from 1. Raises OSError where there is none."""
    return _call(_CREATE_RULESET, None, ctypes.c_size_t(0), ctypes.c_uint32(_VERSION_FLAG))


def restrict(readable: Iterable[Path], writable: Iterable[Path], devices: Iterable[Path]) -> None:
    """Allow these paths and nothing else: no other file, no execution, no TCP, no signals out.

    The process must have one thread and have given up new privileges. Raises OSError.
    """
    supported = version()
    rights = next((1 << count) - 1 for since, count in _RIGHTS_OF_VERSION if supported >= since)
    ruleset = _create(supported, rights)
    try:
        for paths, wanted in ((readable, READ), (writable, WRITE), (devices, DEVICE)):
            for path in paths:
                _allow(ruleset, path, wanted & rights)
        _call(_RESTRICT_SELF, ctypes.c_int(ruleset), ctypes.c_uint32(0))
    finally:
        os.close(ruleset)


def _create(supported: int, rights: int) -> int:
    """A ruleset that covers everything this version can restrict."""
    network = _ALL_NETWORK if supported >= _NETWORK_SINCE else 0
    scopes = _ALL_SCOPES if supported >= _SCOPES_SINCE else 0
    rules = _Ruleset(rights, network, scopes)
    size = 24 if supported >= _SCOPES_SINCE else 16 if supported >= _NETWORK_SINCE else 8
    return _call(_CREATE_RULESET, ctypes.byref(rules), ctypes.c_size_t(size), ctypes.c_uint32(0))


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """Allow ``rights`` on a file, or on a folder and what lies in it; a missing path is skipped.

    The handle stays open as long as the process lives. A rule holds for an inode, and those of
    /proc exist only while something refers to them: when the kernel is short of memory it drops
    an unused one and makes another for the next call, which no rule allows.
    """
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    allowed = rights if path.is_dir() else rights & _FILE_ONLY
    rule = _Beneath(allowed, handle)
    _call(
        _ADD_RULE,
        ctypes.c_int(ruleset),
        ctypes.c_int(_PATH_BENEATH),
        ctypes.byref(rule),
        ctypes.c_uint32(0),
    )
