"""``python -m workers.tools.ranking_bench TABLE…``: evaluate rankings on tables of accuracies."""

import argparse
import json
import sys
from pathlib import Path

from threadpoolctl import threadpool_limits

from service.core.errors import ZooError
from workers.tools.ranking_bench.printing import print_summaries
from workers.tools.ranking_bench.protocol import BenchSettings, evaluate_targets
from workers.tools.ranking_bench.refusal import TableError
from workers.tools.ranking_bench.summary import Summary, pooled, reliability_json, summed_up
from workers.tools.ranking_bench.tables import Table, read_table

_REFUSED = 1
_DESCRIPTION = """Hold out every target of a table of accuracies and rank its models from the rest:
by the static list, by every fact about models, by every estimator, and by the fused ranking with
measured runs. TABLE is a folder with accuracy.csv [scores.csv, models.csv], or a CSV file with
models as rows and targets as columns."""


def main(argv: list[str] | None = None) -> int:
    """Evaluates all tables; returns 0, or 1 with the reason on stderr if a table is invalid."""
    arguments = _parser().parse_args(argv)
    try:
        tables = _tables(arguments)
        settings = BenchSettings(
            k=arguments.k, runs=arguments.runs, coverage=arguments.coverage, seeds=arguments.seeds
        )
        summaries = [evaluate_table(table, settings) for table in tables]
    except ZooError as error:
        sys.stderr.write(f"zooscope: {error.detail} ({error.code})\n")
        sys.stderr.write(f"          {error.remedy}\n" if error.remedy else "")
        return _REFUSED
    if arguments.json:
        report = {
            "tables": [summary.as_json() for summary in summaries],
            "calibration": reliability_json(pooled(summaries)),
        }
        sys.stdout.write(json.dumps(report, indent=1, ensure_ascii=False) + "\n")
    else:
        print_summaries(summaries)
    return 0


def evaluate_table(table: Table, settings: BenchSettings) -> Summary:
    """The summary over all targets of one table."""
    with threadpool_limits(
        limits=1
    ):  # thousands of small products: extra threads only wait for each other
        evaluations = list(evaluate_targets(table, settings))
    return summed_up(table, evaluations, settings)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="zooscope bench ranking", description=_DESCRIPTION)
    parser.add_argument("table", type=Path, nargs="+", metavar="TABLE")
    parser.add_argument("--scores", type=Path, help="CSV: model,target,estimator,score")
    parser.add_argument(
        "--models", type=Path, help="CSV: model, then facts such as params_million"
    )
    parser.add_argument("--k", type=_positive, default=5, help="depth of R@k (5)")
    parser.add_argument(
        "--runs", type=_counts, default=(0, 5, 10, 20), help="measured runs (0,5,10,20)"
    )
    parser.add_argument("--coverage", type=_share, default=0.8, help="of sets and intervals (0.8)")
    parser.add_argument(
        "--seeds", type=_counts, default=(0, 1, 2), help="of draws and random orders (0,1,2)"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser


def _tables(arguments: argparse.Namespace) -> list[Table]:
    if len(arguments.table) > 1 and (arguments.scores or arguments.models):
        raise TableError(
            "table_ambiguous",
            "--scores and --models apply to one table, but several are listed",
            "list one table, or put scores.csv and models.csv into each folder",
        )
    return [
        read_table(path, scores=arguments.scores, models=arguments.models)
        for path in arguments.table
    ]


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not a positive number")
    return value


def _counts(text: str) -> tuple[int, ...]:
    counts = sorted({int(part) for part in text.split(",")})
    if counts[0] < 0:
        raise argparse.ArgumentTypeError(f"{text} contains a negative number")
    return tuple(counts)


def _share(text: str) -> float:
    value = float(text)
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 1")
    return value


if __name__ == "__main__":
    raise SystemExit(main())
