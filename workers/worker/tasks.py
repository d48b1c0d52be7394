"""The only Celery task: a job is waiting."""

from celery import Celery

from service.adapters.job_notifier import TASK_NAME
from workers.worker.pool import WorkerPool


def add_tasks(app: Celery, pool: WorkerPool) -> None:
    """Register the task of ``app`` that runs jobs in ``pool``."""

    @app.task(name=TASK_NAME, ignore_result=True)
    def run_job(job_id: str) -> None:
        """Run the best claimable job, which need not be the one in the notification."""
        pool.handle_notification(job_id)
