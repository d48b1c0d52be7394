"""The command as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.waiting import HANG_SECONDS


class Shell:
    """Runs the command as a user does, with the address and key of a zoo in the environment."""

    def __init__(self, url: str, key: str | None, home: Path) -> None:
        self.environment = {"ZOO_URL": url, "ZOO_HOME": str(home), "COLUMNS": "200"}
        if key is not None:
            self.environment["ZOO_KEY"] = key

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The completed command."""
        command = [sys.executable, "-m", "zooscope.cli.main", *words]
        return subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=HANG_SECONDS
        )

    def output(self, *words: str) -> str:
        """What it printed; it must succeed."""
        done = self.run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *words: str) -> Any:
        """What it printed as JSON."""
        return json.loads(self.output(*words, "--json"))
