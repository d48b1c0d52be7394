"""How fast this machine computes, as its workers measured it; the home keeps the best figures."""

import json
import time
from pathlib import Path

from pydantic import BaseModel, ConfigDict, PositiveFloat, ValidationError

from service.settings import Settings

# One thread of the processor on which the limits of methods were chosen, as measured there.
ORDINARY_FLOPS_PER_SECOND = 70e9
_LARGEST_FACTOR = 10.0


class MachineSpeed(BaseModel):
    """What one job reaches: operations of convolutions, and bytes that simple operations write."""

    model_config = ConfigDict(frozen=True)

    flops_per_second: PositiveFloat
    bytes_per_second: PositiveFloat

    @property
    def time_factor(self) -> float:
        """How many times longer than on an ordinary machine a job may take here: 1 to 10."""
        slowness = ORDINARY_FLOPS_PER_SECOND / self.flops_per_second
        return min(_LARGEST_FACTOR, max(1.0, slowness))


def stored_speed(settings: Settings) -> MachineSpeed | None:
    """The best speed that a worker of this home has measured; None if none has."""
    try:
        return MachineSpeed.model_validate_json(_file(settings).read_bytes())
    except (OSError, ValidationError):
        return None


def store_speed(settings: Settings, speed: MachineSpeed) -> None:
    """Replace the file at once, since another worker may be reading it."""
    file = _file(settings)
    fresh = file.with_suffix(f".{time.monotonic_ns()}")
    fresh.write_text(json.dumps(speed.model_dump()))
    fresh.replace(file)


def _file(settings: Settings) -> Path:
    """One file per device and number of threads, which decide the speed."""
    name = f"speed-{settings.device.value}-{settings.worker_threads}.json"
    return settings.folder / "cache" / name
