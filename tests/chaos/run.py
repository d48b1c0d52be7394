"""One run: random faults by seed until the time is over, then calm, then the rules."""

import contextlib
import json
import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import psutil
from redis.exceptions import RedisError

from service.core.errors import ZooError
from service.scheduler import expiry
from tests.chaos.cluster import Chaos, chaos_cluster
from tests.chaos.faults import FAULTS, Strike, unavailable
from tests.chaos.history import Violation, violations
from tests.chaos.probes import silent_services
from tests.chaos.snapshot import history_of, is_alive
from tests.chaos.workload import Workload
from tests.waiting import HANG_SECONDS, POLL_SECONDS

LONGEST_GAP_SECONDS = 1.0


@dataclass(frozen=True)
class ChaosReport:
    """What a run did and found.

    Attributes:
        seconds: How long faults struck.
        start_seconds: How long the zoo took to start.
        rest_seconds: How long it took to come to rest afterwards.
        faults: Number of faults that struck something, by name.
        unavailable: Faults that this machine does not allow.
    """

    seed: int
    seconds: float
    start_seconds: float
    rest_seconds: float
    faults: dict[str, int]
    unavailable: list[str]
    restarts: int
    jobs: dict[str, int]
    claims: int
    files: int
    violations: list[Violation]

    def lines(self) -> str:
        """The report for a reader."""
        breaches = [f"  {item.rule}: {item.subject}: {item.detail}" for item in self.violations]
        faults = ", ".join(f"{name} {count}" for name, count in sorted(self.faults.items()))
        jobs = ", ".join(f"{state} {count}" for state, count in sorted(self.jobs.items()))
        summary = [
            f"seed {self.seed}: start {self.start_seconds:.0f} s, faults {self.seconds:.0f} s, "
            f"rest {self.rest_seconds:.0f} s, {self.restarts} restarts",
            f"faults: {sum(self.faults.values())} ({faults})",
            f"faults that this machine does not allow: {', '.join(self.unavailable) or 'none'}",
            f"jobs: {sum(self.jobs.values())} ({jobs}) in {self.claims} claims",
            f"files read and hashed: {self.files}",
            f"violations: {len(self.violations)}",
        ]
        return "\n".join([*summary, *breaches])


class FaultLog:
    """Writes one JSON object per fault, and counts those that struck."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self.counts: Counter[str] = Counter()
        self._write = write
        self._began = time.monotonic()

    def add(self, fault: str, target: str | None) -> None:
        """Note a fault; without a target it met nothing to strike."""
        if target is not None:
            self.counts[fault] += 1
        self.note(fault=fault, target=target)

    def note(self, **values: object) -> None:
        """Write one line with the seconds since the start."""
        self._write(json.dumps({"at": round(time.monotonic() - self._began, 3), **values}))


def run(
    *,
    seed: int,
    seconds: float,
    write: Callable[[str], None],
    longest_gap: float = LONGEST_GAP_SECONDS,
) -> ChaosReport:
    """The report of a run of faults for some seconds; each fault is written as a JSON line.

    Args:
        longest_gap: Most seconds between two faults.
    """
    log = FaultLog(write)
    clock = _StopWatch()
    with chaos_cluster() as chaos:
        start_seconds = clock.lap()
        workload = Workload(chaos, random.Random(f"{seed} jobs"))
        strike = Strike(chaos, workload, random.Random(f"{seed} faults"))
        while clock.seconds() < seconds:
            _step(strike, log, longest_gap)
        fault_seconds = clock.lap()
        _settle(strike, log)
        history = history_of(chaos, _leftovers(chaos, workload))
        return ChaosReport(
            seed=seed,
            seconds=fault_seconds,
            start_seconds=start_seconds,
            rest_seconds=clock.lap(),
            faults=dict(log.counts),
            unavailable=unavailable(chaos),
            restarts=chaos.restarts,
            jobs=dict(Counter(job.state for job in history.jobs)),
            claims=sum(job.fence for job in history.jobs),
            files=len(history.blobs),
            violations=violations(history),
        )


class _StopWatch:
    """The seconds since the last lap."""

    def __init__(self) -> None:
        self._began = time.monotonic()

    def seconds(self) -> float:
        """The seconds so far."""
        return round(time.monotonic() - self._began, 1)

    def lap(self) -> float:
        """The seconds so far; the next lap begins."""
        seconds = self.seconds()
        self._began = time.monotonic()
        return seconds


def _step(strike: Strike, log: FaultLog, longest_gap: float) -> None:
    """Submit, strike once, restart what died, and wait a moment."""
    numbers = strike.numbers
    strike.workload.step()
    names = list(FAULTS)
    fault = numbers.choices(names, [weight for _, weight in FAULTS.values()])[0]
    target = None
    # The process ended, or the broker is away, before the fault came.
    with contextlib.suppress(psutil.NoSuchProcess, ZooError, RedisError):
        target = FAULTS[fault][0](strike)
    log.add(fault, target)
    time.sleep(numbers.uniform(0.0, longest_gap))
    for name in strike.chaos.supervise():
        log.note(restarted=name)


def _settle(strike: Strike, log: FaultLog) -> None:
    """Give the zoo the time to end every job and every process; what is left then is a violation."""
    chaos, workload = strike.chaos, strike.workload
    chaos.calm()
    workload.cancel_endless()
    steps: dict[str, Callable[[], bool]] = {
        "every job has ended": lambda: _all_jobs_ended(strike),
        "every process has ended": lambda: not _leftovers(chaos, workload),
        "every folder is gone": lambda: not _scratch_left(chaos),
        "every service works": lambda: not silent_services(chaos),
    }
    for name, check in steps.items():
        _until(check)
        log.note(rest=name)


def _all_jobs_ended(strike: Strike) -> bool:
    """Whether no job is active; restarts what died, and lets no job wait for another attempt."""
    died = strike.chaos.supervise()
    strike.workload.end_delays()
    return not died and not strike.workload.active_ids()


def _scratch_left(chaos: Chaos) -> bool:
    """Whether folders of attempts remain after the scheduler's own removal of abandoned ones."""
    expiry.remove_expired(chaos.cluster.zoo)
    return any(chaos.cluster.zoo.scratch.iterdir())


def _leftovers(chaos: Chaos, workload: Workload) -> list[psutil.Process]:
    """Living processes of jobs that ended and of components that were killed."""
    doomed = [process for process in chaos.doomed if is_alive(process)]
    return [*doomed, *workload.children().values()]


def _until(check: Callable[[], bool]) -> None:
    """Return when ``check`` holds, or when it hangs."""
    give_up = time.monotonic() + HANG_SECONDS
    while not check() and time.monotonic() < give_up:
        time.sleep(POLL_SECONDS)
