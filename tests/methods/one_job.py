"""``python -m tests.methods.one_job METHOD DATABASE_URL FOLDER``: a training as a real job."""

import json
import sys
from pathlib import Path

from service.container import Zoo, zoo_from
from service.core.operations.jobs import jobs
from service.core.tables import JobRecord, ModelRecord
from service.settings import Settings
from tests.workers import test_label_rankings_end_to_end as label_rankings
from workers.isolation.fork_client import ForkServerClient
from workers.methods import method_package
from workers.worker.run_job import WorkerContext, run_next

PARAMS = {"budget": {"steps": 4}, "batch_size": 8, "num_evaluations": 1, "student": {"width": 4}}


def main(method: str, database_url: str, folder: Path) -> None:
    """Print state, error and result of the job, and where the method comes from."""
    settings = Settings(home=folder / "home", database_url=database_url)  # type: ignore[arg-type]
    zoo, fork_server = zoo_from(settings), ForkServerClient(folder / "cache")
    try:
        job = trained(zoo, WorkerContext(zoo, fork_server, lambda: False), method, folder)
    finally:
        fork_server.close()
        zoo.close()
    facts = {"state": job.state, "error": job.error, "result": job.result}
    sys.stdout.write(json.dumps({**facts, "source": method_package(method).__file__}) + "\n")


def trained(zoo: Zoo, context: WorkerContext, method: str, folder: Path) -> JobRecord:
    """The finished job, in a zoo with one teacher and one labeled set."""
    label_rankings._add_dataset(zoo)
    label_rankings._add_model(zoo, label_rankings._network(folder, 0), "mdl_0", classifier=True)
    with zoo.transaction() as session:
        teacher = session.get_one(ModelRecord, "mdl_0")
        teacher.manifest = {**teacher.manifest, "classes": ["bright", "dark", "red", "blue"]}
    label_rankings._submit(zoo, "dataset_ingestion", {"dataset_id": "dst_1"})
    label_rankings._submit(zoo, "model_validation", {"model_id": "mdl_0"})
    while run_next(context):
        pass
    with zoo.transaction() as session:
        inputs = {"teachers": ["mdl_0"], "dataset_id": "dst_1"}
        job = jobs.submit(session, project="default", method=method, inputs=inputs, params=PARAMS)
    while run_next(context):
        pass
    with zoo.transaction() as session:
        return session.get_one(JobRecord, job.id)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
