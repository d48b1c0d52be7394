"""``python -m workers.tools.hardware`` prints what a worker on this machine would compute with."""

import json
import os
import sys

import torch

from service.settings import Settings
from workers.worker.child_config import memory_bytes, memory_limit


def hardware(settings: Settings) -> dict[str, str]:
    """The devices, and what limits the memory of jobs on them."""
    share = memory_bytes(settings)
    size = "" if share is None else f"{share / 1024**3:.1f} GiB each; "
    return {**devices(), "memory of jobs": f"{size}limited by {memory_limit(settings)}"}


def devices() -> dict[str, str]:
    """Torch's version, and each device with its memory or number of processors."""
    versions = {"torch": torch.__version__, "cpu": f"{os.cpu_count()} processors"}
    for number in range(torch.cuda.device_count()):
        spec = torch.cuda.get_device_properties(number)
        versions[f"cuda:{number}"] = f"{spec.name}, {spec.total_memory / 1024**3:.0f} GiB"
    return versions


if __name__ == "__main__":
    sys.stdout.write(json.dumps(hardware(Settings())) + "\n")
