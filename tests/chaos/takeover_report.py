"""The times of takeovers as a table, and those that took too long."""

import statistics
from collections.abc import Callable, Sequence

from tests.chaos.stages import STAGES
from tests.chaos.takeover import Takeover

LIMIT_SECONDS = 35.0
ALL = "all"
FIGURES: Sequence[tuple[str, Callable[[Takeover], float]]] = (
    ("kill to queue", lambda takeover: takeover.from_kill),
    ("lease to queue", lambda takeover: takeover.from_lease_end),
    ("queue to claim", lambda takeover: takeover.to_claim),
)


def too_late(takeovers: Sequence[Takeover]) -> list[Takeover]:
    """Those whose job waited for longer than the limit before it was queued again."""
    return [takeover for takeover in takeovers if takeover.from_kill > LIMIT_SECONDS]


def summary(takeovers: Sequence[Takeover]) -> dict[str, dict[str, float]]:
    """Kills, misses, and p50, p99 and maximum of each time, by stage and in all."""
    return {
        stage: _figures([takeover for takeover in takeovers if stage in (takeover.stage, ALL)])
        for stage in (*STAGES, ALL)
    }


def _figures(takeovers: Sequence[Takeover]) -> dict[str, float]:
    figures: dict[str, float] = {
        "kills": len(takeovers),
        "missed": sum(takeover.missed for takeover in takeovers),
    }
    for name, time_of in FIGURES if takeovers else ():
        times = sorted(map(time_of, takeovers))
        figures[f"{name} p50"] = statistics.median(times)
        figures[f"{name} p99"] = times[min(len(times) - 1, int(0.99 * len(times)))]
        figures[f"{name} max"] = times[-1]
    return figures


def table(takeovers: Sequence[Takeover]) -> str:
    """One line per stage: kills, jobs that passed it too early, and the times in seconds."""
    names = "".join(f"{name + ' p50/p99/max':>30}" for name, _ in FIGURES)
    lines = [f"{'stage':10}{'kills':>6}{'missed':>7}{names}"]
    for stage, figures in summary(takeovers).items():
        line = f"{stage:10}{figures['kills']:6}{figures['missed']:7}"
        for name, _ in FIGURES if figures["kills"] else ():
            times = [figures[f"{name} {part}"] for part in ("p50", "p99", "max")]
            line += f"{' / '.join(f'{time:.2f}' for time in times):>30}"
        lines.append(line)
    late = [f"too late: {takeover}" for takeover in too_late(takeovers)]
    return "\n".join([*lines, *late])
