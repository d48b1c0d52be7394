"""The figures of the fuzz command are one JSON document, whatever is logged meanwhile."""

import json
import subprocess
import sys

import pytest

from tests.waiting import HANG_SECONDS

# A log line of the zoo that the command serves.
_RUN_AND_LOG = """
import structlog
from tests.rest.fuzz.__main__ import main
status = main(["--json", "--cases", "0"])
structlog.get_logger().error("a_late_line")
raise SystemExit(status)
"""


@pytest.mark.slow
def test_log_lines_do_not_follow_the_figures():
    done = subprocess.run(
        [sys.executable, "-c", _RUN_AND_LOG],
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["requests"] == 0
    assert "a_late_line" in done.stderr
