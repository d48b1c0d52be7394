"""A trained student becomes files: the program, pictures, and a report for programs and people."""

import json
import platform
from pathlib import Path
from typing import Any

import torch

from service.core.results.trainings import REPORT_JSON, REPORT_MARKDOWN
from workers.child.save.networks import PROGRAM, export
from workers.child.save.student_reports import readable
from workers.torchkit.training.loop import CURVE
from workers.torchkit.training.task import TrainingResult


def save_student(result: TrainingResult, out: Path) -> dict[str, Any]:
    """The values of a ``TrainedStudent``; program, pictures and reports lie in ``out``."""
    network = export(result.network, result.manifest, out)
    pictures = {CURVE: result.curve, **result.pictures}
    for name, data in pictures.items():
        (out / name).write_bytes(data)
    measured = {
        "quality": dict(result.quality),
        "teachers": dict(result.teacher),
        "trained_on": result.trained_on,
        "held_out": result.held_out,
        "seconds": result.seconds,
        "pictures": sorted(pictures),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    report = {
        **measured,
        "student": {"parameters": network.parameters, "flops": network.flops},
        "taught_by": list(result.taught_by),
        "params": dict(result.params),
        "history": [dict(numbers) for numbers in result.history],
    }
    (out / REPORT_JSON).write_text(json.dumps(report, indent=2, allow_nan=False))
    (out / REPORT_MARKDOWN).write_text(readable(result.manifest.name, report))
    return {**measured, "manifest": result.manifest, "program": PROGRAM, "network": network}
