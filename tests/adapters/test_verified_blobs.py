"""Damaged bytes are never handed out: they are set aside, reported, and repaired by an upload."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import obstore
import pytest

from service.adapters.object_store import CHUNK_BYTES, FolderBlobs, ObjectBlobs, key_of
from service.adapters.verified_blobs import VerifiedBlobs, VerifyBudget
from service.core.errors import BlobDamagedError
from tests.disks import flip_bit

CONTENT = os.urandom(3 * CHUNK_BYTES + 17)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
PLENTY = 2**30


@dataclass
class RecordingLog:
    """A damage log that keeps what it learns."""

    events: list[tuple[str, str]] = field(default_factory=list)

    def damaged(self, sha256: str) -> None:
        self.events.append(("damaged", sha256))

    def stored(self, sha256: str) -> None:
        self.events.append(("stored", sha256))


@dataclass
class Rotten:
    """A store that holds one file, whose last bit can flip."""

    blobs: VerifiedBlobs
    raw: FolderBlobs | ObjectBlobs
    root: Path
    log: RecordingLog

    def add(self) -> None:
        path = self.root / "upload"
        path.write_bytes(CONTENT)
        self.blobs.add(path, sha256=SHA256)

    def rot(self) -> None:
        if isinstance(self.raw, FolderBlobs):
            flip_bit(self.root / "store", SHA256, at=len(CONTENT) - 1)
        else:
            flipped = CONTENT[:-1] + bytes([CONTENT[-1] ^ 1])
            obstore.put(self.raw._store, key_of(SHA256), flipped)


def a_store(raw: FolderBlobs | ObjectBlobs, root: Path, *, budget: int = PLENTY) -> Rotten:
    log = RecordingLog()
    rotten = Rotten(VerifiedBlobs(raw, damage=log, budget=VerifyBudget(budget)), raw, root, log)
    rotten.add()
    log.events.clear()
    return rotten


@pytest.fixture(params=["folder", "memory"])
def rotten(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rotten]:
    if request.param == "folder":
        raw: FolderBlobs | ObjectBlobs = FolderBlobs(tmp_path / "store")
    else:
        raw = ObjectBlobs("memory:///", endpoint=None)
    return a_store(raw, tmp_path)


def test_a_damaged_file_is_not_fetched_but_set_aside_and_reported(rotten: Rotten):
    rotten.rot()

    with pytest.raises(BlobDamagedError):
        rotten.blobs.fetch(SHA256, rotten.root / "fetched")

    assert not (rotten.root / "fetched").exists()
    assert not rotten.blobs.exists(SHA256)
    assert list(rotten.blobs.set_aside_digests()) == [SHA256]
    assert ("damaged", SHA256) in rotten.log.events
    assert SHA256 not in set(rotten.blobs.digests())


def test_no_byte_of_a_small_damaged_file_is_read(rotten: Rotten):
    rotten.rot()

    with pytest.raises(BlobDamagedError):
        rotten.blobs.read(SHA256)


def test_a_part_of_a_damaged_file_is_not_read(rotten: Rotten):
    rotten.rot()

    with pytest.raises(BlobDamagedError):
        rotten.blobs.read(SHA256, start=5, length=5)


def test_what_is_set_aside_stays_damaged_for_every_reader(rotten: Rotten):
    rotten.rot()
    with pytest.raises(BlobDamagedError):
        rotten.blobs.verify(SHA256)

    for use in (
        lambda: rotten.blobs.read(SHA256),
        lambda: rotten.blobs.read(SHA256, start=1, length=1),
        lambda: rotten.blobs.stamp(SHA256),
        lambda: rotten.blobs.fetch(SHA256, rotten.root / "fetched"),
        lambda: rotten.blobs.copy(SHA256, rotten.root / "copied"),
    ):
        with pytest.raises(BlobDamagedError):
            use()


def test_adding_the_same_bytes_repairs_the_file(rotten: Rotten):
    rotten.rot()
    with pytest.raises(BlobDamagedError):
        rotten.blobs.verify(SHA256)

    rotten.add()

    assert b"".join(rotten.blobs.read(SHA256)) == CONTENT
    assert list(rotten.blobs.set_aside_digests()) == []
    assert rotten.log.events[-1] == ("stored", SHA256)


def test_adding_the_same_bytes_repairs_damage_that_nobody_noticed(rotten: Rotten):
    rotten.rot()

    rotten.add()

    assert b"".join(rotten.blobs.read(SHA256)) == CONTENT


def test_a_file_beyond_the_budget_ends_before_its_last_bytes(tmp_path: Path):
    rotten = a_store(FolderBlobs(tmp_path / "store"), tmp_path, budget=1)
    rotten.rot()
    received = b""

    with pytest.raises(BlobDamagedError):
        for chunk in rotten.blobs.read(SHA256):
            received += chunk

    assert received == CONTENT[: len(received)]
    assert len(received) < len(CONTENT)
    assert not rotten.blobs.exists(SHA256)


def test_a_copy_shares_nothing_with_the_store(tmp_path: Path):
    rotten = a_store(FolderBlobs(tmp_path / "store"), tmp_path)
    rotten.blobs.copy(SHA256, tmp_path / "copied")

    rotten.rot()

    assert (tmp_path / "copied").read_bytes() == CONTENT


def test_a_verified_file_that_was_written_to_is_verified_again(tmp_path: Path):
    rotten = a_store(FolderBlobs(tmp_path / "store"), tmp_path)
    rotten.blobs.verify_if_changed(SHA256)
    rotten.blobs.verify_if_changed(SHA256)
    rotten.rot()
    os.utime(tmp_path / "store" / key_of(SHA256))

    with pytest.raises(BlobDamagedError):
        rotten.blobs.verify_if_changed(SHA256)
