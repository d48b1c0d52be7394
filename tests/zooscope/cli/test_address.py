"""The key of a home folder is sent only to the zoo of that folder."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar
from urllib.request import urlopen

import pytest

from service.container import Zoo
from service.core.home_secrets import Purpose, home_secret
from service.core.operations.access import keys
from tests.rest.served import serving
from tests.waiting import HANG_SECONDS
from tests.zooscope.cli.shells import Shell
from zooscope import LOCAL_URL, ZooClientError
from zooscope.cli.address import Address, address_of

RUNNING = "http://127.0.0.1:4711"


def _home(folder: Path, *, url: str = RUNNING, key: str = "zoo_1_secret") -> Path:
    """A home folder as ``zooscope up`` leaves it."""
    folder.mkdir(exist_ok=True)
    (folder / "admin.key").write_text(key + "\n")
    (folder / "up.json").write_text(json.dumps({"rest_url": url}))
    home_secret(folder, Purpose.IDENTITY)
    return folder


def _home_of(zoo: Zoo, url: str) -> Path:
    """The home folder of a zoo that is served at the URL."""
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    return _home(zoo.settings.folder, url=url, key=issued.token)


class Stranger(BaseHTTPRequestHandler):
    """Answers everything with a list, and passes challenges on to another service if it has one."""

    protocol_version = "HTTP/1.1"
    keys: ClassVar[list[str]] = []
    behind: ClassVar[str | None] = None

    def do_GET(self) -> None:
        if "Authorization" in self.headers:
            self.keys.append(self.headers["Authorization"])
        body = b'{"status": "ok", "items": [], "proof": "' + b"0" * 64 + b'"}'
        if self.behind is not None and self.path.startswith("/healthz"):
            body = urlopen(self.behind + self.path, timeout=HANG_SECONDS).read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def _stranger(*, behind: str | None = None) -> Iterator[tuple[str, list[str]]]:
    """The address of a service that is nobody's zoo, and the keys it was sent."""
    received: list[str] = []
    handler = type("Handler", (Stranger,), {"keys": received, "behind": behind})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}", received
        server.shutdown()


def test_the_running_zoo_of_the_home_folder_is_used(tmp_path: Path):
    home = _home(tmp_path)

    assert address_of(url=None, key=None, home=home) == Address(RUNNING, "zoo_1_secret", home)


def test_a_distant_zoo_is_not_sent_the_local_key(tmp_path: Path):
    address = address_of(url="https://zoo.example", key=None, home=_home(tmp_path))

    assert address.key is None


def test_an_explicit_address_and_key_win(tmp_path: Path):
    address = address_of(url="http://127.0.0.1:1", key="zoo_2_x", home=_home(tmp_path))

    assert address == Address("http://127.0.0.1:1", "zoo_2_x")


def test_an_empty_home_leaves_the_usual_address(tmp_path: Path):
    address = address_of(url=None, key=None, home=tmp_path)

    assert (address.url, address.key) == (LOCAL_URL, None)


def test_the_zoo_of_the_home_is_sent_its_key(zoo: Zoo):
    with serving(zoo) as url:
        home = _home_of(zoo, url)

        with address_of(url=None, key=None, home=home).client() as client:
            assert list(client.models.ls()) == []


@pytest.mark.parametrize("url", [None, "named"])
def test_a_stranger_at_the_address_of_the_home_is_sent_no_key(tmp_path: Path, url: str | None):
    with _stranger() as (theirs, received):
        home = _home(tmp_path, url=theirs)
        address = address_of(url=theirs if url else None, key=None, home=home)

        with address.client() as client, pytest.raises(ZooClientError) as refused:
            list(client.models.ls())

    assert refused.value.code == "home_mismatch"
    assert str(home) in str(refused.value.remedy)
    assert received == []


def test_a_key_of_the_environment_is_not_sent_to_a_stranger_in_place_of_the_home(tmp_path: Path):
    with _stranger() as (theirs, received):
        address = address_of(url=None, key="zoo_2_x", home=_home(tmp_path, url=theirs))

        with address.client() as client, pytest.raises(ZooClientError, match="not the zoo of"):
            list(client.models.ls())

    assert received == []


def test_a_stranger_that_passes_the_challenge_on_to_the_zoo_is_sent_no_key(zoo: Zoo):
    with serving(zoo) as url, _stranger(behind=url) as (theirs, received):
        home = _home_of(zoo, url)

        address = address_of(url=theirs, key=None, home=home)
        with address.client() as client, pytest.raises(ZooClientError) as refused:
            list(client.models.ls())

    assert refused.value.code == "home_mismatch"
    assert received == []


def test_an_explicit_key_is_sent_to_an_explicit_address(tmp_path: Path):
    with _stranger() as (theirs, received):
        address = address_of(url=theirs, key="zoo_2_x", home=_home(tmp_path))

        with address.client() as client:
            assert list(client.models.ls()) == []

    assert received == ["Bearer zoo_2_x"]


@pytest.mark.parametrize("words", [("models", "ls"), ("jobs", "watch", "job_1"), ("keys", "ls")])
def test_every_command_refuses_a_stranger_with_the_remedy(tmp_path: Path, words: tuple[str, ...]):
    with _stranger() as (theirs, received):
        shell = Shell(theirs, None, _home(tmp_path))

        done = shell.run(*words)

    assert done.returncode == 1
    assert "home_mismatch" in done.stderr + done.stdout or "not the zoo of" in done.stderr
    assert "zooscope up --home" in done.stderr
    assert received == []
