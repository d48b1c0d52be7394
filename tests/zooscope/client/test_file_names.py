"""Local names become names of the zoo: UTF-8 in NFC, or a typed error before anything is sent."""

import os
import zipfile
from pathlib import Path

import pytest

from service.core.tables import UploadRecord
from tests.rest.served import MANIFEST, archive
from zooscope import ZooClient, ZooClientError
from zooscope.client.archives import archive_of

DECOMPOSED = "cafe\u0301"


def test_folders_of_any_language_are_packed_in_nfc(tmp_path: Path):
    for name in (f"{DECOMPOSED}/1.png", "東京/一.png"):
        (tmp_path / "set" / name).parent.mkdir(parents=True)
        (tmp_path / "set" / name).write_bytes(b"image")

    with archive_of(tmp_path / "set") as path, zipfile.ZipFile(path) as packed:
        assert packed.namelist() == ["café/1.png", "東京/一.png"]


def test_two_names_that_differ_only_in_composition_are_refused(tmp_path: Path):
    images = [tmp_path / "café.png", tmp_path / f"{DECOMPOSED}.png"]

    with pytest.raises(ZooClientError) as caught, archive_of(images):
        pass

    assert caught.value.code == "duplicate_name"


@pytest.mark.parametrize("name", [b"caf\xe9.png", b"a\nb.png"])
def test_a_name_that_the_zoo_refuses_is_refused_before_it_is_sent(tmp_path: Path, name: bytes):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    path.write_bytes(b"image")

    with pytest.raises(ZooClientError) as caught, archive_of([path]):
        pass

    assert (caught.value.code, caught.value.remedy) == ("invalid_file_name", "rename the file")


def test_the_name_of_a_pushed_file_is_stored_in_nfc(client: ZooClient, zoo, tmp_path: Path):
    path = tmp_path / f"{DECOMPOSED}.pt2"
    path.write_bytes(archive())

    client.models.push(path, MANIFEST)

    with zoo.transaction() as session:
        assert session.query(UploadRecord).one().filename == "café.pt2"


def test_a_manifest_that_is_no_json_is_a_typed_error(client: ZooClient, tmp_path: Path):
    path = tmp_path / "fox.pt2"
    path.write_bytes(archive())
    odd = {**MANIFEST, "input": {"height": 8, "width": 8, "mean": [float("nan")]}}

    with pytest.raises(ZooClientError) as caught:
        client.models.push(path, odd)

    assert caught.value.code == "unstorable_value"
