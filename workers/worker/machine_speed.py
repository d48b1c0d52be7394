"""Measures how fast this machine computes, when a worker starts."""

import shutil
import signal
import time

import structlog
from pydantic import ValidationError

from service.core.errors import UnavailableError
from service.machine_speed import MachineSpeed, store_speed, stored_speed
from service.settings import Settings
from workers.isolation.fork_client import Child, ForkServerClient
from workers.isolation.workdir import Scratch
from workers.worker.child_config import child_config

log = structlog.get_logger(__name__)

_MEASURING_SECONDS = 60.0


def measure_speed(settings: Settings, fork_server: ForkServerClient) -> None:
    """Measure the speed in a sandboxed child and keep the best, since a busy machine looks slow."""
    scratch = Scratch(settings.folder / "cache" / f"speed.{time.monotonic_ns()}")
    scratch.make()
    config = child_config(
        settings, entry_point="speed", folder=scratch.folder, seconds=_MEASURING_SECONDS
    )
    try:
        measured = _measured(fork_server, fork_server.fork(config))
    except (UnavailableError, OSError, ValidationError) as error:
        log.warning("the speed of the machine was not measured", reason=str(error))
        return
    finally:
        shutil.rmtree(scratch.folder, ignore_errors=True)
    best = _best(measured, stored_speed(settings))
    log.info("machine speed", **best.model_dump())
    store_speed(settings, best)


def _measured(fork_server: ForkServerClient, child: Child) -> MachineSpeed:
    """What the child reports. Raises UnavailableError if it reports nothing in time."""
    deadline = time.monotonic() + _MEASURING_SECONDS
    try:
        while not child.ended and time.monotonic() < deadline:
            for message in child.read_messages(1.0):
                if message.get("kind") == "speed":
                    return MachineSpeed.model_validate(message)
    finally:
        fork_server.signal(child, signal.SIGKILL)
        child.close()
    raise UnavailableError("the child that measures reported nothing", code="speed_not_measured")


def _best(measured: MachineSpeed, stored: MachineSpeed | None) -> MachineSpeed:
    if stored is None:
        return measured
    return MachineSpeed(
        flops_per_second=max(measured.flops_per_second, stored.flops_per_second),
        bytes_per_second=max(measured.bytes_per_second, stored.bytes_per_second),
    )
