"""torchvision's two compiled operators, declared where their library could not be loaded.

Some builds of torchvision do not match the installed torch: the compiled part stays away and the
import then fails on ``torchvision::nms``, which no classification or segmentation network calls.
Declaring the two signatures lets the Python part load; calling them still fails.

Import this module before torchvision or timm.
"""

import contextlib
import importlib.util
from pathlib import Path

import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_NAMES = ("nms", "qnms")
_KEPT: list[torch.library.Library] = []


def declare() -> None:
    """Make ``torchvision::nms`` and ``torchvision::qnms`` exist, unless the real ones load."""
    if _KEPT or _exists("nms") or _real_ones_load():
        return
    library = torch.library.Library("torchvision", "DEF")  # type: ignore[no-untyped-call]
    for name in _NAMES:
        library.define(name + _SIGNATURE)  # type: ignore[no-untyped-call]
    # A library takes its definitions back when it is collected.
    _KEPT.append(library)


def _exists(name: str) -> bool:
    return torch._C._dispatch_has_kernel(f"torchvision::{name}")


def _real_ones_load() -> bool:
    """Whether torchvision's compiled part can be loaded; loading it registers the operators."""
    found = importlib.util.find_spec("torchvision")
    if found is None or found.origin is None:
        return False
    for file in Path(found.origin).parent.glob("_C*.so"):
        with contextlib.suppress(OSError):
            torch.ops.load_library(file)  # type: ignore[no-untyped-call]
    return _exists("nms")


declare()
