"""Every store keeps what it was given, under its digest, and says so when it has nothing."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.adapters.object_store import blob_store
from service.core.blobs import BlobStore
from service.core.errors import NotFoundError
from tests.object_storage import s3_bucket

CONTENT = os.urandom(3 * 1024 * 1024 + 17)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture(scope="module")
def bucket() -> Iterator[str]:
    with s3_bucket() as url:
        yield url


@pytest.fixture(params=["folder", "memory", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "folder":
        return blob_store(str(tmp_path / "store"))
    if request.param == "memory":
        return blob_store("memory:///")
    url = f"{request.getfixturevalue('bucket')}/{tmp_path.name}"
    return blob_store(url, endpoint=os.environ["AWS_ENDPOINT_URL"])


def adopted(store: BlobStore, tmp_path: Path) -> Path:
    path = tmp_path / "upload"
    path.write_bytes(CONTENT)
    blob = store.add(path, sha256=SHA256)
    assert (blob.sha256, blob.size_bytes) == (SHA256, len(CONTENT))
    return path


def test_an_added_file_moves_into_the_store(store: BlobStore, tmp_path: Path):
    path = adopted(store, tmp_path)

    assert not path.exists()
    assert store.exists(SHA256)
    assert b"".join(store.read(SHA256)) == CONTENT


def test_the_same_bytes_are_stored_once(store: BlobStore, tmp_path: Path):
    adopted(store, tmp_path)
    path = adopted(store, tmp_path)

    assert not path.exists()
    assert b"".join(store.read(SHA256)) == CONTENT


def test_a_range_is_read(store: BlobStore, tmp_path: Path):
    adopted(store, tmp_path)

    assert b"".join(store.read(SHA256, start=1_000_003, length=77)) == CONTENT[1_000_003:1_000_080]


def test_a_fetched_file_holds_the_bytes(store: BlobStore, tmp_path: Path):
    adopted(store, tmp_path)

    store.fetch(SHA256, tmp_path / "fetched")

    assert (tmp_path / "fetched").read_bytes() == CONTENT


def test_a_deleted_file_is_gone_and_reading_it_names_its_digest(store: BlobStore, tmp_path: Path):
    adopted(store, tmp_path)

    store.delete(SHA256)

    assert not store.exists(SHA256)
    with pytest.raises(NotFoundError, match=SHA256):
        list(store.read(SHA256))


def test_only_old_files_are_listed_as_older(store: BlobStore, tmp_path: Path):
    adopted(store, tmp_path)

    assert SHA256 not in set(store.older_than(3600.0))
