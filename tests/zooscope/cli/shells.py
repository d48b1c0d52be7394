"""The command as a user runs it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.waiting import HANG_SECONDS

# Libraries that take seconds to import, and that read no variable while they are imported.
_processes = get_context("forkserver")
_processes.set_forkserver_preload(
    [
        "zooscope.cli.main",
        "httpx",
        "service.backup.backup",
        "service.backup.restore",
        "torch._dynamo",
        "torch.export._trace",
        "sympy.tensor.tensor",
        "workers",
        "torchvision",
        "zooscope.packing",
    ]
)


class StartedCommand:
    """A running ``zooscope WORDS``, in a process that is forked after the slow imports.

    Attributes:
        words: The arguments.
        status: The exit status, negative for a signal; None while it runs.
    """

    def __init__(self, words: Sequence[str], environment: Mapping[str, str]) -> None:
        self.words = words
        self._folder = TemporaryDirectory(prefix="zoo-")
        self._files = [Path(self._folder.name, name) for name in ("out", "err")]
        self._process = _processes.Process(
            target=_command, args=(words, dict(environment), *self._files)
        )
        self._process.start()

    @property
    def status(self) -> int | None:
        return self._process.exitcode

    def kill(self) -> None:
        """Kill it, wait until it has ended, and forget what it printed."""
        self._process.kill()
        self._process.join()
        self._folder.cleanup()

    def completed(self) -> subprocess.CompletedProcess[str]:
        """What it printed, once it has ended."""
        self._process.join(HANG_SECONDS)
        if self.status is None:
            self.kill()
            raise subprocess.TimeoutExpired(self.words, HANG_SECONDS)
        out, err = (file.read_text() for file in self._files)
        self._folder.cleanup()
        return subprocess.CompletedProcess(self.words, self.status, out, err)


class Shell:
    """Runs the command as a user does, with the address and key of a zoo in the environment."""

    def __init__(self, url: str, key: str | None, home: Path) -> None:
        self.environment = {"ZOO_URL": url, "ZOO_HOME": str(home), "COLUMNS": "200"}
        if key is not None:
            self.environment["ZOO_KEY"] = key

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The completed command."""
        return StartedCommand(words, self.environment).completed()

    def output(self, *words: str) -> str:
        """What it printed; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> Any:
        """What it printed as JSON."""
        return json.loads(self.output(*words, "--json"))

    def error(self, *words: str) -> Any:
        """The problem that it printed as JSON, after the reasons why it waited; it must fail."""
        done = self.run(*words, "--json")
        assert done.returncode != 0, done.stdout
        return json.loads(done.stderr.splitlines()[-1])


def _command(words: Sequence[str], environment: Mapping[str, str], out: Path, err: Path) -> None:
    """Be ``zooscope WORDS``: with these variables only, and with files as the two outputs."""
    from zooscope.cli.main import main

    os.environ.clear()
    os.environ.update(environment)
    for path, descriptor in ((out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT), descriptor)
    sys.stdin = Path(os.devnull).open()  # noqa: SIM115
    sys.argv = ["zooscope", *words]
    main()
