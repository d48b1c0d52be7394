"""torchvision's two compiled operators, declared where their library could not be loaded.

Some builds of torchvision do not match the installed torch: the compiled part is missing and the
import then fails on ``torchvision::nms``, which no classification or segmentation network calls.
Declaring the two signatures lets the Python part load; calling them still fails.

``workers`` installs this when it is imported, so every worker process is covered, whatever
imports torchvision first: timm, a user's module or this package. torch loads only with torchvision.
"""

import contextlib
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
NAMES = ("nms", "qnms")
# A torch library withdraws its definitions when it is garbage-collected.
_LIBRARIES: "list[torch.library.Library]" = []


class _BeforeTorchvision(MetaPathFinder):
    """Finds no module; declares the operators when torchvision is about to be imported."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None = None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """None: the other finders find torchvision."""
        del path, target
        if fullname == "torchvision":
            _declare()
        return None


def install() -> None:
    """From now on, importing torchvision declares the operators that its build cannot load."""
    if not any(isinstance(finder, _BeforeTorchvision) for finder in sys.meta_path):
        sys.meta_path.insert(0, _BeforeTorchvision())


def declared() -> bool:
    """Whether the operators are declared here because the compiled ones could not be loaded."""
    return bool(_LIBRARIES)


def _declare() -> None:
    """``torchvision::nms`` and ``torchvision::qnms`` exist, compiled or only declared."""
    import torch

    if _LIBRARIES or _compiled_part_loads():
        return
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in NAMES:
        library.define(name + _SIGNATURE)  # type: ignore[no-untyped-call]
    _LIBRARIES.append(library)


def _compiled_part_loads() -> bool:
    """Whether torchvision's compiled part can be loaded; loading it registers the operators."""
    import torch

    spec = PathFinder.find_spec("torchvision")
    if spec is None or spec.origin is None:
        return False
    for file in Path(spec.origin).parent.glob("_C*.so"):
        with contextlib.suppress(OSError):
            torch.ops.load_library(file)  # type: ignore[no-untyped-call]
    return torch._C._dispatch_has_kernel("torchvision::nms")
