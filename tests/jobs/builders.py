"""Rows for tests of jobs: valid by default, change one thing."""

from typing import Any

from sqlalchemy.orm import Session

from service.core.catalog import Audience
from service.core.operations import owned_rows
from service.core.operations.jobs import jobs
from service.core.tables import DatasetRecord, JobRecord

PROJECT = "default"


def a_dataset(session: Session, *, id: str = "dst_1", **changes: Any) -> DatasetRecord:  # noqa: A002
    """A dataset row whose upload does not exist."""
    values = {
        "name": "owls",
        "manifest": {"name": "owls"},
        "upload_sha256": "0" * 64,
        "upload_bytes": 1,
    }
    record = DatasetRecord(id=id, project=PROJECT, **{**values, **changes})
    session.add(record)
    session.flush()
    return record


def a_job(session: Session, **changes: Any) -> JobRecord:
    """A queued job of the smallest internal method, which checks the dataset ``dst_1``."""
    if owned_rows.find(session, DatasetRecord, project=PROJECT, id="dst_1") is None:
        a_dataset(session)
    values: dict[str, Any] = {"method": "dataset_ingestion", "inputs": {"dataset_id": "dst_1"}}
    return jobs.submit(
        session, project=PROJECT, audience=Audience.INTERNAL, **{**values, **changes}
    )
