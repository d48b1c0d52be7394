"""Runs pip as if for another Python: ``python deploy/pip_for_python.py 3.11.0 install …``.

``--python-version`` chooses wheels by it, but ``pip install`` still evaluates environment markers
and the ``Requires-Python`` inside wheels for the running interpreter; here the other one counts.
"""

import sys

from pip._internal.cli.main import main
from pip._internal.resolution.resolvelib import factory
from pip._vendor.packaging import markers

_ENVIRONMENT = markers.default_environment
_CANDIDATE = factory.RequiresPythonCandidate


def run(python: str, words: list[str]) -> int:
    """Exit status of pip, which takes ``python`` for its interpreter's version."""
    parts = tuple(map(int, python.split(".")))
    minor = ".".join(python.split(".")[:2])
    ours = {
        "python_version": minor,
        "python_full_version": python,
        "implementation_version": python,
    }
    markers.default_environment = lambda: {**_ENVIRONMENT(), **ours}
    factory.RequiresPythonCandidate = lambda _: _CANDIDATE(parts)
    return main(words)


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1], sys.argv[2:]))
