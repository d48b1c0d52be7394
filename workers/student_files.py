"""A trained student becomes files: the program, pictures, and a report for machines and people."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from workers.methods.model_validation.judgement import output_kind_of
from workers.programs.exporting import export_network
from workers.torchkit.courses import CURVE
from workers.torchkit.outcomes import Trained

PROGRAM = "program.pt2"
_NOT_MEASURED = "not measured"
_TITLES = {
    "accuracy": "accuracy over all labels",
    "mean_average_precision": "mean average precision over all labels",
    "mean_iou": "mean intersection over union",
    "ceiling": "the same of the teachers put side by side",
    "chance": "share of the commonest label",
    "agreement": "agreement with the teacher",
    "retention": "retention: student / teacher",
}


def save_student(result: Trained, out: Path) -> dict[str, Any]:
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
        "trained_on": result.trained_on,
        "held_out": result.held_out,
        "seconds": result.seconds,
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
        "report": report,
    }


def readable(name: str, report: Mapping[str, Any]) -> str:
    """The report as Markdown."""
    quality = report["quality"]
    rows = [f"| {_TITLES.get(key, _spoken(key))} | {quality[key]:.4f} |" for key in quality]
    learned = f"{report['trained_on']} images" if report["trained_on"] else "no image"
    lines = [
        f"# {name}",
        "",
        f"Learned from {learned} in {report['seconds']:.1f} s; measured after the last step on"
        f" {report['held_out']} images that taught nothing.",
        "",
        "| quality | value |",
        "|---|---|",
        *(rows or [f"| all | {_NOT_MEASURED} |"]),
        "",
        "| size | student | teachers together | ratio |",
        "|---|---|---|---|",
        *_sizes(report["student"], report["teachers"]),
        "",
        *[f"![{one.removesuffix('.png')}]({one})" for one in report["pictures"]],
        "",
    ]
    return "\n".join(lines)


def _sizes(own: Mapping[str, int], before: Mapping[str, int]) -> list[str]:
    return [
        f"| {what} | {own[what]:,} | {before[what]:,} | {own[what] / max(1, before[what]):.3f} |"
        for what in ("parameters", "flops")
    ]


def _spoken(key: str) -> str:
    """A name of a measure in words: ``task_1_accuracy`` is the accuracy on task 1 alone."""
    return key.replace("_", " ")
