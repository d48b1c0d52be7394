"""The process that children are forked from.

It imports torch once, holds no secret (its environment is built from an allow-list), and forks a
child in milliseconds. It alone waits for its children, so a signal never hits another process with
a reused process id. When the worker dies, its end of the control socket closes and the fork server
kills every child; when the fork server dies, the kernel does.

Protocol, one JSON object per packet: ``fork`` with the child's configuration and two descriptors
(message pipe, exit-status pipe), ``signal`` with a process id. The exit-status pipe carries
``{"pid": …}`` and, at the end, ``{"status": …, "peak_bytes": …}``. The first packet of the fork
server means that it is ready: ``{"missing_layers": {layer: reason}}``.
"""

import contextlib
import json
import os
import select
import signal
import socket
import sys
from dataclasses import dataclass
from typing import Any, NoReturn

from workers.child.preload import preload
from workers.isolation.pipe import MessageWriter
from workers.isolation.sandbox import active_layers, die_with_parent

PACKET_BYTES = 64 * 1024
KIBIBYTE = 1024


@dataclass
class ForkServer:
    """The socket to the worker, and the exit-status pipe of each child by process id."""

    control: socket.socket
    exit_pipes: dict[int, int]

    def serve(self) -> None:
        """Fork and reap until the worker closes its socket, then kill the remaining children."""
        child_exits, control = _child_exit_descriptor(), self.control.fileno()
        while True:
            ready, _, _ = select.select([control, child_exits], [], [])
            if child_exits in ready:
                os.read(child_exits, 4096)
                self._reap()
            if control in ready and not self._handle_request():
                break
        for pid in self.exit_pipes:
            _signal_group(pid, signal.SIGKILL)

    def _handle_request(self) -> bool:
        """Handle one request; False when the worker has closed its socket."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(self.control, PACKET_BYTES, 2)
        except ConnectionError:
            return False
        if not packet:
            return False
        request = json.loads(packet)
        if request["command"] == "fork":
            self._fork(request["config"], *descriptors)
        elif request["pid"] in self.exit_pipes:
            _signal_group(request["pid"], request["signal"])
        return True

    def _fork(self, config: dict[str, Any], messages: int, exit_pipe: int) -> None:
        """Fork a child and report its process id to the worker, or why the machine has no room."""
        try:
            pid = os.fork()
        except OSError as error:
            _report_refusal(error, config, messages, exit_pipe)
            return
        if pid == 0:
            self._run_child(config, messages, exit_pipe)
        os.close(messages)
        self.exit_pipes[pid] = exit_pipe
        _send(exit_pipe, {"pid": pid})

    def _run_child(self, config: dict[str, Any], messages: int, exit_pipe: int) -> NoReturn:
        """Drop the state of the fork server, run, and exit without any of its clean-up."""
        from workers.child import job, predict, speed

        entry_points = {"job": job.run, "predict": predict.run, "speed": speed.run}
        code = 1
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self.control.close()
            for descriptor in (exit_pipe, *self.exit_pipes.values()):
                os.close(descriptor)
            code = entry_points[config["entry_point"]](config, messages)
        finally:
            os._exit(code)

    def _reap(self) -> None:
        """Report every child that has ended."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            exit_pipe = self.exit_pipes.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            _send(exit_pipe, {"status": code, "peak_bytes": usage.ru_maxrss * KIBIBYTE})
            os.close(exit_pipe)


def _report_refusal(error: OSError, config: dict[str, Any], messages: int, exit_pipe: int) -> None:
    """End a child that the system did not let start: a job with its error, a predict child as lost."""
    from workers.child.job import error_message

    if config["entry_point"] == "job":
        with contextlib.suppress(OSError):
            MessageWriter(messages).send("error", **error_message(error, config["memory_bytes"]))
        _send(exit_pipe, {"status": 1})
    os.close(messages)
    os.close(exit_pipe)


def _send(exit_pipe: int, message: dict[str, Any]) -> None:
    """Write one line to the worker; a pipe that it has closed does not matter."""
    with contextlib.suppress(BrokenPipeError):
        os.write(exit_pipe, json.dumps(message).encode() + b"\n")


def _signal_group(pid: int, number: int) -> None:
    """Signal a child's process group, or only the child before it has made its group."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        os.kill(pid, number)


def _child_exit_descriptor() -> int:
    """A descriptor that becomes readable when a child has ended."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def main() -> None:
    """Serve the worker; the command line gives its socket and the cache folder."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.chdir(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Before torch is imported, since a process with threads cannot try the layers.
    missing = {layer: reason for layer, reason in active_layers().items() if reason is not None}
    preload()
    control.send(json.dumps({"missing_layers": missing}).encode())
    ForkServer(control, {}).serve()


if __name__ == "__main__":
    main()
