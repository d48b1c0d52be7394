"""Pins are judged for the Python named, and an index that does not answer is no failure."""

import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pins(monkeypatch, tmp_path):
    """The script, with pip confined to the wheels of the test's own folder."""
    monkeypatch.syspath_prepend(str(ROOT / "deploy"))
    for name, value in (
        ("PIP_CONFIG_FILE", "/dev/null"),
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(tmp_path)),
    ):
        monkeypatch.setenv(name, value)
    import pins

    return pins


def write_wheel(folder: Path, name: str, *headers: str) -> None:
    with ZipFile(folder / f"{name}-1.0-py3-none-any.whl", "w") as wheel:
        info = f"{name}-1.0.dist-info"
        facts = ["Metadata-Version: 2.1", f"Name: {name}", "Version: 1.0", *headers]
        wheel.writestr(f"{info}/METADATA", "\n".join(facts) + "\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_a_pin_that_needs_a_later_patch_release_does_not_resolve(pins, tmp_path):
    write_wheel(tmp_path, "zoolate", "Requires-Python: >=3.11.5")
    pinned = tmp_path / "constraints.txt"
    pinned.write_text("zoolate==1.0\n")

    assert not pins.resolve(["zoolate"], "3.11.0", pinned).resolved
    assert pins.resolve(["zoolate"], "3.11.5", pinned).resolved


def test_markers_are_evaluated_for_the_python_named(pins, tmp_path):
    write_wheel(tmp_path, "zootop", 'Requires-Dist: zooabsent; python_full_version < "3.11.3"')
    pinned = tmp_path / "constraints.txt"
    pinned.write_text("")

    assert not pins.resolve(["zootop"], "3.11.0", pinned).resolved
    assert pins.resolve(["zootop"], "3.14.0", pinned).resolved


def test_an_index_that_does_not_answer_is_reported_separately(pins, monkeypatch):
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")

    resolution = pins.resolve(["zootop"], "3.11.0")

    assert resolution.unanswered
    assert not resolution.resolved


def test_the_script_itself_needs_no_newer_python(pins):
    assert pins.supported_pythons()[0] == "3.11"
    assert f"3.{sys.version_info.minor}" in pins.supported_pythons()
