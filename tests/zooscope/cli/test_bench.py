"""``zooscope bench ranking`` forwards its arguments, prints the evaluation, and reports errors with a remedy."""

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.zooscope.cli.shells import StartedCommand

TABLE = "model,u,v,w\nant,0.9,0.8,0.9\nbee,0.8,0.7,0.7\ncow,0.5,0.6,0.4\ndog,0.3,0.2,0.3\n"


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return StartedCommand(("bench", "ranking", *words), os.environ).completed()


def test_it_has_help():
    done = bench("--help")

    assert done.returncode == 0, done.stderr
    assert "--scores" in done.stdout


def test_it_evaluates_a_table(tmp_path: Path):
    index = tmp_path / "animals.csv"
    index.write_text(TABLE)

    done = bench(str(index), "--json", "--runs", "0")

    assert done.returncode == 0, done.stderr
    static = json.loads(done.stdout)["tables"][0]["methods"]["static list"]
    assert static["weighted_tau"]["mean"] == pytest.approx(1)
    assert static["regret"]["mean"] == 0


def test_a_bad_cell_is_named_with_its_remedy(tmp_path: Path):
    index = tmp_path / "animals.csv"
    index.write_text(TABLE.replace("0.6", "many"))

    done = bench(str(index))

    assert done.returncode == 1
    assert "row 4, column 'v': 'many'" in done.stderr
    assert "write a number" in done.stderr
