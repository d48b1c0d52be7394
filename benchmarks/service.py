"""What the service costs, measured from outside over loopback, beside the design's targets.

Start-up of `zooscope up`, memory of the API, latencies of health, listing and rankings, speed and
memory of a large upload against disk and hash in the same run, and the wait of a submitted job.
Latencies stand beside those of a bare uvicorn in the same run: the ratio says more than the figure.

    python -m benchmarks.service [--json FILE] [--gib 2] [--requests 4000] [--jobs 20]
"""

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from benchmarks.api_costs import filling
from benchmarks.api_costs.filling import Filled
from benchmarks.api_costs.latencies import Latencies, at_full_speed, at_rate, request_to
from benchmarks.api_costs.receiving import MEBIBYTE, received, resident, thrown_away
from benchmarks.api_costs.submitting import waits
from benchmarks.real_run import environment
from service.container import zoo_from
from service.core.operations.access.keys import DEFAULT_PROJECT
from service.embedded.home import Home, Running
from service.embedded.postgres import PrivatePostgres
from service.settings import Settings
from zooscope import ZooClient
from zooscope.cli.daemonize import running_or_started

ROOT = Path(__file__).parents[1]
SEED = 0
MEASURED, MODELS = 1000, 10_000
HEALTH_PER_SECOND = 5000.0
CONNECTIONS = 16


@dataclass(frozen=True)
class Cost:
    """A figure, the target it stands beside (a dash for none), and how it was taken."""

    what: str
    measured: str
    target: str = "–"


def main() -> None:
    """Measure everything, print the table, and write the JSON when asked."""
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="service-cost-") as folder:
        figures = measured(Path(folder), options)
    host = figures["surroundings"]
    print(f"{host['machine']}; commit {host['commit']}; load average before {host['load']}\n")
    for cost in table(figures):
        print(f"| {cost.what} | {cost.measured} | {cost.target} |")
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")


