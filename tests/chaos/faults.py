"""The faults, each a function that strikes once and says what it struck; None if nothing was there."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil
from redis import Redis

from service.adapters.job_notifier import CeleryJobNotifier
from service.embedded.components import ComponentName
from tests.chaos.cluster import Chaos
from tests.chaos.messages import MESSAGES, NOTIFICATIONS, damaged
from tests.chaos.workload import Workload

LONGEST_PAUSE_SECONDS = 15.0  # longer than a lease
LONGEST_CLOCK_OFFSET_SECONDS = 86_400
DUPLICATES = 20
MOST_MALFORMED = 20


@dataclass(frozen=True)
class Strike:
    """What a fault needs: the zoo, its jobs, and the numbers of the schedule."""

    chaos: Chaos
    workload: Workload
    numbers: random.Random


def kill_child(strike: Strike) -> str | None:
    """Kill the process of a running job."""
    children = strike.workload.children()
    if not children:
        return None
    job_id = strike.numbers.choice(sorted(children))
    children[job_id].kill()
    return job_id


def kill_fork_server(strike: Strike) -> str | None:
    """Kill the process that jobs are forked from."""
    servers = strike.chaos.fork_servers()
    if not servers:
        return None
    server = strike.numbers.choice(servers)
    strike.chaos.kill_fork_server(server)
    return f"pid {server.pid}"


def _kill(*kinds: ComponentName) -> Callable[[Strike], str | None]:
    """A fault that kills one of the parts of these kinds."""

    def kill(strike: Strike) -> str | None:
        alive = strike.chaos.alive(*kinds)
        if not alive:
            return None
        key = strike.numbers.choice(alive)
        strike.chaos.kill(key)
        return key

    return kill


def kill_redis(strike: Strike) -> str:
    """Kill the broker."""
    strike.chaos.restart_redis()
    return "redis"


def kill_postgres(strike: Strike) -> str:
    """Kill the database."""
    strike.chaos.restart_postgres()
    return "postgres"


def pause_component(strike: Strike) -> str | None:
    """Freeze a worker, the scheduler or an API."""
    alive = strike.chaos.alive(*ComponentName)
    if not alive:
        return None
    key = strike.numbers.choice(alive)
    process = psutil.Process(strike.chaos.parts[key].pid)
    return f"{key} for {_pause(strike, process):.1f} s"


def pause_child(strike: Strike) -> str | None:
    """Freeze the process of a running job."""
    children = strike.workload.children()
    if not children:
        return None
    job_id = strike.numbers.choice(sorted(children))
    return f"{job_id} for {_pause(strike, children[job_id]):.1f} s"


def pause_redis(strike: Strike) -> str:
    """Freeze the broker."""
    process = psutil.Process(strike.chaos.cluster.redis.pid)
    return f"redis for {_pause(strike, process):.1f} s"


def _pause(strike: Strike, process: psutil.Process) -> float:
    """The seconds for which the process is now frozen."""
    seconds = strike.numbers.uniform(0.1, LONGEST_PAUSE_SECONDS)
    strike.chaos.freeze(process, seconds)
    return seconds


def flush_redis(strike: Strike) -> str | None:
    """Delete everything in the broker."""
    if _redis_is_frozen(strike):
        return None
    strike.chaos.cluster.processes.flush_broker()
    return "redis"


def duplicate_messages(strike: Strike) -> str | None:
    """Announce an active job many times."""
    return _notify(strike, strike.workload.active_ids(), times=DUPLICATES)


def late_messages(strike: Strike) -> str | None:
    """Announce jobs that ended long ago."""
    return _notify(strike, strike.workload.final_ids(), times=1)


def _notify(strike: Strike, job_ids: list[str], *, times: int) -> str | None:
    if not job_ids or _redis_is_frozen(strike):
        return None
    job_id = strike.numbers.choice(sorted(job_ids))
    notifier = CeleryJobNotifier(strike.chaos.cluster.processes.redis_url)
    try:
        notifier.notify([job_id] * times, queue=NOTIFICATIONS)
    finally:
        notifier.close()
    return f"{job_id}, {times} times"


def _redis_is_frozen(strike: Strike) -> bool:
    return any(process.pid == strike.chaos.cluster.redis.pid for process in strike.chaos.frozen)


def malformed_messages(strike: Strike) -> str | None:
    """Push damaged messages and noise into the queue of notifications or of predict requests."""
    if _redis_is_frozen(strike):
        return None
    numbers = strike.numbers
    queue = numbers.choice(sorted(MESSAGES))
    count = numbers.randint(1, MOST_MALFORMED)
    messages = [damaged(MESSAGES[queue](), numbers) for _ in range(count)]
    with Redis(unix_socket_path=str(strike.chaos.cluster.processes.socket)) as redis:
        redis.lpush(queue, *messages)
    return f"{queue}, {count} times"


def shift_clock(strike: Strike) -> str | None:
    """Have the wall clock of a component or of Redis jump by up to a day, in either direction."""
    clocks = strike.chaos.clocks
    if clocks is None:
        return None
    pids = {key: pid for key, pid in strike.chaos.pids().items() if clocks.can_shift(pid)}
    if not pids:
        return None
    key = strike.numbers.choice(sorted(pids))
    limit = LONGEST_CLOCK_OFFSET_SECONDS
    seconds = strike.numbers.randint(-limit, limit)
    clocks.shift(pids[key], seconds)
    return f"{key} by {seconds} s"


def fill_disk(strike: Strike) -> str | None:
    """Fill the disk of the scratch folder or of the store for a moment, where it has its own."""
    free = [folder for folder in strike.chaos.disks if folder not in strike.chaos.full]
    if not free:
        return None
    folder = strike.numbers.choice(free)
    seconds = strike.numbers.uniform(0.5, 4.0)
    strike.chaos.fill_disk(folder, seconds)
    return f"{folder.name} for {seconds:.1f} s"


FAULTS: Mapping[str, tuple[Callable[[Strike], str | None], int]] = {
    "kill_child": (kill_child, 8),
    "kill_fork_server": (kill_fork_server, 3),
    "kill_worker": (_kill(ComponentName.WORKER), 3),
    "kill_scheduler": (_kill(ComponentName.SCHEDULER), 2),
    "kill_api": (_kill(ComponentName.API), 1),
    "kill_grpc": (_kill(ComponentName.GRPC), 1),
    "kill_redis": (kill_redis, 2),
    "kill_postgres": (kill_postgres, 1),
    "pause_component": (pause_component, 4),
    "pause_child": (pause_child, 4),
    "pause_redis": (pause_redis, 1),
    "flush_redis": (flush_redis, 4),
    "duplicate_messages": (duplicate_messages, 6),
    "late_messages": (late_messages, 6),
    "malformed_messages": (malformed_messages, 6),
    "shift_clock": (shift_clock, 4),
    "fill_disk": (fill_disk, 2),
}
"""Every fault by name, with how often it strikes beside the others."""


def unavailable(chaos: Chaos) -> list[str]:
    """The faults that cannot strike on this machine: no right to mount, or no C compiler."""
    missing = {"fill_disk": not chaos.disks, "shift_clock": chaos.clocks is None}
    return [name for name, is_missing in missing.items() if is_missing]
