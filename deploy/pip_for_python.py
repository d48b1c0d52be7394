"""Runs pip as if for another Python: ``python deploy/pip_for_python.py 3.11.0 install …``.

pip's own ``--python-version`` chooses wheels and judges ``Requires-Python``, but environment markers
are still evaluated for the running interpreter; here they are evaluated for the other one.
"""

import sys

from pip._internal.cli.main import main
from pip._vendor.packaging import markers

_ENVIRONMENT = markers.default_environment


def run(python: str, words: list[str]) -> int:
    """Pip's exit status."""
    minor = ".".join(python.split(".")[:2])
    ours = {
        "python_version": minor,
        "python_full_version": python,
        "implementation_version": python,
    }
    markers.default_environment = lambda: {**_ENVIRONMENT(), **ours}
    return main(words)


if __name__ == "__main__":
    raise SystemExit(run(sys.argv[1], sys.argv[2:]))
