"""Files that the usual tools really write are told apart by their first and last bytes."""

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from service.core.errors import RefusedUploadError
from service.core.manifest import ModelFormat
from service.core.recognition import (
    EDGE_BYTES,
    PICKLE,
    PT2,
    SAFETENSORS,
    TORCH_SAVE,
    kind_of,
    require_form,
)


def edges(path: Path) -> tuple[bytes, bytes]:
    data = path.read_bytes()
    return data[:EDGE_BYTES], data[-EDGE_BYTES:]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One network, written in every way that torch knows."""
    folder = tmp_path_factory.mktemp("files")
    network = torch.nn.Linear(3, 2).eval()
    torch.export.save(torch.export.export(network, (torch.zeros(1, 3),)), folder / "exported.pt2")
    torch.save(network.state_dict(), folder / "saved.pth")
    torch.save(network.state_dict(), folder / "old.pth", _use_new_zipfile_serialization=False)
    save_file(network.state_dict(), folder / "bare.safetensors")
    return {path.stem: path for path in folder.iterdir()}


@pytest.mark.parametrize(
    ("name", "kind"),
    [("exported", PT2), ("saved", TORCH_SAVE), ("old", PICKLE), ("bare", SAFETENSORS)],
)
@pytest.mark.filterwarnings("ignore")
def test_a_file_is_what_its_bytes_say(files: dict[str, Path], name: str, kind):
    assert kind_of(*edges(files[name])) is kind


def test_only_the_announced_form_is_let_through(files: dict[str, Path]):
    require_form(*edges(files["exported"]), form=ModelFormat.PT2)
    require_form(*edges(files["bare"]), form=ModelFormat.SAFETENSORS)

    with pytest.raises(RefusedUploadError) as refused:
        require_form(*edges(files["bare"]), form=ModelFormat.PT2)

    assert refused.value.code == "mislabelled"


@pytest.mark.parametrize("data", [b"", b"x", b"{}", bytes(100), b"PK\x03\x04"])
def test_short_and_empty_files_do_not_confuse(data: bytes):
    kind_of(data, data)
