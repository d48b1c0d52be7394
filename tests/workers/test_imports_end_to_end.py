"""An imported network passes the zoo's check, and an import of it again finds it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from service.container import Zoo
from service.core.operations.access import keys
from tests.rest.served import serving
from tests.workers.programs.networks import Plain, made
from workers.isolation.fork_client import ForkServerClient
from workers.worker.run_job import WorkerContext, run_next
from zooscope import ZooClient
from zooscope.cli.import_options import ImportEnd
from zooscope.cli.import_progress import import_bar
from zooscope.cli.import_run import ImportOutcome, import_network
from zooscope.packing.sources import NAMED, Details


@pytest.fixture
def client(zoo: Zoo) -> Iterator[ZooClient]:
    with zoo.transaction() as session:
        issued = keys.issue_first(session)
    assert issued is not None
    with serving(zoo) as url, ZooClient(url, key=issued.token) as client:
        yield client


def imported(client: ZooClient, path: Path, *, std: float = 0.25) -> ImportOutcome:
    details = Details(
        size=(12, 12), mean=(0.5,), std=(std,), module="tests.workers.programs.networks:Plain"
    )
    network = NAMED["checkpoint"](str(path), details)
    with import_bar(path.name) as progress:
        return import_network(client, network, details.over, progress, ending=ImportEnd.UPLOAD)


def test_an_imported_network_is_ready_and_found_again(
    client: ZooClient, zoo: Zoo, fork_server: ForkServerClient, tmp_path: Path
):
    torch.save({"state_dict": made(Plain).state_dict()}, tmp_path / "leaves.pth")

    first = imported(client, tmp_path / "leaves.pth")
    assert run_next(WorkerContext(zoo, fork_server, lambda: False))
    second = imported(client, tmp_path / "leaves.pth")

    assert first.model is not None
    model = client.models.show(first.model["id"])
    assert (model["state"], model["problems"]) == ("ready", [])
    assert (model["source"], model["revision"]) == (
        "checkpoint: leaves.pth", first.manifest.revision,
    )  # fmt: skip
    assert second.state == "present"
    assert second.model is not None
    assert second.model["id"] == model["id"]
