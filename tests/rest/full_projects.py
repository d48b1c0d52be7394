"""What tests of quotas do: set limits, read use, fill a project alone or in a crowd."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from service.container import Zoo
from service.core.operations.jobs import jobs, lifecycle
from service.core.operations.jobs.lifecycle import AttemptStatus, Outcome
from service.core.operations.quotas import limits
from service.core.operations.quotas.limits import Quota
from service.core.tables import JobRecord
from tests.rest.served import MANIFEST, PROJECT, Served, a_dataset, a_model, archive

CROWD = 12


def limit(zoo: Zoo, project: str = PROJECT, **values: int) -> None:
    """Give a project limits of its own."""
    with zoo.transaction() as session:
        chosen = {Quota(name): value for name, value in values.items()}
        limits.change(session, project=project, limits=chosen, reset=())


def use(served: Served, quota: str, client: httpx.Client | None = None) -> dict[str, Any]:
    """The quota as the API shows it."""
    items = (client or served.client).get("/v1/quotas").json()["items"]
    return next(item for item in items if item["quota"] == quota)


def pushed(client: httpx.Client) -> httpx.Response:
    form = {"manifest": (None, httpx.Request("POST", "http://x", json=MANIFEST).read())}
    return client.post("/v1/models", files={**form, "file": ("fox.pt2", archive())})


def a_job(zoo: Zoo, project: str = PROJECT) -> str:
    with zoo.transaction() as session:
        inputs = {
            "model_id": a_model(session, project=project).id,
            "dataset_id": a_dataset(zoo, session, project=project).id,
        }
        return jobs.submit(session, project=project, method="depara", inputs=inputs).id


def claimed(zoo: Zoo) -> JobRecord | None:
    with zoo.transaction() as session:
        return lifecycle.claim(
            session, worker="w", queues=["cpu"], lease_seconds=60, running_seconds=60
        )


def finished(zoo: Zoo, job: JobRecord) -> None:
    outcome = Outcome(AttemptStatus.FAILED, error={"code": "x", "detail": "y"})
    with zoo.transaction() as session:
        lifecycle.finish(session, job_id=job.id, fence=job.fence, outcome=outcome)


def together(act: Callable[[int], Any]) -> list[Any]:
    """What ``act`` returns in many threads at once."""
    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(act, range(CROWD)))
