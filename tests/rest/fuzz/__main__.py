"""``python -m tests.rest.fuzz``: many generated requests by seed; fails if an answer is wrong."""

import argparse
import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.real_run import environment
from service.container import zoo_from
from service.embedded.postgres import PrivatePostgres
from service.logs import start_logging
from service.migrate import migrate
from service.settings import LogLevel, Settings
from tests.rest.fuzz.requests import Fuzzer
from tests.rest.fuzz.seeds import seeded_zoo

ROOT = Path(__file__).parents[3]


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 if an answer was a 5xx or not as documented."""
    parser = argparse.ArgumentParser(prog="python -m tests.rest.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000, help="requests at least (20000)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the first round (1)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    options = parser.parse_args(arguments)
    start_logging(Settings(log_level=LogLevel.ERROR))
    with (
        TemporaryDirectory(prefix="zoo-fuzz-") as name,
        PrivatePostgres(Path(name) / "postgres") as postgres,
    ):
        home = Path(name) / "home"
        _make_template(postgres, home)
        with seeded_zoo(postgres, home) as zoo:
            fuzzer, began = Fuzzer(zoo), time.monotonic()
            fuzzer.run(cases=options.cases, first_seed=options.seed)
            seconds = time.monotonic() - began
            summary = _figures if options.json else _summary
            print(summary(fuzzer, options.seed, seconds))
    return int(bool(fuzzer.broken))


def _make_template(postgres: PrivatePostgres, home: Path) -> None:
    """Migrate the database that the zoo's own is a copy of."""
    postgres.create_database("template")
    zoo = zoo_from(Settings(home=home, database_url=postgres.url("template")))  # type: ignore[arg-type]
    migrate(zoo.engine)
    zoo.close()


def _summary(fuzzer: Fuzzer, seed: int, seconds: float) -> str:
    """Requests by operation and class of status, and what was wrong."""
    lines = [f"{'operation':62} requests   2xx"]
    for label, sent in sorted(fuzzer.sent.items()):
        lines.append(f"{label:62} {sent:8}  {fuzzer.successes(label):4}")
    total, successes = fuzzer.sent.total(), sum(map(fuzzer.successes, fuzzer.sent))
    lines.append(f"{'all, from seed ' + str(seed):62} {total:8}  {successes:4}")
    lines.append(f"{seconds:.0f} s; operations with a wrong answer: {len(fuzzer.broken)}")
    return "\n".join([*lines, *map(": ".join, fuzzer.broken.items())])


def _figures(fuzzer: Fuzzer, seed: int, seconds: float) -> str:
    """The same as one line of JSON, with the commit and the machine."""
    operations = {
        label: {"requests": sent, "successes": fuzzer.successes(label)}
        for label, sent in sorted(fuzzer.sent.items())
    }
    return json.dumps(
        {
            "surroundings": environment.describe(ROOT),
            "first_seed": seed,
            "rounds": fuzzer.rounds,
            "seconds": round(seconds, 1),
            "requests": fuzzer.sent.total(),
            "successes": sum(map(fuzzer.successes, fuzzer.sent)),
            "statuses": fuzzer.by_status(),
            "broken": fuzzer.broken,
            "operations": operations,
        }
    )


if __name__ == "__main__":
    sys.exit(main())
