"""Prometheus metrics: requests from this process, everything else from the database."""

from collections.abc import Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from service.adapters.worker_registry import MemoryLimit, WorkerRegistry
from service.audit_trail import AuditTrail
from service.container import Zoo
from service.core.operations.zoo import damage
from service.core.tables import DatasetRecord, GraphRecord, JobRecord, JobState, ModelRecord

_QUEUES = ("cpu", "gpu")
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
        if zoo.settings.redis_url is not None:
            url = zoo.settings.redis_url.get_secret_value()
            self._registry.register(_FromWorkers(WorkerRegistry.at(url)))

    def watch(self, trail: AuditTrail) -> None:
        """Also count what the audit log of this process lacks."""
        self._registry.register(_AuditLosses(trail))

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one answered request."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route).observe(seconds)

    def text(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)


class _AuditLosses(Collector):
    """Calls that the audit log lacks, because its queue was full or the database away."""

    def __init__(self, trail: AuditTrail) -> None:
        self._trail = trail

    def collect(self) -> Iterator[Metric]:
        """The counter."""
        yield CounterMetricFamily(
            "zooscope_audit_lost", "Calls that the audit log lacks", value=self._trail.lost
        )


class _FromDatabase(Collector):
    """Metrics that are the same in every process, read from the database on collection."""

    def __init__(self, zoo: Zoo) -> None:
        self._zoo = zoo

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not query the database."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """Jobs by method and state, length and age of the queues, size of the zoo, damaged files."""
        yield self._jobs()
        yield self._queued()
        yield self._waiting()
        yield self._sizes()
        yield self._damage()

    def _jobs(self) -> Metric:
        family = GaugeMetricFamily("zooscope_jobs", "Jobs", labels=["method", "state"])
        query = select(JobRecord.method, JobRecord.state, func.count())
        with self._zoo.transaction() as session:
            for method, state, count in session.execute(
                query.group_by(JobRecord.method, JobRecord.state)
            ):
                family.add_metric([method, state], count)
        return family

    def _queued(self) -> Metric:
        family = GaugeMetricFamily(
            "zooscope_queued_jobs", "Jobs that wait for a worker", labels=["queue"]
        )
        counts = dict.fromkeys(_QUEUES, 0)
        query = select(JobRecord.queue, func.count()).where(JobRecord.state == JobState.QUEUED)
        with self._zoo.transaction() as session:
            for queue, count in session.execute(query.group_by(JobRecord.queue)):
                counts[queue] = count
        for queue, count in counts.items():
            family.add_metric([queue], count)
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

    def _damage(self) -> Metric:
        family = GaugeMetricFamily("zooscope_damaged_files", "Stored files that are damaged")
        with self._zoo.transaction() as session:
            family.add_metric([], damage.count(session))
        return family


class _FromWorkers(Collector):
    """What workers report about themselves, read from Redis on collection."""

    def __init__(self, registry: WorkerRegistry) -> None:
        self._registry = registry

    def describe(self) -> Iterator[Metric]:
        """Nothing, so that registering does not query Redis."""
        return iter(())

    def collect(self) -> Iterator[Metric]:
        """What each worker lacks, what limits its memory, and which messages were dropped."""
        lacks = GaugeMetricFamily(
            "zooscope_worker_missing_sandbox_layers",
            "Sandbox layers that a worker lacks",
            labels=["worker"],
        )
        groups = GaugeMetricFamily(
            "zooscope_worker_control_groups",
            "Whether a control group limits the memory of each job of a worker",
            labels=["worker"],
        )
        for worker in self._registry.workers():
            lacks.add_metric([worker.name], len(worker.missing_layers))
            groups.add_metric([worker.name], worker.memory_limit is MemoryLimit.CONTROL_GROUP)
        yield lacks
        yield groups
        dropped = CounterMetricFamily(
            "zooscope_dropped_messages", "Malformed messages dropped", labels=["kind"]
        )
        for kind, count in self._registry.dropped().items():
            dropped.add_metric([kind.value], count)
        yield dropped
