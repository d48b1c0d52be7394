"""Prometheus metrics: requests from this process, everything else from the database."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from service.container import Zoo
from service.core.tables import DatasetRecord, GraphRecord, JobRecord, JobState, ModelRecord

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 60)


class Metrics:
    """The metrics of one process."""

    def __init__(self, zoo: Zoo) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "zooscope_requests",
            "Requests answered",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "zooscope_request_seconds",
            "Time from request to response",
            ["method", "route"],
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._registry.register(_FromDatabase(zoo))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _FromDatabase(Collector):
    """Metrics that are the same in every process, read from the database on collection."""

    def __init__(self, zoo: Zoo) -> None:
        self._zoo = zoo

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not query the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Jobs by method and state, age of the oldest queued job, and size of the zoo."""
        yield self._jobs()
        yield self._waiting()
        yield self._sizes()

    def _jobs(self) -> Metric:
        family = GaugeMetricFamily("zooscope_jobs", "Jobs", labels=["method", "state"])
        query = select(JobRecord.method, JobRecord.state, func.count())
        with self._zoo.transaction() as session:
            for method, state, count in session.execute(
                query.group_by(JobRecord.method, JobRecord.state)
            ):
                family.add_metric([method, state], count)
        return family

    def _waiting(self) -> Metric:
        family = GaugeMetricFamily(
            "zooscope_queue_oldest_seconds", "Age of the oldest queued job", labels=["queue"]
        )
        age = func.extract("epoch", func.clock_timestamp() - func.min(JobRecord.available_at))
        query = select(JobRecord.queue, age).where(JobRecord.state == JobState.QUEUED)
        with self._zoo.transaction() as session:
            for queue, seconds in session.execute(query.group_by(JobRecord.queue)):
                family.add_metric([queue], max(0.0, float(seconds)))
        return family

    def _sizes(self) -> Metric:
        family = GaugeMetricFamily("zooscope_things", "Resources in the zoo", labels=["kind"])
        kinds = {"model": ModelRecord, "dataset": DatasetRecord, "graph": GraphRecord}
        with self._zoo.transaction() as session:
            for kind, record in kinds.items():
                count = session.scalar(select(func.count()).select_from(record))
                family.add_metric([kind], count or 0)
        return family
