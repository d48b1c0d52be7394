"""Nothing that a checkpoint names is imported or called, and the error names it."""

import os
import pickle
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch

from zooscope.packing import PackingError
from zooscope.packing.checkpoints import read_state_dicts
from zooscope.packing.inert_pickle import GlobalName, Inert, InertUnpickler


def nothing(_: Any) -> None:
    raise AssertionError("no storage is read")


def read(data: bytes) -> Any:
    import io

    return InertUnpickler(io.BytesIO(data), nothing).load()


class Reduced:
    """Pickles as a call of anything."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


HOSTILE = {
    "os.system": lambda mark: Reduced(os.system, f"touch {mark}"),
    "builtins.eval": lambda mark: Reduced(eval, f"open({str(mark)!r}, 'w')"),
    "builtins.exec": lambda mark: Reduced(exec, f"open({str(mark)!r}, 'w')"),
    "builtins.open": lambda mark: Reduced(open, str(mark), "w"),
}


@pytest.mark.parametrize("protocol", [0, 2, 4])
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_call_is_named_and_never_made(tmp_path: Path, name: str, protocol: int):
    mark = tmp_path / "mark"
    content = {"state_dict": {"w": torch.ones(1)}, "x": HOSTILE[name](mark)}
    torch.save(content, tmp_path / "w.pth", pickle_protocol=max(protocol, 2))

    with pytest.raises(PackingError) as caught:
        read_state_dicts(tmp_path / "w.pth")

    assert caught.value.code == "unsafe_checkpoint"
    spelled = {"os.system": ("posix.system",), "builtins.open": ("io.open",)}.get(name, (name,))
    assert any(word in caught.value.detail for word in spelled)
    assert not mark.exists()


@pytest.mark.parametrize(
    "data",
    [
        b"(S'touch x'\nios\nsystem\n.",  # INST
        b"(cos\nsystem\nS'touch x'\no.",  # OBJ
        b"\x80\x02cos\nsystem\nX\x07\x00\x00\x00touch x\x85R.",  # REDUCE
        b"\x80\x02cos\nsystem\nX\x07\x00\x00\x00touch x\x85\x81.",  # NEWOBJ
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x07touch x\x85R.",  # STACK_GLOBAL
        b"\x80\x02csubprocess\nrun\n.",
        b"c__builtin__\neval\n.",
    ],
    ids=range(7),
)
def test_every_way_to_call_is_refused(data: bytes):
    with pytest.raises(PackingError, match=r"os\.system|subprocess\.run|builtins\.eval"):
        read(data)


def test_extensions_of_the_process_are_not_used():
    import copyreg

    copyreg.add_extension("collections", "OrderedDict", 77)
    try:
        with pytest.raises(pickle.UnpicklingError):
            read(b"\x82\x4d.")
    finally:
        copyreg.remove_extension("collections", "OrderedDict", 77)


def test_a_class_is_not_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "loud_module.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(str(tmp_path))

    value = read(b"\x80\x02cloud_module\nThing\n)\x81}X\x01\x00\x00\x00aK\x01sb.")

    assert isinstance(value, Inert)
    assert (value.kind, value.fields) == ("loud_module.Thing", {"a": 1})
    assert "loud_module" not in sys.modules


def test_a_named_function_cannot_be_changed():
    before = torch._utils._rebuild_tensor_v2.__defaults__

    value = read(
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\nN}X\x0c\x00\x00\x00__defaults__K\x01\x85s\x86b."
    )

    assert isinstance(value, GlobalName)
    assert torch._utils._rebuild_tensor_v2.__defaults__ == before


def test_objects_without_tensors_are_named(tmp_path: Path):
    torch.save({"weights": Reduced(Path, "x")}, tmp_path / "w.pth")

    with pytest.raises(PackingError, match=r"pathlib[._a-z]*\.Path") as caught:
        read_state_dicts(tmp_path / "w.pth")

    assert caught.value.code == "unsafe_checkpoint"


@pytest.mark.parametrize("cut", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_a_file_that_was_cut_short_says_so(tmp_path: Path, legacy, cut: float):
    path = tmp_path / "w.pth"
    torch.save({"w": torch.ones(4096)}, path, _use_new_zipfile_serialization=not legacy)
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * cut)])

    with pytest.raises(PackingError) as caught:
        read_state_dicts(path)

    assert caught.value.code == "not_a_checkpoint"


def test_a_tensor_that_reaches_beyond_its_bytes_is_refused(tmp_path: Path):
    path = tmp_path / "w.pth"
    torch.save({"w": torch.ones(4)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data[:8] if name.endswith("data/0") else data)

    with pytest.raises(PackingError) as caught:
        read_state_dicts(path)

    assert caught.value.code == "not_a_checkpoint"


def test_a_compressed_archive_is_read(tmp_path: Path):
    path = tmp_path / "run: 3.pth"
    torch.save({"w": torch.arange(5)}, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)

    (state,) = read_state_dicts(path)

    torch.testing.assert_close(state.tensors["w"], torch.arange(5))


def test_odd_tensors_come_back_as_they_were(tmp_path: Path):
    base = torch.arange(24.0).reshape(4, 6)
    tensors = {
        "strided": base.t(), "part": base[1:3, ::2], "expanded": torch.ones(1).expand(3),
        "empty": torch.empty(0, 3), "scalar": torch.tensor(7), "flags": torch.tensor([True, False]),
        "wide": torch.arange(3, dtype=torch.float64), "unsigned": torch.tensor([1, 2], dtype=torch.uint16),
        "tiny": torch.ones(3, dtype=torch.float8_e4m3fn), "complex": torch.ones(2, dtype=torch.complex64),
    }  # fmt: skip
    torch.save(tensors, tmp_path / "w.pth")

    (state,) = read_state_dicts(tmp_path / "w.pth")

    assert state.tensors.keys() == tensors.keys()
    for name, tensor in tensors.items():
        read_back = state.tensors[name]
        assert read_back.dtype == tensor.dtype
        torch.testing.assert_close(read_back.to(torch.complex64), tensor.to(torch.complex64))
