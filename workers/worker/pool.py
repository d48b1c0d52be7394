"""How many jobs a worker runs at once, and the poll that makes the bell dispensable."""

import threading
from collections.abc import Callable

import structlog

from workers.worker.lease import DATABASE_ERRORS
from workers.worker.run_job import WorkerContext, run_next

log = structlog.get_logger(__name__)

POLL_SECONDS = 5.0


class WorkerPool:
    """A fixed number of places; whoever has one runs one job to its end.

    The bell's threads and the poll share the places, so that together they never run more.
    """

    def __init__(
        self, post: WorkerContext, *, count: int, run: Callable[[WorkerContext], bool] = run_next
    ) -> None:
        self._post = post
        self._run = run
        self._count = count
        self._free = threading.Semaphore(count)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def answer(self, job_id: str) -> None:
        """Somebody rang for ``job_id``: run jobs until there are none, or until we stop.

        So one ring is enough for any number of jobs, and nobody waits for the next message.
        """
        log.debug("rung", job=job_id)
        with self._free:
            while not self._stopping.is_set() and self._try():
                pass

    def start_polling(self) -> None:
        """Look for jobs every few seconds, in case no bell is heard."""
        for number in range(self._count):
            thread = threading.Thread(target=self._poll, name=f"poll-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _poll(self) -> None:
        """Run jobs while there are any and a place is free; then sleep."""
        while not self._stopping.is_set():
            found = False
            if self._free.acquire(blocking=False):
                try:
                    found = not self._stopping.is_set() and self._try()
                finally:
                    self._free.release()
            if not found:
                self._stopping.wait(POLL_SECONDS)

    def _try(self) -> bool:
        """Run the next job; False when there is none, or nobody can be asked."""
        try:
            return self._run(self._post)
        except DATABASE_ERRORS:
            log.warning("the database does not answer")
        except Exception:
            # A thread that ended here would take its slot with it.
            log.exception("a job could not be looked for")
        return False

    def stop(self) -> None:
        """Take no more jobs."""
        self._stopping.set()

    def wait(self) -> None:
        """Return once told to stop."""
        while not self._stopping.wait(1.0):
            pass

    def close(self) -> None:
        """Take no more jobs and return when all running ones have ended."""
        self.stop()
        for thread in self._threads:
            thread.join()
        for _ in range(self._count):
            self._free.acquire()
