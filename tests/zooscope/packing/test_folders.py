"""An archive of pictures in a folder of networks is one of the other files."""

import zipfile
from pathlib import Path

import torch

from zooscope.packing.sources.folder import contents_of


def test_archives_count_as_networks_only_if_they_hold_a_pickle(tmp_path: Path):
    torch.save({"fc.weight": torch.zeros(2, 2)}, tmp_path / "fox.pth")
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("cat/1.png", b"x")
        archive.writestr("dog/1.png", b"y")
    (tmp_path / "cut.zip").write_bytes((tmp_path / "photos.zip").read_bytes()[:40])

    contents = contents_of(tmp_path)

    assert [entry.path.name for entry in contents.entries] == ["fox.pth"]
    assert contents.without_network == 2
