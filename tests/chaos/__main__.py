"""``python -m tests.chaos``: random faults by seed, or the times of takeovers; fails on a violation."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.real_run import environment
from tests.chaos import run, takeover, takeover_report
from tests.chaos.stages import STAGES

ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None) -> int:
    """The exit status: 1 if the history broke a rule, or if a job was taken over too late."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="seed of the schedule (1)")
    parser.add_argument("--minutes", type=float, default=3.0, help="length of the faults (3)")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--takeover", action="store_true", help="kill a worker at every stage")
    parser.add_argument("--repeat", type=int, default=20, help="kills at each stage (20)")
    parser.add_argument("--zoos", type=int, default=7, help="zoos side by side, one a stage (7)")
    parser.add_argument(
        "--stages", nargs="+", default=[*STAGES], choices=STAGES, help="stages to kill at (all)"
    )
    options = parser.parse_args(arguments)
    return _takeovers(options) if options.takeover else _faults(options)


def _faults(options: argparse.Namespace) -> int:
    """Strike at random and print the report."""
    machine = environment.describe(ROOT)
    report = run.run(seed=options.seed, seconds=options.minutes * 60, write=_to_stderr)
    figures = json.dumps({"surroundings": machine, "report": asdict(report)})
    print(figures if options.json else report.lines())
    return int(bool(report.violations))


def _takeovers(options: argparse.Namespace) -> int:
    """Kill workers at every stage and print the times."""
    machine = environment.describe(ROOT)
    takeovers = takeover.measure(options.repeat, stages=options.stages, zoos=options.zoos)
    figures = {
        "surroundings": machine,
        "summary": takeover_report.summary(takeovers),
        "takeovers": [asdict(times) for times in takeovers],
    }
    print(json.dumps(figures) if options.json else takeover_report.table(takeovers))
    return int(bool(takeover_report.too_late(takeovers)))


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
