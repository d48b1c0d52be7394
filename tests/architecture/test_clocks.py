"""No code compares the wall clock of its machine with a moment of another machine.

Leases, expiry and ages use the clock of the database, of Redis or of the store; waits use durations.
"""

from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = [
    path for name in ("service", "workers", "zooscope") for path in (ROOT / name).rglob("*.py")
]
WALL_CLOCKS = ("time.time(", "datetime.now(", "utcnow(", "datetime.today(")


def test_one_module_reads_the_wall_clock():
    readers = [p.name for p in SOURCES if any(call in p.read_text() for call in WALL_CLOCKS)]

    assert readers == ["clock.py"]


def test_the_wall_clock_is_only_ever_written_down():
    # When a key was revoked or a backup was made is shown, and compared with nothing. The command
    # line turns "90d" into a date that its user could have written.
    users = {str(p.relative_to(ROOT)) for p in SOURCES if "core.clock import" in p.read_text()}

    assert users == {
        "service/backup/backup.py",
        "service/core/operations/access/keys.py",
        "zooscope/cli/audit.py",
        "zooscope/cli/keys.py",
    }
