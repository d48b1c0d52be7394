"""How many jobs a worker runs at once, and the polling that makes notifications optional."""

import threading
from collections.abc import Callable

import structlog

from workers.worker.lease import DATABASE_ERRORS
from workers.worker.run_job import WorkerContext, run_next

log = structlog.get_logger(__name__)

POLL_SECONDS = 5.0


class WorkerPool:
    """A fixed number of slots, each of which runs one job to its end.

    The notified threads and the polling threads share the slots, so together they never run more.
    """

    def __init__(
        self,
        context: WorkerContext,
        *,
        count: int,
        run: Callable[[WorkerContext], bool] = run_next,
    ) -> None:
        self._context = context
        self._run = run
        self._count = count
        self._free = threading.Semaphore(count)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def handle_notification(self, job_id: str) -> None:
        """Run jobs until none are waiting or the pool stops.

        So one notification suffices for any number of jobs.
        """
        log.debug("notified", job=job_id)
        with self._free:
            while not self._stopping.is_set() and self._run_next():
                pass

    def start_polling(self) -> None:
        """Look for jobs every few seconds, in case a notification is lost."""
        for number in range(self._count):
            thread = threading.Thread(target=self._poll, name=f"poll-{number}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def _poll(self) -> None:
        """Run jobs while there are any and a slot is free; then sleep."""
        while not self._stopping.is_set():
            ran_job = False
            if self._free.acquire(blocking=False):
                try:
                    ran_job = not self._stopping.is_set() and self._run_next()
                finally:
                    self._free.release()
            if not ran_job:
                self._stopping.wait(POLL_SECONDS)

    def _run_next(self) -> bool:
        """Run the next job; False when there is none or the database does not answer."""
        try:
            return self._run(self._context)
        except DATABASE_ERRORS:
            log.warning("the database does not answer")
        except Exception:
            # A thread that ended here would take its slot with it.
            log.exception("looking for a job failed")
        return False

    def stop(self) -> None:
        """Claim no more jobs."""
        self._stopping.set()

    def wait(self) -> None:
        """Return once a stop was requested."""
        while not self._stopping.wait(1.0):
            pass

    def close(self) -> None:
        """Claim no more jobs and return when all running ones have ended."""
        self.stop()
        for thread in self._threads:
            thread.join()
        for _ in range(self._count):
            self._free.acquire()
