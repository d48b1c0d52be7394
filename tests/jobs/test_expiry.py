"""What nobody needs is removed; what anybody may need stays."""

import os
from datetime import timedelta

from sqlalchemy import text

from service.container import Zoo
from service.core.clock import now
from service.core.fingerprints import fingerprint
from service.core.operations.jobs import lifecycle
from service.core.tables import UploadRecord
from service.scheduler.expiry import remove_expired
from service.scheduler.garbage_collection import collect
from tests.jobs.builders import PROJECT, a_dataset, a_job


def stored(zoo: Zoo, words: str) -> str:
    path = zoo.staging / "file"
    path.write_text(words)
    return zoo.blobs.add(path, sha256=fingerprint(words)).sha256


def aged(zoo: Zoo, sha256: str) -> str:
    path = zoo.blobs.path(sha256)
    path.chmod(0o644)
    os.utime(path, (0, 0))
    return sha256


def test_only_old_files_that_no_row_names_are_deleted(zoo: Zoo):
    unnamed, named, young = (stored(zoo, words) for words in ("unnamed", "named", "young"))
    aged(zoo, unnamed)
    aged(zoo, named)
    with zoo.transaction() as session:
        a_dataset(session, packed_sha256=named)

    assert collect(zoo) == 1

    assert [zoo.blobs.exists(blob) for blob in (unnamed, named, young)] == [False, True, True]


def test_a_file_that_is_adopted_again_counts_as_young(zoo: Zoo):
    sha256 = aged(zoo, stored(zoo, "twice"))

    stored(zoo, "twice")

    assert collect(zoo) == 0
    assert zoo.blobs.exists(sha256)


def test_expired_uploads_go_with_their_bytes(zoo: Zoo):
    with zoo.transaction() as session:
        for name, days in (("upl_old", -1), ("upl_new", 1)):
            expires_at = now() + timedelta(days=days)
            session.add(
                UploadRecord(
                    id=name, project=PROJECT, filename="x", size_bytes=1, expires_at=expires_at
                )
            )
            (zoo.staging / name).write_text("x")

    remove_expired(zoo)

    assert [path.name for path in zoo.staging.iterdir()] == ["upl_new"]
    with zoo.transaction() as session:
        assert session.scalars(text("SELECT id FROM uploads")).all() == ["upl_new"]


def test_the_scratch_folder_of_a_living_attempt_stays(zoo: Zoo):
    with zoo.transaction() as session:
        job_id = a_job(session).id
    with zoo.transaction() as session:
        lifecycle.claim(session, worker="w", queues=["cpu"], lease_seconds=30, running_seconds=30)
    for fence in (1, 2):
        (zoo.scratch / f"{job_id}.{fence}").mkdir()

    remove_expired(zoo)

    assert [path.name for path in zoo.scratch.iterdir()] == [f"{job_id}.1"]
