"""The demo reports the progress of its training, also where nobody sees a progress bar."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from zooscope.cli import demo_zoo

TRAINING = """
import json
import signal
import subprocess
print(json.dumps({"networks": 2}))
for name in ("digits-mlp", "digits-conv"):
    print(json.dumps({"name": name, "transfer_accuracy": 0.5}))
"""


def test_each_trained_network_is_a_line_in_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(demo_zoo, "module_command", lambda *_: [sys.executable, "-c", TRAINING])
    (tmp_path / "demo").mkdir()

    built = demo_zoo.built(tmp_path / "demo")

    assert capsys.readouterr().out.splitlines() == [
        "trained digits-mlp (1 of 2)",
        "trained digits-conv (2 of 2)",
    ]
    assert json.loads((tmp_path / "demo" / "truth.json").read_text()) == built.truth


def interrupted() -> None:
    """What Ctrl-C raises; programs in the background of a shell do not get its signal."""
    raise KeyboardInterrupt


@pytest.mark.parametrize("happens", [interrupted, partial(signal.raise_signal, signal.SIGTERM)])
def test_an_interrupted_demo_ends_its_training(happens: Callable[[], None]):
    with subprocess.Popen(["sleep", "1000"], start_new_session=True) as training:
        with pytest.raises((KeyboardInterrupt, SystemExit)), demo_zoo.ended_with(training):
            happens()
            training.wait()

        assert training.wait() == -signal.SIGKILL
