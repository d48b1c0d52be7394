"""``zooscope down``: stops the zoo that ``zooscope up`` started in a home folder."""

import signal

import psutil
import typer

from service.core.errors import UnavailableError, ZooError
from service.embedded.home import Home
from service.embedded.processes import wait_until_ended
from zooscope.cli.up import HomeOption, fail, settings_with

STOP_SECONDS = 90.0


def down(home: HomeOption = None) -> None:
    """Stop the zoo of a home folder and wait until it has stopped."""
    folder = settings_with(home=home, port=None, grpc_port=None).folder
    if not folder.is_dir():
        typer.echo(f"no zoo runs in {folder}, which does not exist")
        return
    try:
        typer.echo(stop(Home(folder)))
    except ZooError as error:
        fail(error)


def stop(home: Home) -> str:
    """Stop the running zoo and wait; return a message that says what happened."""
    running = home.running()
    if running is None:
        return f"no zoo runs in {home.folder}"
    process = psutil.Process(running.pid)
    process.send_signal(signal.SIGTERM)
    if not wait_until_ended([process], seconds=STOP_SECONDS):
        raise UnavailableError(
            f"process {running.pid} has not exited after {STOP_SECONDS:g} s", code="still_running"
        )
    return f"stopped the zoo in {home.folder}"
