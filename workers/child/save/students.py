"""A trained student becomes files: the program, pictures, and a report for machines and people."""

import json
import platform
from pathlib import Path
from typing import Any

import torch

from workers.child.save.student_reports import readable
from workers.methods.model_validation.judgement import output_kind_of
from workers.programs.exporting import export_network
from workers.torchkit.training.loop import CURVE
from workers.torchkit.training.task import TrainingResult

PROGRAM = "program.pt2"


def save_student(result: TrainingResult, out: Path) -> dict[str, Any]:
    """The plain data of a training; program, pictures and reports lie in ``out``."""
    spec = result.manifest.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(result.network, shape, out / PROGRAM)
    own = {"parameters": program.parameter_count, "flops": program.flops}
    pictures = {CURVE: result.curve, **result.pictures}
    for name, data in pictures.items():
        (out / name).write_bytes(data)
    report = {
        "quality": dict(result.quality),
        "student": own,
        "teachers": dict(result.teacher),
        "taught_by": list(result.taught_by),
        "trained_on": result.trained_on,
        "held_out": result.held_out,
        "seconds": result.seconds,
        "params": dict(result.params),
        "history": [dict(one) for one in result.history],
        "pictures": sorted(pictures),
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    (out / "report.json").write_text(json.dumps(report, indent=2, allow_nan=False))
    (out / "report.md").write_text(readable(result.manifest.name, report))
    return {
        "manifest": result.manifest.model_dump(mode="json"),
        "program": PROGRAM,
        "layers": program.layers,
        "feature_layer": program.feature_layer,
        **own,
        "output_kind": output_kind_of(program.output_shape),
        "output_shape": program.output_shape,
        "batch_norms": len(program.batch_norms),
        "report": report,
    }
