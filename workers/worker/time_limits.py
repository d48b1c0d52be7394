"""How long jobs may run: each method's own limit, longer on a slow machine."""

from collections.abc import Mapping

from service.core.catalog import MethodSpec, all_methods, method_named
from service.machine_speed import ORDINARY_FLOPS_PER_SECOND, stored_speed
from service.settings import Settings

# A thousand images of a longer network, with their gradients, take about an hour.
_SHORT_SECONDS_PER_IMAGE = 1.0


def seconds_of(method: str, settings: Settings) -> float:
    """Seconds after which a job of the method is stopped on this machine."""
    return _seconds(method_named(method), settings, _factor(settings))


def seconds_by_method(settings: Settings) -> Mapping[str, float]:
    """The same for every method."""
    factor = _factor(settings)
    return {spec.name: _seconds(spec, settings, factor) for spec in all_methods()}


def flops_of_short_jobs(settings: Settings) -> float:
    """The most operations per image that a network of a short job has on this machine."""
    speed = stored_speed(settings)
    each_second = ORDINARY_FLOPS_PER_SECOND if speed is None else speed.flops_per_second
    return _SHORT_SECONDS_PER_IMAGE * each_second


def _seconds(spec: MethodSpec, settings: Settings, factor: float) -> float:
    own = settings.method_seconds.get(spec.name, spec.time_limit_seconds)
    longest = settings.job_timeout_seconds
    return longest if own is None else min(longest, own * factor)


def _factor(settings: Settings) -> float:
    """How many times longer than ordinary a job may take here, because the machine is slow."""
    speed = stored_speed(settings)
    return 1.0 if speed is None else speed.time_factor
