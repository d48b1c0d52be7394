"""Starts a zoo that outlives the command that started it."""

import subprocess
import time

from service.core.errors import UnavailableError
from service.core.python_command import module_command
from service.embedded.home import Home, Running
from service.settings import Settings, environment

READY_SECONDS = 360.0  # longer than `up` itself waits, so that its log has the reason
POLL_SECONDS = 0.1


def running_or_started(settings: Settings) -> Running:
    """The ready zoo of the home folder; started in the background if none runs.

    Raises:
        UnavailableError: ``zoo_not_started``, with the end of its log.
    """
    home = Home(settings.folder)
    if home.running() is not None:
        return _ready(home, None)
    with home.log("up").open("ab") as log:
        process = subprocess.Popen(
            module_command("zooscope.cli.main", "up"),
            env=environment(settings),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    return _ready(home, process)


def _ready(home: Home, process: subprocess.Popen[bytes] | None) -> Running:
    """The zoo in the folder once it is ready."""
    give_up = time.monotonic() + READY_SECONDS
    while time.monotonic() < give_up:
        running = home.running()
        if running is not None and running.ready:
            return running
        if process is not None and process.poll() is not None:
            break
        time.sleep(POLL_SECONDS)
    log_text = home.log("up").read_text() if home.log("up").exists() else ""
    tail = "\n".join(log_text.splitlines()[-15:])
    raise UnavailableError(
        f"the zoo in {home.folder} did not become ready:\n{tail}", code="zoo_not_started"
    )
