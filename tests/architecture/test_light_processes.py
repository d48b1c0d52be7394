"""What must stay light is light in fact, not only by the look of its imports."""

import subprocess
import sys

import pytest

from tests.waiting import HANG_SECONDS

HEAVY = ("torch", "numpy", "scipy", "sklearn", "timm", "av", "cv2", "pypinyin")
LIGHT = (
    "service.rest.app",
    "service.rpc.auth_interceptor",
    "service.scheduler.loop",
    "zooscope.cli.main",
    "workers.worker.app",
)


@pytest.mark.parametrize("module", LIGHT)
def test_a_light_process_loads_nothing_heavy(module: str):
    program = f"import sys, {module}; print(*sorted(set({HEAVY!r}) & sys.modules.keys()))"

    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=HANG_SECONDS
    )

    assert (completed.returncode, completed.stdout.strip()) == (0, ""), completed.stderr


def test_the_client_loads_no_server():
    program = (
        "import sys, zooscope.client;"
        "print(*sorted({'fastapi', 'sqlalchemy', 'grpc', 'celery', 'psycopg'} & sys.modules.keys()))"
    )

    completed = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=HANG_SECONDS
    )

    assert (completed.returncode, completed.stdout.strip()) == (0, ""), completed.stderr
