"""Two users of one machine run two zoos side by side and share nothing."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.platform.running import starting, when_ready
from tests.waiting import HANG_SECONDS

# Postgres runs only as users that the system knows.
USERS = [entry.pw_uid for entry in pwd.getpwall() if entry.pw_uid != 0][:2]
ROOT = Path(__file__).parents[2]
POSTGRES = (
    "import sys; from pathlib import Path; from service.embedded.postgres import PrivatePostgres\n"
    "with PrivatePostgres(Path(sys.argv[1])) as server: print(server.url('postgres'), flush=True);"
    " sys.stdin.read()"
)
CONNECT = "import sys, psycopg; psycopg.connect(sys.argv[1])"


def acting_as(user: int) -> list[str]:
    """The command that runs another as this user, who may read this installation but write nothing."""
    return [
        *("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups"),
        *("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"),
    ]


def as_user(user: int, *words: str) -> "subprocess.Popen[str]":
    """A Python program of another user, started in the root of the tree."""
    return subprocess.Popen(
        [*acting_as(user), sys.executable, *words],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def folders(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """A private folder for each user, with one shared folder for temporary files."""
    if os.geteuid() != 0:
        pytest.skip("only root can act as two other users")
    if len(USERS) < 2:
        pytest.skip("this machine knows no two users besides root")
    if shutil.which("setpriv") is None:
        pytest.skip("setpriv, which starts a program as another user, is not installed")
    # Not below pytest's own folder, which other users cannot reach.
    base = Path(tempfile.mkdtemp(prefix="users-", dir="/tmp"))
    base.chmod(0o711)
    shared = base / "tmp"
    shared.mkdir()
    shared.chmod(0o1777)
    monkeypatch.setenv("TMPDIR", str(shared))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    private = [base / str(user) for user in USERS]
    for folder, user in zip(private, USERS, strict=True):
        folder.mkdir(mode=0o700)
        os.chown(folder, user, user)
    yield private
    shutil.rmtree(base)


@pytest.mark.parametrize("name", ["postgres", "x" * 120], ids=["short path", "long path"])
def test_two_users_run_a_database_each_that_the_other_cannot_enter(folders: list[Path], name: str):
    servers = [
        as_user(user, "-c", POSTGRES, str(folder / name))
        for user, folder in zip(USERS, folders, strict=True)
    ]
    try:
        urls = [server.stdout.readline().strip() for server in servers if server.stdout]
        assert all(urls), [server.communicate()[1] for server in servers]
        for url, intruder in zip(urls, reversed(USERS), strict=True):
            psycopg.connect(url).close()
            assert "Permission denied" in as_user(intruder, "-c", CONNECT, url).communicate()[1]
    finally:
        ended = [server.communicate() for server in servers]

    assert [server.returncode for server in servers] == [0, 0], ended
    assert list((folders[0].parent / "tmp").iterdir()) == []


@pytest.mark.slow
def test_two_users_run_a_zoo_each_with_the_default_ports(
    folders: list[Path], monkeypatch: pytest.MonkeyPatch
):
    for variable in ("ZOO_PORT", "ZOO_GRPC_PORT"):
        monkeypatch.delenv(variable, raising=False)
    ups = [
        starting(folder / "home", ports=(), prefix=acting_as(user))
        for user, folder in zip(USERS, folders, strict=True)
    ]
    try:
        for up in ups:
            when_ready(up)

        assert ups[0].running["rest_url"] != ups[1].running["rest_url"]
        assert ups[0].running["grpc_address"] != ups[1].running["grpc_address"]
        assert [up.get("/v1/models")["items"] for up in ups] == [[], []]
    finally:
        for up in ups:
            up.process.send_signal(signal.SIGTERM)
        assert [up.process.wait(HANG_SECONDS) for up in ups] == [0, 0]
