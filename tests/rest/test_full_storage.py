"""Full storage is answered with 507 and the remedy, and an upload resumes once there is space."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from psycopg.errors import DiskFull
from sqlalchemy.exc import OperationalError

from service.core.errors import StorageFullError
from service.rpc.errors import status_of
from service.settings import Settings
from service.views.foreseen import foreseen
from tests.disks import MEBIBYTE, fill, small_disk
from tests.rest.served import MANIFEST, Served

DATA = os.urandom(3 * MEBIBYTE)


@pytest.fixture
def staging(zoo_settings: Settings) -> Iterator[Path]:
    """The folder of unfinished uploads, on a disk of four mebibytes."""
    with small_disk(zoo_settings.folder / "staging", mebibytes=4) as folder:
        yield folder


@pytest.fixture
def roomy(staging: Path, served: Served) -> Served:
    """The served zoo, whose guard of the disk judges an upload before its first byte only."""
    return served


def leave(staging: Path, mebibytes: int) -> Path:
    """Fill the disk except for some space."""
    ballast = fill(staging)
    os.truncate(ballast, ballast.stat().st_size - mebibytes * MEBIBYTE)
    return ballast


def test_a_resumable_upload_outlives_a_full_disk(staging: Path, roomy: Served):
    served = roomy
    announced = {"size": len(DATA), "sha256": hashlib.sha256(DATA).hexdigest()}
    path = f"/v1/uploads/{served.client.post('/v1/uploads', json=announced).json()['id']}"
    ballast = leave(staging, 2)

    refused = served.client.patch(path, content=DATA, headers={"Upload-Offset": "0"})

    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert "free space" in refused.json()["remedy"]
    assert int(refused.headers["Retry-After"]) > 0
    ballast.unlink()
    offset = int(served.client.head(path).headers["Upload-Offset"])
    assert MEBIBYTE <= offset <= 2 * MEBIBYTE
    done = served.client.patch(path, content=DATA[offset:], headers={"Upload-Offset": str(offset)})
    assert done.json()["state"] == "complete"
    assert b"".join(served.zoo.blobs.read(announced["sha256"])) == DATA


def test_a_form_is_refused_and_leaves_nothing_behind(staging: Path, roomy: Served):
    ballast = leave(staging, 1)
    files = {"manifest": (None, json.dumps(MANIFEST)), "file": ("fox.pt2", b"PK\x03\x04" + DATA)}

    refused = roomy.client.post("/v1/models", files=files)

    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")
    assert list(staging.iterdir()) == [ballast]


def test_no_upload_begins_above_the_watermark(staging: Path, roomy: Served):
    fill(staging)

    refused = roomy.client.post("/v1/uploads", json={"size": 1})

    assert (refused.status_code, refused.json()["code"]) == (507, "storage_full")


def test_a_full_disk_of_the_database_is_full_storage_too():
    error = foreseen(OperationalError("insert", {}, DiskFull("could not extend file")))

    assert isinstance(error, StorageFullError)
    assert status_of(error) is grpc.StatusCode.RESOURCE_EXHAUSTED
