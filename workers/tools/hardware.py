"""``python -m workers.tools.hardware`` prints what a worker on this machine would compute with."""

import json
import os
import sys

import torch


def devices() -> dict[str, str]:
    """Torch's version, and each device with its memory or number of processors."""
    versions = {"torch": torch.__version__, "cpu": f"{os.cpu_count()} processors"}
    for number in range(torch.cuda.device_count()):
        spec = torch.cuda.get_device_properties(number)
        versions[f"cuda:{number}"] = f"{spec.name}, {spec.total_memory / 1024**3:.0f} GiB"
    return versions


if __name__ == "__main__":
    sys.stdout.write(json.dumps(devices()) + "\n")
