"""All processes of one machine's zoo: started together, watched, and stopped together."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from signal import SIGTERM
from threading import Event

from service.core.errors import UnavailableError
from service.embedded.bootstrap import prepare
from service.embedded.components import (
    Component,
    ComponentName,
    ComponentProcess,
    components_of,
    grpc_address,
    rest_url,
)
from service.embedded.home import Home, Running
from service.embedded.port_choice import take_ports
from service.embedded.servers import PrivateServers
from service.embedded.watchdog import Watchdog
from service.settings import Settings, environment

READY_SECONDS = (
    300.0  # a busy machine may start slowly; a component that exits is noticed immediately
)
POLL_SECONDS = 0.02
WATCH_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 30.0
STEADY_SECONDS = 60.0
# A component that exits this early counts as one that did not start.
STARTING_SECONDS = 5.0
MOST_FAILED_STARTS = 5

# No request may arrive while the worker requeues its jobs.
ENDING_ORDER: Sequence[frozenset[ComponentName]] = (
    frozenset({ComponentName.API, ComponentName.GRPC, ComponentName.SCHEDULER}),
    frozenset({ComponentName.WORKER}),
)


class ProcessSupervisor:
    """Runs the processes of a zoo in one home folder; ``run`` returns when ``stopping`` is set."""

    def __init__(
        self, settings: Settings, home: Home, *, print_line: Callable[[str], None], stopping: Event
    ) -> None:
        self._settings = settings
        self._home = home
        self._print_line = print_line
        self._stopping = stopping
        self._processes: dict[ComponentName, ComponentProcess] = {}
        self._crashes: dict[ComponentName, int] = {}
        self._failed_starts: dict[ComponentName, int] = {}
        self._due: dict[ComponentName, float] = {}
        self._is_ready = False

    def run(self, *, lock: int) -> None:
        """Start everything, watch it until ``stopping`` is set, and stop it.

        Args:
            lock: Descriptor of the home folder's lock; the watchdog inherits it.
        """
        began = time.monotonic()
        with ExitStack() as stack:
            self._take_ports()
            stack.callback(self._ports.close)
            self._watchdog = Watchdog(inherit=(lock,))
            stack.callback(self._watchdog.close)
            self._start_servers()
            stack.callback(self._servers.stop)
            stack.callback(self._stop_components)
            self._start_components()
            self._wait_until_ready(began)
            self._watch()
            self._print_line("stopping")

    def _take_ports(self) -> None:
        self._ports = take_ports(self._settings, print_line=self._print_line)
        self._settings = self._settings.model_copy(
            update={"port": self._ports.rest.number, "grpc_port": self._ports.grpc.number}
        )

    def _start_servers(self) -> None:
        self._servers = PrivateServers(self._settings, self._home, self._watchdog)
        self._settings = self._servers.with_addresses(self._settings)
        for name, pid in self._servers.pids().items():
            self._report(name, "private", pid, self._servers.start_seconds[name])
        self._prepared = prepare(self._settings, self._home)
        key = self._prepared.new_key
        if key is not None:
            self._print_line(f"admin key  {key}   (shown once; also in {self._home.admin_key})")

    def _start_components(self) -> None:
        for component in components_of(self._settings, self._ports, identity=self._home.identity):
            self._start(component)
        self._announce()

    def _start(self, component: Component) -> None:
        process = ComponentProcess(
            component, environment=environment(self._settings), log=self._home.log(component.name)
        )
        self._processes[component.name] = process
        self._watchdog.hold(process.pid, by=SIGTERM)

    def _wait_until_ready(self, began: float) -> None:
        """Return once the APIs answer and the worker takes jobs.

        Raises:
            UnavailableError: A component exited or took too long.
        """
        self._waiting = dict(self._processes)
        while self._waiting and not self._stopping.is_set():
            for process in self._waiting.values():
                self._require_alive(process)
            self._report_ready_components()
            self._stopping.wait(POLL_SECONDS)
        if not self._stopping.is_set():
            self._is_ready = True
            self._announce()
            self._print_line(
                f"ready after {time.monotonic() - began:.1f} s; logs in {self._home.logs}"
            )
            self._print_page()

    def _print_page(self) -> None:
        """Print where the page is, with the link that signs the first browser in."""
        url, path = rest_url(self._settings), self._prepared.sign_in_path
        self._print_line(f"page       {url}")
        if path is not None:
            minutes = self._settings.sign_in_link_seconds / 60
            self._print_line(f"sign in    {url}{path}   (once, within {minutes:.0f} minutes)")

    def _report_ready_components(self) -> None:
        """Report each component that has become ready since the last check."""
        for name, process in list(self._waiting.items()):
            if process.component.ready(process):
                took = time.monotonic() - process.started_at
                self._report(name, process.component.address, process.pid, took)
                del self._waiting[name]

    def _require_alive(self, process: ComponentProcess) -> None:
        """Raise UnavailableError with the end of its log if a component does not start."""
        late = time.monotonic() - process.started_at > READY_SECONDS
        if process.status() is None and not late:
            return
        what = "did not answer in time" if late else f"exited with status {process.status()}"
        raise self._not_started(process, what)

    def _not_started(self, process: ComponentProcess, what: str) -> UnavailableError:
        """The error for a missing component, with the end of its log."""
        tail = "\n".join(process.log_so_far().splitlines()[-15:])
        return UnavailableError(
            f"{process.component.name} {what}:\n{tail}",
            code="process_not_started",
            remedy=f"see its log {self._home.log(process.component.name)}",
        )

    def _watch(self) -> None:
        while not self._stopping.wait(WATCH_SECONDS):
            self._report_ready_components()
            if self._servers.restart_dead(self._print_line):
                self._is_ready = True
                self._announce()
            for name, process in list(self._processes.items()):
                if process.status() is not None:
                    self._schedule_or_restart(name, process)

    def _schedule_or_restart(self, name: ComponentName, process: ComponentProcess) -> None:
        """Schedule the restart of a component that has just exited; restart it after the pause."""
        now = time.monotonic()
        if name not in self._due:
            self._count_failed_start(name, process)
            pause = self._pause_after(name, lived_seconds=now - process.started_at)
            self._due[name] = now + pause
            self._watchdog.release(process.pid)
            self._waiting.pop(name, None)
            self._print_line(
                f"{name} exited with status {process.status()}; restarting in {pause:g} s"
            )
        elif now >= self._due[name]:
            del self._due[name]
            self._start(process.component)
            self._waiting[name] = self._processes[name]
            self._is_ready = True
            self._announce()

    def _count_failed_start(self, name: ComponentName, process: ComponentProcess) -> None:
        """Raise UnavailableError if a component has failed to start several times in a row."""
        lived = time.monotonic() - process.started_at
        if name not in self._waiting and lived > STARTING_SECONDS:
            self._failed_starts[name] = 0
            return
        self._failed_starts[name] = self._failed_starts.get(name, 0) + 1
        if self._failed_starts[name] >= MOST_FAILED_STARTS:
            what = f"failed to start {MOST_FAILED_STARTS} times in a row; the last time it"
            raise self._not_started(process, f"{what} exited with status {process.status()}")

    def _pause_after(self, name: ComponentName, *, lived_seconds: float) -> float:
        """Seconds before the next start: 1, 2, 4 … for a component that keeps failing."""
        crashes = 0 if lived_seconds > STEADY_SECONDS else self._crashes.get(name, 0)
        self._crashes[name] = crashes + 1
        return float(min(2**crashes, LONGEST_PAUSE_SECONDS))

    def _stop_components(self) -> None:
        """Stop the components, those of one step at the same time; their ports close first."""
        self._ports.close()
        for step in ENDING_ORDER:
            ending = [process for name, process in self._processes.items() if name in step]
            with ThreadPoolExecutor(len(step)) as pool:
                for process in pool.map(_stopped, ending):
                    self._watchdog.release(process.pid)

    def _announce(self) -> None:
        parts = {name.value: process.pid for name, process in self._processes.items()}
        self._home.announce(
            Running(
                rest_url=rest_url(self._settings),
                grpc_address=grpc_address(self._settings),
                ready=self._is_ready,
                parts={**self._servers.pids(), **parts},
            )
        )

    def _report(self, name: str, address: str, pid: int, seconds: float) -> None:
        self._print_line(f"{name:<10} {address:<28} pid {pid:<8} {1000 * seconds:6.0f} ms")


def _stopped(process: ComponentProcess) -> ComponentProcess:
    """The same process, stopped."""
    process.stop()
    return process
