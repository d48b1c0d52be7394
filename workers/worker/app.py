"""The worker process: Celery hears the bell, threads supervise children. No torch in here."""

import signal
import threading
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down

from service.adapters.job_notifier import TRANSPORT, broker_url
from service.adapters.predict_queue import PredictQueue
from service.container import Zoo, zoo_from
from service.logs import start_logging
from service.settings import Settings, settings
from workers.isolation.fork_client import ForkServerClient
from workers.worker.pool import WorkerPool
from workers.worker.predict_dispatcher import PredictDispatcher
from workers.worker.run_job import WorkerContext
from workers.worker.tasks import add_tasks

log = structlog.get_logger(__name__)


def celery_app(chosen: Settings) -> Celery:
    """A Celery application that is a doorbell: early acknowledgement, no results, JSON only."""
    url = chosen.redis_url
    app = Celery("zooscope", broker=None if url is None else broker_url(url.get_secret_value()))
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_acks_late=False,
        task_ignore_result=True,
        task_default_queue=chosen.queue,
        broker_transport_options=TRANSPORT,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_enable_prefetch_count_reduction=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,
    )
    return app


def main() -> None:
    """Work until SIGTERM or SIGINT; then finish what is running, or give it back in time."""
    chosen = settings()
    start_logging(chosen)
    # Two connections a slot: one to supervise, one to renew the lease while files are stored.
    zoo = zoo_from(chosen, connections=2 * chosen.worker_concurrency + 2)
    fork_server = ForkServerClient(chosen.folder / "cache")
    fork_server.warm_up()
    released = threading.Event()
    dispatcher = _dispatcher(zoo, fork_server)
    slots = WorkerPool(
        WorkerContext(zoo, fork_server, released.is_set), count=chosen.worker_concurrency
    )
    app = celery_app(chosen)
    add_tasks(app, slots)
    _stop_in_time(slots, released, chosen.shutdown_grace_seconds)
    slots.start_polling()
    try:
        _serve(app, chosen, slots)
    finally:
        slots.close()
        if dispatcher is not None:
            dispatcher.close()
        fork_server.close()
        zoo.close()


def _dispatcher(zoo: Zoo, fork_server: ForkServerClient) -> PredictDispatcher | None:
    """Whoever answers questions to networks, at work; nobody where there is no broker to ask by."""
    url = zoo.settings.redis_url
    if url is None:
        return None
    dispatcher = PredictDispatcher(zoo, fork_server, PredictQueue(url.get_secret_value()))
    dispatcher.start()
    return dispatcher


def _serve(app: Celery, chosen: Settings, slots: WorkerPool) -> None:
    """Hear the bell until told to stop; without a broker, poll until told to stop."""
    if chosen.redis_url is None:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: slots.stop())
        log.info("worker ready; no broker is set, polling only")
        slots.wait()
        return
    app.worker_main(
        [
            "worker",
            "--pool=threads",
            f"--concurrency={chosen.worker_concurrency}",
            f"--queues={','.join(chosen.queues)}",
            f"--hostname={chosen.queue}@%h",
            f"--loglevel={chosen.log_level}",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )


def _stop_in_time(slots: WorkerPool, released: threading.Event, seconds: float) -> None:
    """On the first request to stop take no more jobs; after ``seconds`` give the running ones back."""

    def stop(**_facts: Any) -> None:
        slots.stop()
        timer = threading.Timer(seconds, released.set)
        timer.daemon = True
        timer.start()

    worker_shutting_down.connect(stop, weak=False)
    # A receiver of this signal keeps Celery from setting up logging of its own.
    setup_logging.connect(lambda **_facts: None, weak=False)
    worker_ready.connect(lambda **_facts: log.info("worker ready"), weak=False)
