"""A folder with a ``service`` or ``workers`` of its own has no influence on what is started in it."""

import os
import subprocess
from pathlib import Path

import pytest

from service.core.python_command import module_command
from service.embedded.components import ComponentName, command_of
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[2]
OTHER_MODULES = (
    "service.embedded.watchdog",
    "workers.isolation.sandbox",
    "workers.tools.hardware",
    "zooscope.cli.main",
)
COMMANDS = {
    **{name.value: command_of(name) for name in ComponentName},
    **{name: module_command(name) for name in OTHER_MODULES},
}
FORK_SERVER = """
import sys
from pathlib import Path
from workers.isolation.fork_client import ForkServerClient
fork_server = ForkServerClient(Path(sys.argv[1]))
fork_server.warm_up()
fork_server.close()
"""


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    """A folder whose packages leave a file ``imported`` when they are imported."""
    folder = tmp_path / "hostile"
    for name in ("service", "workers", "zooscope", "torch", "celery"):
        (folder / name).mkdir(parents=True)
        marker = f"open({str(folder / 'imported')!r}, 'w').close()"
        (folder / name / "__init__.py").write_text(marker)
    return folder


def run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run a command in a folder, without an address; most components then end with an error."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": os.environ["PATH"], "ZOO_HOME": str(folder / "home")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_no_component_imports_from_the_current_folder(hostile: Path, command: list[str]):
    done = run(command, hostile)

    assert not (hostile / "imported").exists()
    assert "has no attribute" not in done.stderr
    assert "No module named" not in done.stderr


def test_the_fork_server_imports_nothing_from_the_current_folder(hostile: Path):
    (hostile / "torch").rename(hostile / "unused")
    command = [*module_command("unused")[:2], "-c", FORK_SERVER, str(hostile / "cache")]

    done = run(command, hostile)

    assert done.returncode == 0, done.stderr
    assert not (hostile / "imported").exists()


def test_every_module_is_started_by_the_one_command():
    sources = [
        path for name in ("service", "workers", "zooscope") for path in (ROOT / name).rglob("*.py")
    ]

    starting = [path.name for path in sources if '"-m"' in path.read_text()]

    assert starting == ["python_command.py"]
