"""The one Celery task: somebody rang."""

from celery import Celery

from service.adapters.job_notifier import TASK_NAME
from workers.worker.pool import WorkerPool


def add_tasks(app: Celery, slots: WorkerPool) -> None:
    """Let ``app`` answer the bell with a free slot."""

    @app.task(name=TASK_NAME, ignore_result=True)
    def run_job(job_id: str) -> None:
        """Run the best claimable job, which need not be the one the bell was rung for."""
        slots.answer(job_id)
