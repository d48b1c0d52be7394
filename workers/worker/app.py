"""The worker process: Celery receives notifications, threads supervise job processes. No torch."""

import signal
import threading
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, worker_ready, worker_shutting_down

from service.adapters.job_notifier import TRANSPORT
from service.adapters.notification_transport import harden_transport
from service.adapters.predict_queue import PredictQueue
from service.adapters.redis_address import broker_url
from service.adapters.worker_registry import WorkerRegistry
from service.container import Zoo, zoo_from
from service.core.private_files import create_private_files
from service.logs import start_logging
from service.settings import Settings, settings
from service.stop_signals import call_on_signals
from workers.isolation.fork_client import ForkServerClient
from workers.worker.lanes import JobLanes
from workers.worker.machine_speed import measure_speed
from workers.worker.pool import WorkerPool
from workers.worker.predict_dispatcher import PredictDispatcher
from workers.worker.run_job import WorkerContext
from workers.worker.tasks import add_tasks

log = structlog.get_logger(__name__)


def celery_app(chosen: Settings) -> Celery:
    """A Celery application for notifications alone: early acknowledgement, no results, JSON only.

    Malformed messages are dropped and counted before Celery sees them, and so are foreign keys.
    """
    url = chosen.redis_url
    if url is not None:
        harden_transport(WorkerRegistry.at(url.get_secret_value()), queues=chosen.queues)
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
    """Run jobs until SIGTERM or SIGINT; then let running jobs finish or release them in time."""
    chosen = settings()
    create_private_files()
    start_logging(chosen)
    # Two connections per job: one to supervise it, one to renew the lease while files are stored.
    connections = 2 * chosen.worker_concurrency + 2
    zoo = zoo_from(chosen, connections=connections, process="zooscope-worker")
    fork_server = ForkServerClient(chosen.folder / "cache")
    fork_server.warm_up()
    measure_speed(chosen, fork_server)
    released = threading.Event()
    dispatcher = _dispatcher(zoo, fork_server)
    lanes = JobLanes(chosen.worker_concurrency)
    pool = WorkerPool(
        WorkerContext(zoo, fork_server, released.is_set, lanes), count=chosen.worker_concurrency
    )
    app = celery_app(chosen)
    add_tasks(app, pool)
    _stop_in_time(pool, released, chosen.shutdown_grace_seconds)
    pool.start_polling()
    try:
        _serve(app, chosen, pool)
    finally:
        pool.close()
        if dispatcher is not None:
            dispatcher.close()
        fork_server.close()
        zoo.close()


def _dispatcher(zoo: Zoo, fork_server: ForkServerClient) -> PredictDispatcher | None:
    """The started dispatcher of predict requests; None without a broker to receive them from."""
    url = zoo.settings.redis_url
    if url is None:
        return None
    dispatcher = PredictDispatcher(zoo, fork_server, PredictQueue(url.get_secret_value()))
    dispatcher.start()
    return dispatcher


def _serve(app: Celery, chosen: Settings, pool: WorkerPool) -> None:
    """Receive notifications until a stop is requested; without a broker, poll until then."""
    if chosen.redis_url is None:
        call_on_signals(pool.stop, signal.SIGTERM, signal.SIGINT)
        log.info("worker ready; no broker is set, polling only")
        pool.wait()
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


def _stop_in_time(pool: WorkerPool, released: threading.Event, seconds: float) -> None:
    """On the first stop request claim no more jobs; after ``seconds`` release the running ones."""

    def stop(**_kwargs: Any) -> None:
        pool.stop()
        timer = threading.Timer(seconds, released.set)
        timer.daemon = True
        timer.start()

    worker_shutting_down.connect(stop, weak=False)
    # A receiver of this signal keeps Celery from setting up logging of its own.
    setup_logging.connect(lambda **_kwargs: None, weak=False)
    worker_ready.connect(lambda **_kwargs: log.info("worker ready"), weak=False)
