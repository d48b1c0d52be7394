"""A file arrives complete, however often the connection breaks."""

import hashlib
import io
import os
import zipfile
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from service.container import Zoo
from service.core.tables import DatasetRecord, ModelRecord
from tests.rest.served import MANIFEST
from tests.waiting import HANG_SECONDS
from tests.zooscope.client.conftest import QUICK
from tests.zooscope.client.flaky import wire_to
from zooscope.client import UnreachableError, ZooClient, ZooClientError
from zooscope.client.archives import archive_of
from zooscope.client.transport import Transport
from zooscope.client.uploads import MEBIBYTE, Upload, ignore_progress, sha256_of, upload


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    """A file of eight mebibytes that looks like a pt2 archive."""
    path = tmp_path / "fox.pt2"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("fox/models/model.json", b"{}")
        archive.writestr("fox/data/weights/weight_0", os.urandom(8 * MEBIBYTE))
    return path


def _stored(zoo: Zoo, model_id: str) -> str:
    with zoo.transaction() as session:
        digest = session.get_one(ModelRecord, model_id).upload_sha256
    assert digest is not None
    return hashlib.sha256(b"".join(zoo.blobs.read(digest))).hexdigest()


def test_a_pushed_file_is_stored_unchanged_and_progress_is_reported(
    client: ZooClient, zoo: Zoo, fox: Path
):
    reported: list[tuple[int, int]] = []

    model = client.models.push(fox, MANIFEST, on_progress=lambda *now: reported.append(now))

    assert model["state"] == "uploaded"
    assert _stored(zoo, model["id"]) == sha256_of(fox)
    assert reported[-1] == (fox.stat().st_size, fox.stat().st_size)


def test_three_broken_connections_lose_no_bytes(url: str, key: str, zoo: Zoo, fox: Path):
    cuts = [2 * MEBIBYTE, 1 * MEBIBYTE, 3 * MEBIBYTE]
    with wire_to(url, cuts=cuts) as wire:
        with ZooClient(wire.url, key=key, retry_policy=QUICK) as client:
            model = client.models.push(fox, MANIFEST)

        assert wire.broken == 3
    assert _stored(zoo, model["id"]) == sha256_of(fox)


def test_parts_that_arrived_before_the_break_are_not_sent_again(url: str, key: str, fox: Path):
    offsets: list[int] = []
    with wire_to(url, cuts=[4 * MEBIBYTE + 100_000]) as wire:
        transport = Transport(wire.url, key=key, retry_policy=QUICK, timeout_seconds=HANG_SECONDS)
        upload(
            transport,
            fox,
            on_progress=lambda sent, _: offsets.append(sent),
            part_bytes=MEBIBYTE,
        )
        transport.close()

        assert wire.broken == 1
    fallen_back_to = [after for before, after in pairwise(offsets) if after <= before]
    assert all(offset > 3 * MEBIBYTE for offset in fallen_back_to)
    assert offsets[-1] == fox.stat().st_size


def test_a_small_file_resumes_within_its_first_block(url: str, key: str, tmp_path: Path):
    path = tmp_path / "small.bin"
    path.write_bytes(os.urandom(900_000))
    resumed_at: list[str] = []
    with wire_to(url, cuts=[500_000]) as wire:
        transport = Transport(wire.url, key=key, retry_policy=QUICK, timeout_seconds=HANG_SECONDS)
        send = transport.request

        def request(method: str, path: str, **content: Any) -> Any:
            if method == "PATCH":
                resumed_at.append(content["headers"]["Upload-Offset"])
            return send(method, path, **content)

        transport.request = request  # type: ignore[method-assign]
        upload(transport, path)
        transport.close()

    first, *later = map(int, resumed_at)
    assert first == 0
    assert min(later) > 100_000


def test_an_upload_whose_last_answer_was_lost_is_complete(url: str, key: str, tmp_path: Path):
    path = tmp_path / "small.bin"
    path.write_bytes(b"small")
    transport = Transport(url, key=key, retry_policy=QUICK, timeout_seconds=HANG_SECONDS)
    announced = transport.json("POST", "/uploads", body={"size": 5})
    sending = Upload(transport, path, announced["id"], 5, ignore_progress, MEBIBYTE)

    sending.send_from(0)
    sending.send_from(5)

    assert transport.json("GET", f"/uploads/{announced['id']}")["state"] == "complete"
    transport.close()


def test_an_unreachable_zoo_is_reported_with_a_remedy(fox: Path):
    with (
        ZooClient("http://127.0.0.1:1", retry_policy=QUICK) as client,
        pytest.raises(UnreachableError) as raised,
    ):
        client.models.push(fox, MANIFEST)

    assert raised.value.code == "unreachable"
    assert raised.value.remedy is not None


def test_a_refused_file_has_the_zoos_remedy(client: ZooClient, tmp_path: Path):
    path = tmp_path / "fox.pth"
    path.write_bytes(b"\x80\x04pickled")

    with pytest.raises(ZooClientError) as raised:
        client.models.push(path, MANIFEST)

    assert (raised.value.code, raised.value.status) == ("unsafe_format", 422)
    assert raised.value.remedy is not None
    assert "zooscope pack" in raised.value.remedy


def test_an_empty_file_is_not_sent(client: ZooClient, tmp_path: Path):
    path = tmp_path / "empty.pt2"
    path.touch()

    with pytest.raises(ZooClientError, match="empty"):
        client.models.push(path, MANIFEST)


def _folder(tmp_path: Path) -> Path:
    for name in ("cat/1.png", "dog/1.png", ".hidden/x", "cat/.DS_Store"):
        path = tmp_path / "farm" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(name.encode())
    return tmp_path / "farm"


def test_a_folder_of_images_becomes_one_archive_with_its_classes(
    client: ZooClient, zoo: Zoo, tmp_path: Path
):
    dataset = client.datasets.push(_folder(tmp_path), {"name": "farm"})

    with zoo.transaction() as session:
        record = session.get_one(DatasetRecord, dataset["id"])
        digest, filename = record.upload_sha256, record.filename
    with zipfile.ZipFile(io.BytesIO(b"".join(zoo.blobs.read(digest)))) as archive:
        assert archive.namelist() == ["cat/1.png", "dog/1.png"]
    assert filename == "farm.zip"


def test_the_same_folder_makes_the_same_archive(tmp_path: Path):
    folder = _folder(tmp_path)
    with archive_of(folder) as path:
        before = sha256_of(path)
    os.utime(folder / "cat/1.png", (1, 1))

    with archive_of(folder) as path:
        assert sha256_of(path) == before


def test_images_of_the_same_name_are_not_silently_merged(tmp_path: Path):
    folder = _folder(tmp_path)

    with (
        pytest.raises(ZooClientError, match=r"1\.png") as raised,
        archive_of([folder / "cat/1.png", folder / "dog/1.png"]),
    ):
        pass

    assert raised.value.code == "duplicate_name"
