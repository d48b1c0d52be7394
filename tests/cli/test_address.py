"""The administrator's key of this machine is shown to a zoo of this machine and to no other."""

import json
from pathlib import Path

from service.cli.address import Address, address_of
from service.client import LOCAL_URL


def _home(tmp_path: Path) -> Path:
    (tmp_path / "admin.key").write_text("zoo_1_secret\n")
    (tmp_path / "up.json").write_text(json.dumps({"rest_url": "http://127.0.0.1:4711"}))
    return tmp_path


def test_the_running_zoo_of_the_home_folder_is_found(tmp_path: Path):
    found = address_of(url=None, key=None, home=_home(tmp_path))

    assert found == Address("http://127.0.0.1:4711", "zoo_1_secret")


def test_a_distant_zoo_is_not_shown_the_local_key(tmp_path: Path):
    found = address_of(url="https://zoo.example", key=None, home=_home(tmp_path))

    assert found.key is None


def test_what_is_given_wins(tmp_path: Path):
    found = address_of(url="http://127.0.0.1:1", key="zoo_2_x", home=_home(tmp_path))

    assert found == Address("http://127.0.0.1:1", "zoo_2_x")


def test_an_empty_home_leaves_the_usual_address(tmp_path: Path):
    assert address_of(url=None, key=None, home=tmp_path) == Address(LOCAL_URL, None)
