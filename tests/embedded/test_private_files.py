"""What a zoo stores is closed to other users, no matter who starts it and with which umask."""

import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from service.adapters.object_store import blob_store
from service.container import Zoo
from service.core.private_files import create_private_files
from service.embedded.home import Home
from service.embedded.postgres import PrivatePostgres
from service.embedded.redis import PrivateRedis


@pytest.fixture(autouse=True)
def usual_umask() -> Iterator[None]:
    """The umask of most systems, under which new files are open to everybody."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_new_folders_of_a_home_are_closed(tmp_path: Path, zoo: Zoo):
    home = Home(tmp_path / "new")
    home.log("api").touch()
    with PrivateRedis(home.redis):
        folders = [home.folder, home.logs, home.redis, zoo.staging, zoo.scratch]

        assert [mode(folder) for folder in folders] == [0o700] * 5
    assert mode(zoo.settings.folder) == 0o700


def test_a_home_that_was_open_is_closed(tmp_path: Path):
    for name in ("", "blobs", "logs"):
        (tmp_path / "old" / name).mkdir(mode=0o755, exist_ok=True, parents=True)

    home = Home(tmp_path / "old")
    home.log("api")
    blob_store(str(home.folder / "blobs"))

    assert [mode(home.folder / name) for name in ("", "blobs", "logs")] == [0o700] * 3


def test_stored_files_and_their_folders_are_closed(tmp_path: Path):
    store = blob_store(str(tmp_path / "blobs"))
    (tmp_path / "upload").write_text("content")
    sha256 = hashlib.sha256(b"content").hexdigest()

    store.add(tmp_path / "upload", sha256=sha256)

    (file,) = (tmp_path / "blobs").glob("??/??/*")
    assert [mode(path) for path in (file, *file.parents[:3])] == [0o400, 0o700, 0o700, 0o700]


def test_files_of_our_processes_are_closed(tmp_path: Path):
    create_private_files()

    (tmp_path / "folder").mkdir()
    (tmp_path / "file").touch()

    assert (mode(tmp_path / "folder"), mode(tmp_path / "file")) == (0o700, 0o600)


def test_the_database_runs_in_a_closed_home_and_opens_no_folder_above(open_folder: Path):
    closed = open_folder / "closed"
    closed.mkdir(mode=0o700)
    home = Home(closed / "home")

    with PrivatePostgres(home.postgres) as server:
        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

        folders = [open_folder, closed, home.folder, home.postgres]
        assert [mode(folder) for folder in folders] == [0o700] * 4
