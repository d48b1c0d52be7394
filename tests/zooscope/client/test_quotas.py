"""The client's quotas and audit log, and that it does not repeat what a quota refuses."""

from pathlib import Path

import pytest
from sqlalchemy import func, select

from service.container import Zoo
from service.core.tables import AuditRecord
from tests.rest.served import MANIFEST, archive
from tests.waiting import eventually
from zooscope.client import ZooClient, ZooClientError


@pytest.fixture
def fox(tmp_path: Path) -> Path:
    """A network on disk."""
    path = tmp_path / "fox.pt2"
    path.write_bytes(archive())
    return path


def test_a_quota_refuses_once_and_the_error_has_the_numbers(
    zoo: Zoo, client: ZooClient, fox: Path
):
    client.quotas.set("default", queued_jobs=0)

    with pytest.raises(ZooClientError) as refused:
        client.models.push(fox, MANIFEST)

    numbers = {"quota": "queued_jobs", "limit": 0, "used": 0, "requested": 1}
    assert (refused.value.code, refused.value.quota) == ("quota_exceeded", numbers)
    refusals = select(func.count()).where(AuditRecord.code == "quota_exceeded")

    def recorded() -> int:
        with zoo.transaction() as session:
            return session.scalar(refusals) or 0

    eventually(recorded)
    assert recorded() == 1


def test_the_log_and_the_quotas_are_read(client: ZooClient, fox: Path):
    client.models.push(fox, MANIFEST)

    actions = [event["action"] for event in client.audit.ls()]
    used = {item["quota"]: item["used"] for item in client.quotas.show()["items"]}

    assert actions[0] == "keys.create"
    assert "models.create" in actions
    assert (used["models"], used["queued_jobs"]) == (1, 1)
    assert used["bytes"] == fox.stat().st_size
