"""What the machine cannot do is never held against an upload."""

import errno
import io
import os
import socket
import zipfile
from pathlib import Path
from types import NoneType

import pytest
import torch
from safetensors import SafetensorError
from torch import nn

from service.core.errors import RefusedUploadError, StorageFullError, UnavailableError
from service.core.machine_faults import machine_fault_in
from service.core.manifest import DatasetManifest
from service.core.operations.jobs.lifecycle import AttemptStatus
from workers.child.fork_server import ForkServer
from workers.isolation.fork_client import Child
from workers.methods.dataset_ingestion.archives import tar_files, zip_files
from workers.methods.dataset_ingestion.entries import Limits
from workers.methods.dataset_ingestion.notes import NoteCollector
from workers.methods.dataset_ingestion.parquet import ParquetReading, parquet_rows
from workers.programs.execution import OperatorCall, execute
from workers.programs.exporting import export_network
from workers.programs.machine_faults import is_machine_fault, raise_machine_fault
from workers.programs.nonlinearities import ProgramSlope
from workers.programs.refusal import ProgramRefusedError
from workers.worker.outcomes import _status_after

MORE_BYTES_THAN_ANY_MACHINE_HAS = 2**60


class Failing(nn.Module):
    """A network that raises."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def forward(self, _images: torch.Tensor) -> torch.Tensor:
        """Never anything."""
        raise self.error


@pytest.mark.parametrize(
    "error",
    [
        PermissionError(errno.EACCES, "Permission denied", "/tmp/torchinductor_uid_0"),
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EMFILE, "Too many open files"),
        MemoryError(),
        RuntimeError("DefaultCPUAllocator: can't allocate memory"),
        RuntimeError("PytorchStreamWriter failed writing file data/weights/weight_0"),
        RuntimeError("Failed to initialize cpuinfo!"),
        SafetensorError("I/O error: No space left on device (os error 28)"),
        OSError("Not enough free space to write 4096 bytes"),
    ],
)
def test_a_fault_of_the_machine_during_an_export_passes_through(tmp_path: Path, error: Exception):
    with pytest.raises(type(error)) as raised:
        export_network(Failing(error).eval(), (3, 8, 8), tmp_path / "program.pt2")

    assert raised.value is error


@pytest.mark.parametrize(
    "error", [ValueError("no"), OSError("damaged"), OSError(errno.EINVAL, "")]
)
def test_a_network_that_fails_by_itself_does_not_export(tmp_path: Path, error: Exception):
    with pytest.raises(ProgramRefusedError) as refused:
        export_network(Failing(error).eval(), (3, 8, 8), tmp_path / "program.pt2")

    assert refused.value.code == "does_not_export"


def test_the_fault_that_led_to_another_error_is_raised():
    fault = OSError(errno.ENOSPC, "No space left on device")
    wrapped = ValueError("the compiler failed")
    wrapped.__cause__ = fault

    with pytest.raises(OSError, match="No space left") as raised:
        raise_machine_fault(wrapped)

    assert raised.value is fault


LIMITS = Limits(
    image_bytes=9,
    image_pixels=9,
    images=9,
    probe_images=9,
    clips=9,
    clip_bytes=9,
    clip_seconds=9.0,
    total_bytes=9,
)
READERS = {
    "zip": lambda path: zip_files(path, LIMITS, NoteCollector(), None),
    "tar": lambda path: tar_files(path, LIMITS, NoteCollector(), None),
    "parquet": lambda path: parquet_rows(
        path, ParquetReading(DatasetManifest(name="owls"), LIMITS, NoteCollector())
    ),
}


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_the_system_refuses_to_read_is_not_a_broken_upload(tmp_path: Path, kind: str):
    with pytest.raises(FileNotFoundError), READERS[kind](tmp_path / "gone"):
        pass


def test_a_zip_with_an_impossible_offset_is_a_broken_upload(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"a")
    data = bytearray(buffer.getvalue())
    data[-10:-6] = (2**31).to_bytes(4, "little")
    (tmp_path / "odd.zip").write_bytes(data)

    with pytest.raises(RefusedUploadError), READERS["zip"](tmp_path / "odd.zip"):
        pass


def test_exhausted_memory_is_not_a_failure_of_the_program():
    call = OperatorCall(
        name="empty",
        run=torch.empty,
        positional=(MORE_BYTES_THAN_ANY_MACHINE_HAS,),
        named=(),
        holes=(),
        named_holes=(),
        outputs=(0,),
        many=False,
        nonlinear=False,
        writes_back=False,
        layers=(),
    )

    with pytest.raises(RuntimeError) as raised:
        execute(call, {}, ProgramSlope.EXACT)

    assert is_machine_fault(raised.value)


def test_a_job_waits_when_the_system_forks_no_process(monkeypatch: pytest.MonkeyPatch):
    def refuse() -> int:
        raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")

    monkeypatch.setattr(os, "fork", refuse)
    (reader, messages), (exit_reader, exit_pipe) = os.pipe(), os.pipe()
    control, other = socket.socketpair()

    with control, other:
        config = {"entry_point": "job", "memory_bytes": None}
        ForkServer(control, {})._fork(config, messages, exit_pipe)

    child = Child(reader, exit_reader)
    received = []
    while not child.ended:
        received += child.read_messages(1.0)
    child.close()
    (message,) = received
    assert (message["error"]["code"], message["retryable"]) == ("machine_fault", True)
    assert child.status == 1


@pytest.mark.parametrize(
    ("code", "retryable", "status"),
    [
        ("storage_full", True, AttemptStatus.WAITING),
        ("machine_fault", True, AttemptStatus.WAITING),
        ("out_of_memory", True, AttemptStatus.LOST),
        ("storage_full", False, AttemptStatus.FAILED),
    ],
)
def test_only_faults_of_the_machine_wait(code: str, retryable: object, status: AttemptStatus):
    assert _status_after(code, retryable) is status


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), StorageFullError),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), StorageFullError),
        (OSError(errno.EMFILE, "Too many open files"), UnavailableError),
        (OSError(errno.ENFILE, "Too many open files in system"), UnavailableError),
        (OSError(errno.EIO, "Input/output error"), UnavailableError),
        (OSError(errno.EACCES, "Permission denied"), NoneType),
        (ValueError("no space left on device"), NoneType),
    ],
)
def test_each_fault_of_the_machine_has_its_error(error: Exception, kind: type):
    assert type(machine_fault_in(error)) is kind
