"""How a process of ours is started from Python."""

import sys


def module_command(name: str, *arguments: str) -> list[str]:
    """The command line that runs an installed module with this interpreter.

    The current folder is no place to import from: it may hold another ``service`` or ``workers``.
    """
    return [sys.executable, "-P", "-m", name, *arguments]
