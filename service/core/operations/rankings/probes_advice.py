"""Whether more probes would help, in one sentence, from measured curves."""

from service.core.counts import counted

ENOUGH = 128
"""From here on more probes changed the order of networks little; docs/results/many_zoos.md."""


def sentence(effective_probes: float | None) -> str | None:
    """What to do about the number of probes; None where no networks are compared."""
    if effective_probes is None:
        return None
    number = counted(round(effective_probes), "different probe")
    if effective_probes >= ENOUGH:
        return f"{number}: in measured zoos, more hardly changed the order; only images of the target's own kind can."
    return f"{number}: in measured zoos, {ENOUGH} of the target's own kind ordered networks as well as 1000."
