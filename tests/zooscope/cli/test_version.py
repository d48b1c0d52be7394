"""The command, the package and ``doctor`` state the version of the installed package."""

from importlib.metadata import version

from typer.testing import CliRunner

import zooscope
from zooscope.cli.doctor import _package
from zooscope.cli.main import app

INSTALLED = version("zooscope")


def test_the_command_prints_its_version():
    result = CliRunner().invoke(app, ["--version"])

    assert (result.exit_code, result.output) == (0, f"zooscope {INSTALLED}\n")


def test_the_package_and_the_doctor_have_the_same_version():
    assert zooscope.__version__ == INSTALLED
    assert _package("zooscope").value == INSTALLED
