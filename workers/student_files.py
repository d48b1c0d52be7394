"""A trained student becomes files: the program, the curve, and a report for machines and people."""

import json
import platform
from pathlib import Path
from typing import Any

import torch

from workers.methods.model_validation.judgement import output_kind_of
from workers.programs.exporting import export_network
from workers.torchkit.courses import CURVE
from workers.torchkit.outcomes import Trained

PROGRAM = "program.pt2"
_NOT_MEASURED = "not measured"
_ROWS = (
    ("accuracy on held-out images", "accuracy"),
    ("teacher's accuracy on the same images", "teacher_accuracy"),
    ("commonest label's share of them", "chance"),
    ("retention: student's accuracy / teacher's", "retention"),
    ("agreement with the teacher", "agreement"),
)


def save_student(result: Trained, out: Path) -> dict[str, Any]:
    """The plain data of a training; program, curve and reports lie in ``out``."""
    spec = result.manifest.input
    shape = (spec.channels, spec.height, spec.width)
    program = export_network(result.network, shape, out / PROGRAM)
    own = {"parameters": program.parameter_count, "flops": program.flops}
    report = {
        "quality": _with_retention(dict(result.quality)),
        "student": own,
        "teacher": dict(result.teacher),
        "trained_on": result.trained_on,
        "held_out": result.held_out,
        "seconds": result.seconds,
        "history": [dict(one) for one in result.history],
        "versions": {"torch": torch.__version__, "python": platform.python_version()},
    }
    (out / CURVE).write_bytes(result.curve)
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
        "report": report,
    }


def _with_retention(quality: dict[str, float]) -> dict[str, float]:
    """Adds the student's share of the teacher's accuracy, where both are known."""
    if quality.get("teacher_accuracy") and "accuracy" in quality:
        quality["retention"] = quality["accuracy"] / quality["teacher_accuracy"]
    return quality


def readable(name: str, report: dict[str, Any]) -> str:
    """The report as Markdown."""
    quality, own, before = report["quality"], report["student"], report["teacher"]
    rows = [f"| {title} | {_figure(quality.get(key))} |" for title, key in _ROWS]
    sizes = [
        f"| {what} | {own[what]:,} | {before[what]:,} | {own[what] / max(1, before[what]):.3f} |"
        for what in ("parameters", "flops")
    ]
    lines = [
        f"# {name}",
        "",
        f"Trained on {report['trained_on']} images in {report['seconds']:.1f} s, measured after the"
        f" last step on {report['held_out']} that were held out.",
        "",
        "| quality | value |",
        "|---|---|",
        *rows,
        "",
        "| size | student | learned from | ratio |",
        "|---|---|---|---|",
        *sizes,
        "",
        f"![losses and quality]({CURVE})",
        "",
    ]
    return "\n".join(lines)


def _figure(value: float | None) -> str:
    return _NOT_MEASURED if value is None else f"{value:.4f}"
