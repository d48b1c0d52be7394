"""Files that the usual tools really write are told apart by their first and last bytes."""

import io
import struct
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from service.core.errors import RefusedUploadError
from service.core.file_types import EDGE_BYTES, FileKind, kind_of, refusal, require_form
from service.core.manifest import ModelFormat

BEGINNINGS = {
    b"GGUF\x03\x00\x00\x00": FileKind.GGUF,
    b"\x93NUMPY\x01\x00": FileKind.NUMPY,
    b"\x1c\x00\x00\x00TFL3": FileKind.TFLITE,
    b"\x08\x01\x12\xa0tensorflow/python": FileKind.SAVED_MODEL,
    b"\x08\x07\x12\x07pytorch": FileKind.ONNX,
    b"\x08\x0a:\xa0\x01": FileKind.ONNX,
    b"7z\xbc\xaf'\x1c": FileKind.COMPRESSED,
    b"\x89PNG\r\n\x1a\n": FileKind.IMAGE,
    b"\x7fELF\x02": FileKind.EXECUTABLE,
    b"import torch\n": FileKind.TEXT,
    b"": FileKind.EMPTY,
    bytes(range(200, 256)): FileKind.UNKNOWN,
}
NO_NETWORKS = {FileKind.TEXT, FileKind.EMPTY, FileKind.IMAGE, FileKind.UNKNOWN, FileKind.ZIP}


def ends(data: bytes) -> tuple[bytes, bytes]:
    return data[:EDGE_BYTES], data[-EDGE_BYTES:]


def edges(path: Path) -> tuple[bytes, bytes]:
    return ends(path.read_bytes())


def zipped(*names: str, data: bytes = b"") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as out:
        for name in names:
            out.writestr(name, data)
    return file.getvalue()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One network, written in every way that torch knows."""
    folder = tmp_path_factory.mktemp("files")
    network = torch.nn.Linear(3, 2).eval()
    torch.export.save(torch.export.export(network, (torch.zeros(1, 3),)), folder / "exported.pt2")
    torch.jit.save(torch.jit.script(network), folder / "scripted.pt")
    torch.save(network.state_dict(), folder / "saved.pth")
    torch.save(network.state_dict(), folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(network.state_dict(), folder / "bare.safetensors")
    many = torch.nn.ModuleList(torch.nn.Linear(1, 1) for _ in range(900))
    torch.save(many.state_dict(), folder / "large.pth")
    return {path.stem: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("exported", FileKind.PT2),
        ("scripted", FileKind.TORCHSCRIPT),
        ("saved", FileKind.CHECKPOINT),
        ("large", FileKind.CHECKPOINT),
        ("old", FileKind.CHECKPOINT),
        ("bare", FileKind.SAFETENSORS),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_file_is_what_its_bytes_say(files: dict[str, Path], name: str, kind: FileKind):
    assert kind_of(*edges(files[name])) is kind


@pytest.mark.parametrize(("beginning", "kind"), BEGINNINGS.items())
def test_other_formats_are_known_by_their_beginning(beginning: bytes, kind: FileKind):
    assert kind_of(beginning, beginning) is kind


def test_only_the_announced_form_is_let_through(files: dict[str, Path]):
    require_form(*edges(files["exported"]), form=ModelFormat.PT2)
    require_form(*edges(files["bare"]), form=ModelFormat.SAFETENSORS)

    with pytest.raises(RefusedUploadError) as refused:
        require_form(*edges(files["bare"]), form=ModelFormat.PT2)

    assert refused.value.code == "format_mismatch"


@pytest.mark.parametrize("length", [0x0280, 0x0580, 0x4D5A, 0x5A4D, 0x8B1F, 0x2123])
def test_safetensors_pass_whatever_the_length_of_their_header_looks_like(length: int):
    data = struct.pack("<Q", length) + b"{}".ljust(length)

    require_form(*ends(data), form=ModelFormat.SAFETENSORS)


def test_an_archive_is_judged_by_its_own_members_and_not_by_those_of_an_archive_inside():
    inner = zipped("x/data.pkl", "x/constants.pkl", "x/code/__torch__.py")

    data = zipped("net/data/sample_inputs/model.pt", "net/models/model.json", data=inner)

    assert kind_of(*ends(data)) is FileKind.PT2


def test_an_archive_whose_directory_is_out_of_sight_has_the_benefit_of_the_doubt():
    names = [f"net/data/constants/{number:0200d}" for number in range(500)]
    data = zipped("net/models/model.json", *names)

    head, tail = zipped("net/version")[:40], data[-EDGE_BYTES:]

    assert kind_of(head, tail) is FileKind.ZIP
    require_form(head, tail, form=ModelFormat.PT2)


def test_every_kind_is_refused_with_a_code_that_tells_what_to_do():
    codes = {kind: refusal(kind, form=ModelFormat.PT2) for kind in FileKind}

    unknown = {kind for kind, error in codes.items() if error.code == "unknown_format"}
    assert unknown == NO_NETWORKS
    assert all("zooscope pack" in str(codes[kind].remedy) for kind in unknown)
    assert codes[FileKind.CHECKPOINT].code == codes[FileKind.KERAS].code == "unsafe_format"
    assert codes[FileKind.ONNX].code == "format_mismatch"
    assert "architecture" in str(codes[FileKind.SAFETENSORS].remedy)


@pytest.mark.parametrize("data", [b"", b"x", b"{}", bytes(100), b"PK\x03\x04", b"PK\x05\x06" * 9])
def test_short_and_empty_files_do_not_confuse(data: bytes):
    kind_of(data, data)
