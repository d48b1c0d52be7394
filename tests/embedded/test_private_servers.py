"""The private servers keep their data in their folder and leave no process running."""

import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import psutil
import psycopg
import pytest
import redis

from service.core.errors import UnavailableError
from service.embedded.postgres import PrivatePostgres, running_url
from service.embedded.processes import wait_until_ended
from service.embedded.redis import PrivateRedis, redis_server
from tests.waiting import HANG_SECONDS


@pytest.fixture
def folder(open_folder: Path) -> Path:
    return open_folder / "server"


def test_postgres_holds_vectors(postgres: PrivatePostgres):
    with psycopg.connect(postgres.url("template")) as connection:
        distance = connection.execute("SELECT '[1,2]'::vector <-> '[4,6]'::vector").fetchone()

    assert distance == (5.0,)


def test_postgres_keeps_its_data_over_a_restart(folder: Path):
    with PrivatePostgres(folder) as server:
        server.create_database("zooscope")
        with psycopg.connect(server.url(), autocommit=True) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS number")

    with PrivatePostgres(folder) as server, psycopg.connect(server.url()) as connection:
        assert connection.execute("SELECT number FROM kept").fetchone() == (7,)


def test_another_program_finds_the_database_of_a_running_postgres(folder: Path):
    with PrivatePostgres(folder) as server:
        server.create_database("zooscope")
        with psycopg.connect(running_url(folder)) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)

    with pytest.raises(UnavailableError, match="no Postgres runs"):
        running_url(folder)


def test_a_dead_postgres_can_be_stopped_and_restarted(folder: Path):
    server = PrivatePostgres(folder)
    psutil.Process(server.pid).kill()
    wait_until_ended([psutil.Process(server.pid)], seconds=HANG_SECONDS)

    server.stop()

    with PrivatePostgres(folder) as again, psycopg.connect(again.url("postgres")) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_postgres_starts_when_another_process_has_its_old_id(folder: Path):
    PrivatePostgres(folder).stop()
    lines = ["1", str(folder), "1700000000", "5432", str(folder), "", "1 2", "ready"]
    (folder / "postmaster.pid").write_text("\n".join(lines) + "\n")

    with PrivatePostgres(folder) as server:
        assert psutil.Process(server.pid).name() == "postgres"


def test_postgres_uses_a_private_socket_folder_if_its_own_path_is_too_long(tmp_path: Path):
    with PrivatePostgres(tmp_path / ("long" * 30)) as server:
        folder = Path(unquote(server.url().split("host=")[1]))
        assert folder.stat().st_mode & 0o777 == 0o700
        psutil.Process(server.pid).kill()
        while server.is_running():
            pass

        server.restart()

        with psycopg.connect(server.url("postgres")) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not folder.exists()


def test_a_postgres_that_cannot_start_is_reported_with_its_output(folder: Path):
    PrivatePostgres(folder).stop()
    (folder / "postgresql.conf").write_text("no_such_setting = 1\n")

    with pytest.raises(UnavailableError, match="no_such_setting") as refused:
        PrivatePostgres(folder)

    assert refused.value.code == "postgres_not_started"


def test_postgres_is_silent_when_its_program_exits_after_its_folder_is_gone(folder: Path):
    program = (
        "import shutil, sys; from pathlib import Path;"
        "from service.embedded.postgres import PrivatePostgres;"
        "folder = Path(sys.argv[1]); PrivatePostgres(folder).stop(); shutil.rmtree(folder)"
    )

    ended = subprocess.run(
        [sys.executable, "-c", program, folder],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )

    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "", "")


def test_redis_answers_only_with_the_password(folder: Path):
    with PrivateRedis(folder) as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("door", "bell")
            assert client.get("door") == b"bell"
        with (
            redis.Redis(port=server.port) as stranger,
            pytest.raises(redis.AuthenticationError),
        ):
            stranger.get("door")


def test_redis_shows_no_password_in_its_command_line(folder: Path):
    with PrivateRedis(folder) as server:
        password = server.url.split(":")[2].split("@")[0]

        assert password not in " ".join(psutil.Process(server.pid).cmdline())


def test_a_dead_redis_restarts_at_the_same_address(folder: Path):
    with PrivateRedis(folder) as server:
        psutil.Process(server.pid).kill()
        while server.is_running():
            pass

        server.restart()

        with redis.Redis.from_url(server.url) as client:
            assert client.ping()


def test_redis_is_gone_after_stop_and_stop_may_be_repeated(folder: Path):
    server = PrivateRedis(folder)

    server.stop()
    server.stop()

    assert not server.is_running()


def test_redis_comes_from_the_wheel_where_none_is_installed(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "/nonexistent")

    assert redis_server().name == "valkey-server"


def test_the_private_redis_is_of_a_supported_branch(folder: Path):
    with PrivateRedis(folder) as server, redis.Redis.from_url(server.url) as client:
        facts = client.info("server")

    assert (facts["server_name"], int(facts["valkey_version"].split(".")[0])) >= ("valkey", 9)


def test_a_redis_that_cannot_start_is_reported_with_its_log(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    broken = tmp_path / "redis-server"
    monkeypatch.setattr("service.embedded.redis.find_spec", lambda _name: None)
    broken.write_text("#!/bin/sh\necho out of luck\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UnavailableError, match="did not start on port"):
        PrivateRedis(folder)
