"""Everything that children need, imported once before the first fork.

Nothing here may start a thread, use a GPU or open a connection: a fork copies only the calling
thread, and locks held by other threads would stay locked forever.
"""

import gc
from importlib import import_module
from pathlib import Path

from service.core.catalog import all_methods
from service.core.errors import UnavailableError

LIBRARIES = (
    "numpy",
    "torch",
    # These are otherwise imported by the first export, so by every child that exports.
    "torch.export._trace",
    "sympy.tensor.tensor",
    "safetensors.torch",
    "PIL.Image",
    "captum.attr",
    "timm",
    "workers.child.job",
    "workers.child.predict",
    "workers.child.load.inputs",
    "workers.child.save.results",
)


def preload() -> None:
    """Import everything, then keep the garbage collector from copying shared pages.

    Raises:
        UnavailableError: An import started a thread; forking now would not be safe.
    """
    for name in LIBRARIES:
        import_module(name)
    for spec in all_methods():
        import_module(f"workers.methods.{spec.name}")
    _detect_processor()
    _require_one_thread()
    gc.collect()
    gc.freeze()


def _detect_processor() -> None:
    """Have torch detect the processor now; it does so once, at the first operation that asks.

    A child may fail to detect it, because the kernel may refuse it ``/proc/cpuinfo``; such a child
    keeps raising "Failed to initialize cpuinfo!".
    """
    import torch

    torch.backends.cpu.get_cpu_capability()


def _require_one_thread() -> None:
    threads = len(list(Path("/proc/self/task").iterdir()))
    if threads != 1:
        raise UnavailableError(
            f"{threads} threads run after preloading, so children cannot be forked safely",
            code="preload_started_threads",
        )
