"""The process that children are forked from, and the worker's handle on it.

It imports torch once, owns no secret (its environment is built from an allow-list), and forks a
child in milliseconds. It alone waits for its children, so a signal never hits a stranger who got
the same process id. When the worker dies, its end of the control socket closes and the nursery
kills every child; when the nursery dies, the kernel does.

Protocol, one JSON object per packet: ``fork`` with the order for the child and two descriptors
(messages of the child; fate of the child), ``signal`` with a process id. The fate pipe carries
``{"pid": …}`` and, at the end, ``{"status": …, "peak_bytes": …}``.
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
from workers.isolation.sandbox import die_with_parent

PACKET_BYTES = 64 * 1024
KIBIBYTE = 1024


@dataclass
class ForkServer:
    """State of the forking process: the socket to the worker, and the fate pipe of each child."""

    control: socket.socket
    fates: dict[int, int]

    def serve(self) -> None:
        """Fork and reap until the worker hangs up, then kill what is left."""
        alarm, control = _child_alarm(), self.control.fileno()
        while True:
            ready, _, _ = select.select([control, alarm], [], [])
            if alarm in ready:
                os.read(alarm, 4096)
                self._reap()
            if control in ready and not self._obey():
                break
        for pid in self.fates:
            _signal_group(pid, signal.SIGKILL)

    def _obey(self) -> bool:
        """Carry out one request; False when the worker has hung up."""
        try:
            packet, descriptors, _, _ = socket.recv_fds(self.control, PACKET_BYTES, 2)
        except ConnectionError:
            return False
        if not packet:
            return False
        request = json.loads(packet)
        if request["do"] == "fork":
            self._fork(request["order"], *descriptors)
        elif request["pid"] in self.fates:
            _signal_group(request["pid"], request["signal"])
        return True

    def _fork(self, order: dict[str, Any], messages: int, fate: int) -> None:
        """Give birth to a child and tell the supervisor its process id."""
        pid = os.fork()
        if pid == 0:
            self._become_child(order, messages, fate)
        os.close(messages)
        self.fates[pid] = fate
        _tell(fate, {"pid": pid})

    def _become_child(self, order: dict[str, Any], messages: int, fate: int) -> NoReturn:
        """Leave everything of the nursery behind, live, and end without any of its clean-up."""
        from workers.child import job
        from workers.child import predict as predicting

        lives = {"job": job.live, "predictions": predicting.live}
        code = 1
        try:
            die_with_parent()
            signal.set_wakeup_fd(-1)
            for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
                signal.signal(number, signal.SIG_DFL)
            self.control.close()
            for descriptor in (fate, *self.fates.values()):
                os.close(descriptor)
            code = lives[order["life"]](order, messages)
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
            fate = self.fates.pop(pid)
            code = os.waitstatus_to_exitcode(status)
            _tell(fate, {"status": code, "peak_bytes": usage.ru_maxrss * KIBIBYTE})
            os.close(fate)


def _tell(fate: int, fact: dict[str, Any]) -> None:
    """One line to a supervisor; one that no longer listens does not matter."""
    with contextlib.suppress(BrokenPipeError):
        os.write(fate, json.dumps(fact).encode() + b"\n")


def _signal_group(pid: int, number: int) -> None:
    """Signal a child's process group, or the child alone while it has not made its group yet."""
    try:
        os.killpg(pid, number)
    except ProcessLookupError:
        os.kill(pid, number)


def _child_alarm() -> int:
    """A descriptor that becomes readable when a child has ended."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    os.set_blocking(reader, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def main() -> None:
    """Serve the worker whose socket and folder for caches the command line names."""
    control = socket.socket(fileno=int(sys.argv[1]))
    os.chdir(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    preload()
    control.send(b'{"ready": true}')
    ForkServer(control, {}).serve()


if __name__ == "__main__":
    main()
