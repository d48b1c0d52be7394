"""The configuration of a sandboxed child: its folder, and its share of the machine."""

from pathlib import Path
from typing import Any

from service.adapters.worker_registry import MemoryLimit
from service.settings import Device, Settings
from workers.isolation import memory
from workers.isolation.control_group import delegated_folder

_PREDICT_CHILDREN = 1
# Starting the method and writing its result take time of their own.
_SPARE_SECONDS = 60


def memory_bytes(settings: Settings) -> int | None:
    """Memory that each child of this worker may use; None on an accelerator, which is not limited."""
    if settings.device is Device.CUDA:
        return None
    if settings.job_memory_bytes is not None:
        return settings.job_memory_bytes
    processes = settings.worker_concurrency + _PREDICT_CHILDREN
    return memory.share_bytes(processes, machine=memory.machine_bytes())


def memory_limit(settings: Settings) -> MemoryLimit:
    """What limits the memory of this worker's jobs."""
    if memory_bytes(settings) is None:
        return MemoryLimit.NONE
    return MemoryLimit.OWN_DATA if delegated_folder() is None else MemoryLimit.CONTROL_GROUP


def child_config(
    settings: Settings, *, entry_point: str, folder: Path, seconds: float
) -> dict[str, Any]:
    """The configuration of a child that may compute for ``seconds`` on each of its threads."""
    return {
        "entry_point": entry_point,
        "folder": str(folder),
        "cpu_seconds": int(seconds * settings.worker_threads) + _SPARE_SECONDS,
        "memory_bytes": memory_bytes(settings),
        "threads": settings.worker_threads,
        "device": settings.device.value,
        "require_sandbox": settings.require_sandbox,
    }
