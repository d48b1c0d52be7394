"""Where a process that runs jobs keeps its files: below its own working folder.

Libraries fix the paths of caches and temporary files when they are imported, long before children
are forked. So the fork server and its children share one set of variables, which name the working
folder of the process that reads them: a path computed before the fork leads into the child's own
folder after it. The variables also name a user, because the sandbox hides the
machine's user database.
"""

import os
import sys
import tempfile
from pathlib import Path

WORKING_FOLDER = "/proc/self/cwd"
VARIABLES = {
    "HOME": WORKING_FOLDER,
    "TMPDIR": WORKING_FOLDER,
    "USER": "zooscope",
    "LOGNAME": "zooscope",
    "LANG": "C.UTF-8",
}


def enter(folder: Path) -> None:
    """Work in ``folder``, with these variables and no other. Raises OSError."""
    os.chdir(folder)
    os.environ.clear()  # noqa: TID251 - it is emptied, not read
    os.environ.update(VARIABLES)  # noqa: TID251
    tempfile.tempdir = WORKING_FOLDER
    _redirect_matplotlib()


def _redirect_matplotlib() -> None:
    """Move matplotlib's folders: it resolves links on import and remembers what they led to."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is not None:
        for name in ("get_configdir", "get_cachedir"):
            setattr(matplotlib, name, lambda: WORKING_FOLDER)
