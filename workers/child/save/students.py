"""A trained student becomes files: the program, pictures, and a report for programs and people."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
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
    for name, text in result.findings.documents.items():
        (out / name).write_text(text)
    measured = {
        "quality": dict(result.quality),
        "teachers": dict(result.teacher),
        "trained_on": result.trained_on,
        "held_out": result.held_out,
        "seconds": result.seconds,
        "pictures": sorted(pictures),
        "documents": sorted(result.findings.documents),
        "versions": versions(),
        "params": dict(result.params),
        "warnings": [dict(warning) for warning in result.warnings],
    }
    report = {
        **measured,
        "student": {"parameters": network.parameters, "flops": network.flops},
        "taught_by": list(result.taught_by),
        "recipe": dict(result.recipe),
        "history": [dict(numbers) for numbers in result.history],
        **result.findings.details,
    }
    (out / REPORT_JSON).write_text(json.dumps(report, indent=2, allow_nan=False))
    (out / REPORT_MARKDOWN).write_text(
        readable(result.manifest.name, report, result.findings.paragraphs)
    )
    return {**measured, "manifest": result.manifest, "program": PROGRAM, "network": network}


def versions() -> dict[str, str]:
    """The releases that a training ran with."""
    return {
        "torch": torch.__version__,
        "python": platform.python_version(),
        "zooscope": _own_version(),
    }


def _own_version() -> str:
    """The release of Zooscope; ``unknown`` where it runs without being installed."""
    try:
        return version("zooscope")
    except PackageNotFoundError:
        return "unknown"
