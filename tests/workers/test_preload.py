"""What is computed before the fork works in a child: its own folder, and the processor."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from workers.isolation.environment import VARIABLES

pytestmark = pytest.mark.timeout(600)

ROOT = Path(__file__).parents[2]
# Where the parent began; read when a process is started, which the sandbox forbids.
ONLY_FOR_NEW_PROCESSES = "multiprocessing.process.ORIGINAL_DIR"

# The parent is what a fork server is; the child sees neither /proc nor /sys nor the user database.
SCRIPT = """
import json, os, sys
from pathlib import Path
from workers.isolation import sandbox
from workers.child.preload import preload

cache, own = Path(sys.argv[1]), Path(sys.argv[2])
os.chdir(cache)
preload()
pid = os.fork()
if pid == 0:
    import matplotlib, tempfile, torch
    from torch._inductor.runtime.cache_dir_utils import cache_dir
    sandbox.enter(sandbox.SandboxPolicy(
        readable=sandbox.code_folders(), writable=(own,), devices=(), cpu_seconds=600,
        memory_bytes=2 * 1024**3,
    ))
    with tempfile.NamedTemporaryFile() as file:
        paths = [file.name, cache_dir(), matplotlib.get_cachedir(), matplotlib.get_configdir()]
        paths = [os.path.realpath(path) for path in (*paths, os.path.expanduser("~"))]
    left = [
        f"{module}.{name}"
        for module, content in list(sys.modules.items())
        if module not in ("__main__", "__mp_main__")
        for name, value in list(vars(content).items())
        if type(value) in (str, type(cache)) and str(value).startswith(str(cache))
    ]
    sums = torch.nn.functional.embedding_bag(
        torch.arange(4), torch.ones(10, 16), torch.tensor([0, 2]), mode="sum"
    )
    print(json.dumps({"paths": paths, "left": left, "sum": float(sums.sum())}), flush=True)
    os._exit(0)
os.waitpid(pid, 0)
"""


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a child of a fresh fork server answers, and the folder that is its own."""
    cache, own = tmp_path_factory.mktemp("cache"), tmp_path_factory.mktemp("own")
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(cache), str(own)],
        env={**VARIABLES, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return {**json.loads(done.stdout), "own": str(own)}


def test_paths_computed_before_the_fork_lead_into_the_folder_of_the_child(child):
    assert [path for path in child["paths"] if not path.startswith(child["own"])] == []
    assert child["left"] == [ONLY_FOR_NEW_PROCESSES]


def test_an_operation_that_asks_for_the_processor_works_where_its_files_are_hidden(child):
    assert child["sum"] == 4 * 16
