"""What the machine cannot do is never held against an upload."""

import errno
import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from service.core.errors import RefusedUploadError
from workers.methods.dataset_ingestion.archives import tar_entries, zip_entries
from workers.methods.dataset_ingestion.entries import Limits
from workers.methods.dataset_ingestion.parquet import parquet_entries
from workers.programs.execution import OperatorCall, execute
from workers.programs.exporting import export_network
from workers.programs.machine_faults import is_machine_fault, raise_machine_fault
from workers.programs.nonlinearities import ProgramSlope
from workers.programs.refusal import ProgramRefusedError

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


@pytest.mark.parametrize("entries", [zip_entries, tar_entries, parquet_entries])
def test_a_file_that_the_system_refuses_to_read_is_not_a_broken_upload(
    tmp_path: Path, entries: Callable
):
    limits = Limits(image_bytes=9, image_pixels=9, images=9, probe_images=9, total_bytes=9)

    with pytest.raises(FileNotFoundError), entries(tmp_path / "gone", limits):
        pass


def test_a_zip_with_an_impossible_offset_is_a_broken_upload(tmp_path: Path):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.png", b"a")
    data = bytearray(buffer.getvalue())
    data[-10:-6] = (2**31).to_bytes(4, "little")
    (tmp_path / "odd.zip").write_bytes(data)
    limits = Limits(image_bytes=9, image_pixels=9, images=9, probe_images=9, total_bytes=9)

    with pytest.raises(RefusedUploadError), zip_entries(tmp_path / "odd.zip", limits):
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
