"""A wire that breaks: a TCP relay which cuts chosen connections after so many bytes."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.waiting import HANG_SECONDS


class Wire:
    """Relays to a server and breaks.

    Each entry of ``cuts`` breaks one connection after that many bytes of requests, each of
    ``answer_cuts`` after that many bytes of answers.
    """

    def __init__(self, url: str, cuts: list[int], answer_cuts: list[int]) -> None:
        address = urlsplit(url)
        self._target = (address.hostname or "", address.port or 0)
        self._cuts = cuts
        self._answer_cuts = answer_cuts
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self.broken = 0

    def run(self) -> None:
        """Accept until closed."""
        with suppress(OSError):
            while True:
                client, _ = self._server.accept()
                threading.Thread(target=self._relay, args=(client,), daemon=True).start()

    def _relay(self, client: socket.socket) -> None:
        with client, socket.create_connection(self._target) as server:
            back = threading.Thread(
                target=self._carry, args=(server, client, self._answer_cuts), daemon=True
            )
            back.start()
            self._carry(client, server, self._cuts)
            back.join()

    def _carry(self, source: socket.socket, sink: socket.socket, cuts: list[int]) -> None:
        """Carry one direction to its end, then end the other as well."""
        if self._pump(source, sink, cuts) and cuts is self._cuts:
            # The client notices the break once the server has handled all that arrived.
            with suppress(OSError):
                sink.shutdown(socket.SHUT_WR)
            return
        for side in (source, sink):
            with suppress(OSError):
                side.shutdown(socket.SHUT_RDWR)

    def _pump(self, source: socket.socket, sink: socket.socket, cuts: list[int]) -> bool:
        """Carry bytes until one side ends; True when the next cut was reached and taken.

        Not a byte passes a cut, however many arrive at once.
        """
        carried = 0
        with suppress(OSError):
            while data := source.recv(65536):
                left = cuts[0] - carried if cuts else len(data)
                sink.sendall(data[:left])
                carried += len(data)
                if cuts and len(data) >= left:
                    cuts.pop(0)
                    self.broken += 1
                    return True
        return False

    def close(self) -> None:
        """Accept no more."""
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()


@contextmanager
def wire_to(
    url: str, *, cuts: list[int] | None = None, answer_cuts: list[int] | None = None
) -> Iterator[Wire]:
    """A breaking wire to the server at ``url``."""
    wire = Wire(url, cuts or [], answer_cuts or [])
    thread = threading.Thread(target=wire.run, daemon=True)
    thread.start()
    try:
        yield wire
    finally:
        wire.close()
        thread.join(HANG_SECONDS)