def measured(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """All figures, as plain data."""
    home = folder / "home"
    figures: dict[str, Any] = {"surroundings": environment.describe(ROOT)}
    figures["first_start_seconds"] = _start_seconds(home)
    figures["next_start_seconds"] = _start_seconds(home)
    with PrivatePostgres(folder / "postgres") as postgres:
        postgres.create_database("zooscope")
        settings = private_settings(home=folder / "filled", database=postgres.url())
        with _running(settings) as running:
            figures |= _with_running(settings, running, folder, options)
    return figures


def _with_running(
    settings: Settings, running: Running, folder: Path, options: argparse.Namespace
) -> dict[str, Any]:
    url, api = running.rest_url, running.parts["api"]
    key = Home(settings.folder).admin_key.read_text().strip()
    figures: dict[str, Any] = {
        "api_at_rest_mib": resident(api) / MEBIBYTE,
        "torch": _has_torch(api),
    }
    size = int(options.gib * 1024) * MEBIBYTE
    figures |= _bare(options.requests, size_bytes=size)
    figures["health"] = asdict(_full(request_to(url, "/healthz"), options.requests))
    rated = request_to(url, "/healthz")
    figures["health_at_rate"] = asdict(
        at_rate(
            rated, count=options.requests, connections=CONNECTIONS, per_second=HEALTH_PER_SECOND
        )
    )
    filled = _fill(settings)
    figures |= {
        name: asdict(latencies)
        for name, latencies in _asked(url, key, filled, options.requests).items()
    }
    with ZooClient(url, key=key, timeout_seconds=600) as zoo:
        figures["jobs"] = asdict(waits(zoo, folder, count=options.jobs))
    upload = received(url, key, size_bytes=size, api_pid=api, scratch=settings.folder)
    figures["upload"] = asdict(upload) | {"share_of_limit": upload.share_of_limit}
    figures["api_at_end_mib"] = resident(api) / MEBIBYTE
    return figures


def _asked(url: str, key: str, filled: Filled, count: int) -> dict[str, Latencies]:
    """Rankings and listings, one at a time: what a single client feels."""
    few = max(50, count // 10)
    ranking = request_to(url, f"/v1/rankings/{filled.ranking}", key=key)
    body = json.dumps(filled.request).encode()
    again = request_to(url, "/v1/rankings", key=key, method="POST", body=body)
    listing = request_to(url, "/v1/models?page_size=50", key=key)
    return {
        "ranking": at_full_speed(ranking, count=few, connections=1),
        "ranking_anew": at_full_speed(again, count=50, connections=1),
        "listing": at_full_speed(listing, count=few, connections=1),
    }


def _fill(settings: Settings) -> Filled:
    zoo = zoo_from(settings, connections=1)
    try:
        with zoo.transaction() as session:
            return filling.fill(
                session, project=DEFAULT_PROJECT, measured=MEASURED, models=MODELS, seed=SEED
            )
    finally:
        zoo.close()


def _full(request: Any, count: int) -> Latencies:
    return at_full_speed(request, count=count, connections=CONNECTIONS)


def _bare(count: int, *, size_bytes: int) -> dict[str, Any]:
    """Latencies of uvicorn with nothing behind it, and how fast it takes a body."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen([sys.executable, "-m", "benchmarks.api_costs.bare", str(port)])
    try:
        _wait_for(port)
        url = f"http://127.0.0.1:{port}"
        latencies = _full(request_to(url, "/"), count)
        return {
            "bare": asdict(latencies),
            "thrown_away_mb_s": thrown_away(url, size_bytes=size_bytes),
        }
    finally:
        server.terminate()
        server.wait()


def _wait_for(port: int) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with socket.socket() as port_probe:
            if port_probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise TimeoutError(f"nothing answers on port {port}")


def _start_seconds(home: Path) -> float:
    """From the command to the moment every part has answered."""
    began = time.monotonic()
    with _running(private_settings(home=home, database=None)):
        return time.monotonic() - began


@contextmanager
def _running(settings: Settings) -> Iterator[Running]:
    running = running_or_started(settings)
    try:
        yield running
    finally:
        environment.ended(running.pid)


def private_settings(*, home: Path, database: str | None) -> Settings:
    """Settings of a zoo on free ports that nobody else uses."""
    url = None if database is None else SecretStr(database)
    changed = {"home": home, "port": 0, "grpc_port": 0, "database_url": url}
    return Settings().model_copy(update={**changed, "rate_limit": "10000000/minute"})


def _has_torch(pid: int) -> bool:
    """Whether a process has torch's library in its memory."""
    return "libtorch" in Path(f"/proc/{pid}/maps").read_text()


def table(figures: dict[str, Any]) -> list[Cost]:
    """The figures in words, each with its target."""
    upload, jobs, bare = figures["upload"], figures["jobs"], figures["bare"]
    return [
        Cost("figure", "measured", "target (two idle cores)"),
        Cost("---", "---", "---"),
        Cost("start-up, new folder", f"{figures['first_start_seconds']:.1f} s"),
        Cost("start-up, folder used before", f"{figures['next_start_seconds']:.1f} s", "< 5 s"),
        Cost("API memory at rest", f"{figures['api_at_rest_mib']:.0f} MiB", "< 150 MB"),
        Cost("API has loaded torch", "yes" if figures["torch"] else "no", "no"),
        Cost(f"bare uvicorn, {CONNECTIONS} connections", _text(bare)),
        Cost(
            f"health, {CONNECTIONS} connections",
            f"{_text(figures['health'])}; "
            f"{figures['health']['per_second'] / bare['per_second']:.2f} of bare uvicorn",
        ),
        Cost(
            f"health, {HEALTH_PER_SECOND:.0f} per second offered",
            _text(figures["health_at_rate"]),
            "p99 < 10 ms",
        ),
        Cost(f"ranking of {MEASURED} models, ready", _text(figures["ranking"]), "p99 < 15 ms"),
        Cost("the same computed again, from stored similarities", _text(figures["ranking_anew"])),
        Cost(f"50 models of {MODELS}", _text(figures["listing"]), "< 30 ms"),
        Cost("submit → running, p50", f"{jobs['submit_to_running_p50_ms']:.0f} ms", "< 300 ms"),
        Cost("submit → done, p50", f"{jobs['submit_to_done_p50_ms']:.0f} ms"),
        Cost("disk (write + sync)", f"{upload['disk_mb_s']:.0f} MB/s"),
        Cost("SHA-256", f"{upload['hash_mb_s']:.0f} MB/s"),
        Cost("bare uvicorn taking the same body", f"{figures['thrown_away_mb_s']:.0f} MB/s"),
        Cost(
            f"upload of {upload['size_bytes'] / 1024**3:.1f} GiB",
            f"{upload['upload_mb_s']:.0f} MB/s = {upload['share_of_limit']:.2f} of the slower",
            "≥ 0.80",
        ),
        Cost("API memory growth", f"{upload['memory_growth_mib']:.1f} MiB", "< 64 MB"),
    ]


def _text(latencies: dict[str, Any]) -> str:
    return (
        f"p50 {latencies['p50_ms']:.2f} ms, p99 {latencies['p99_ms']:.2f} ms,"
        f" {latencies['per_second']:.0f}/s (n = {latencies['requests']})"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="service", description=__doc__)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--gib", type=float, default=2.0, help="size of the upload")
    parser.add_argument("--requests", type=int, default=10_000, help="per load of the health page")
    parser.add_argument("--jobs", type=int, default=20)
    return parser.parse_args()


if __name__ == "__main__":
    main()
