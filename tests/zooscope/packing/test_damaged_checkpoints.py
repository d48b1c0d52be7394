"""A checkpoint that is damaged, or built to take for ever or all memory, is refused at once."""

import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.waiting import HANG_SECONDS
from zooscope.packing import PackingError
from zooscope.packing.checkpoints import read_state_dicts

FAR = 2**50


def replaced(path: Path, pickle: bytes, *, compression: int = zipfile.ZIP_STORED) -> Path:
    """The archive of a small state dict with another pickle."""
    torch.save({"w": torch.ones(64)}, path)
    with zipfile.ZipFile(path) as whole:
        members = {name: whole.read(name) for name in whole.namelist()}
    with zipfile.ZipFile(path, "w", compression) as changed:
        for name, data in members.items():
            changed.writestr(name, pickle if name.endswith("data.pkl") else data)
    return path


def inside_itself(path: Path) -> Path:
    """A module whose two children are the module itself."""
    return replaced(
        path,
        b"\x80\x02cfoo\nM\n)\x81q\x00}(X\x0b\x00\x00\x00_parameters}X\x08\x00\x00\x00_modules}"
        b"(X\x01\x00\x00\x00ah\x00X\x01\x00\x00\x00bh\x00uub.",
    )


def nested_key(path: Path) -> Path:
    """A dictionary whose key takes 2⁴⁰ steps to hash."""
    return replaced(path, b"\x80\x02}X\x01\x00\x00\x00x\x85" + b"2\x86" * 40 + b"K\x01s.")


def nested_set(path: Path) -> Path:
    """A set with such an element."""
    return replaced(path, b"\x80\x04\x8f(X\x01\x00\x00\x00x\x85" + b"2\x86" * 40 + b"\x90.")


def storage_of_tuples(path: Path) -> Path:
    """A storage with such a name."""
    name = b"X\x01\x00\x00\x00x\x85" + b"2\x86" * 40
    kind = b"X\x07\x00\x00\x00storage" + b"ctorch\nFloatStorage\n"
    return replaced(path, b"\x80\x02(" + kind + name + b"X\x03\x00\x00\x00cpuK\x01tQ.")


def long_text(path: Path) -> Path:
    """A text that claims more bytes than there are, in the older form."""
    path.write_bytes(b"\x80\x05\x8e" + struct.pack("<Q", FAR) + b".")
    return path


def long_bytes(path: Path) -> Path:
    """A byte array that claims more bytes than there are."""
    return replaced(path, b"\x80\x05\x96" + struct.pack("<Q", FAR) + b".")


def bomb(path: Path) -> Path:
    """A pickle that expands a thousandfold."""
    size = 20_000_000
    pickle = b"\x80\x05\x8e" + struct.pack("<Q", size) + b"a" * size + b"."
    return replaced(path, pickle, compression=zipfile.ZIP_DEFLATED)


def flipped(path: Path) -> Path:
    """Weights of which one bit changed."""
    torch.save({"w": torch.ones(64)}, path)
    data = bytearray(path.read_bytes())
    data[data.index(struct.pack("<f", 1.0) * 8) + 2] ^= 0x40
    path.write_bytes(data)
    return path


MADE: list[Callable[[Path], Path]] = [
    inside_itself, nested_key, nested_set, storage_of_tuples, long_text, long_bytes, bomb, flipped,
]  # fmt: skip


@pytest.mark.timeout(HANG_SECONDS)
@pytest.mark.parametrize("make", MADE, ids=lambda make: make.__name__)
def test_a_damaged_or_endless_checkpoint_is_refused(make: Callable[[Path], Path], tmp_path: Path):
    path = make(tmp_path / "net.pth")

    with pytest.raises(PackingError) as caught:
        read_state_dicts(path)

    assert caught.value.code in {"not_a_checkpoint", "no_weights_found"}


def test_sets_and_tuples_as_keys_are_read(tmp_path: Path):
    torch.save(
        {"w": torch.ones(2), "x": {("a", 1): {1, 2}, "y": frozenset("z")}}, tmp_path / "w.pth"
    )

    (state,) = read_state_dicts(tmp_path / "w.pth")

    assert list(state.tensors) == ["w"]


@pytest.mark.parametrize("form", ["npz", "pickle"])
def test_arrays_of_numpy_are_no_damaged_file(tmp_path: Path, form: str):
    path, arrays = tmp_path / "weights", {"w": np.ones(4)}
    if form == "npz":
        np.savez(tmp_path / "weights.npz", **arrays)
        path = tmp_path / "weights.npz"
    else:
        path.write_bytes(pickle.dumps(arrays))

    with pytest.raises(PackingError) as caught:
        read_state_dicts(path)

    assert caught.value.code == "not_a_checkpoint"
    assert "damaged" not in caught.value.detail
    assert "torch.from_numpy" in (caught.value.remedy or "")
