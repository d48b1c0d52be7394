"""A trained reader becomes files: its weights, pictures, and a report for programs and people."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import save_file
from torch import nn

from service.core.counts import counted
from service.core.manifest import Task, TaskKind
from service.core.reader_manifest import ReaderManifest
from service.core.results.trainings import REPORT_JSON, REPORT_MARKDOWN
from workers.child.save.student_reports import (
    parameter_rows,
    recipe_rows,
    table,
    warning_lines,
)
from workers.child.save.students import versions
from workers.torchkit.speech.inputs import ReaderResult, SpeechTrainingResult
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.stored_readers import StoredReader, stored_reader

WEIGHTS = "reader.safetensors"
_NOT_MEASURED = "not measured"
Report = Mapping[str, Any]


@dataclass(frozen=True)
class ReaderValues:
    """A reader in its stored form, its network, and the number of clips that evaluate it."""

    stored: StoredReader
    network: nn.Module
    held_out: int


def save_reader(result: ReaderResult, out: Path) -> dict[str, Any]:
    """The values of a ``TrainedReader``; weights, pictures and reports lie in ``out``."""
    params = result.params
    size = NetworkSize(params["width"], params["layers"], params["dropout"])
    stored = stored_reader(result.reader, size)
    held_out = sum(len(counts.errors) for counts in result.errors.values())
    return write_reader(result, ReaderValues(stored, result.reader.network, held_out), out)


def write_reader(result: SpeechTrainingResult, values: ReaderValues, out: Path) -> dict[str, Any]:
    """The values of a ``TrainedReader`` whose files now lie in ``out``."""
    params = dict(result.params)
    save_file(dict(values.stored.tensors), out / WEIGHTS)
    for name, data in result.pictures.items():
        (out / name).write_bytes(data)
    measured = {
        "quality": dict(result.quality),
        "trained_on": result.details["clips"],
        "held_out": values.held_out,
        "seconds": result.seconds,
        "pictures": sorted(result.pictures),
        "versions": versions(),
        "params": params,
        "warnings": [dict(warning) for warning in result.warnings],
    }
    report = {
        **measured,
        "recipe": dict(result.recipe),
        "history": [dict(numbers) for numbers in result.history],
        "details": dict(result.details),
    }
    (out / REPORT_JSON).write_text(json.dumps(report, indent=2, allow_nan=False))
    (out / REPORT_MARKDOWN).write_text(_readable(params["name"], report))
    return {
        **measured,
        "manifest": _manifest(params["name"], values.stored.facts, result),
        "weights": WEIGHTS,
        "parameters": sum(weight.numel() for weight in values.network.parameters()),
    }


def _manifest(name: str, head: Mapping[str, Any], result: SpeechTrainingResult) -> ReaderManifest:
    return ReaderManifest.model_validate(
        {
            "name": name,
            "task": Task(
                kind=TaskKind.TRANSCRIPTION, text=f"reads {head['features']['modality']}"
            ),
            "reader": head,
            "trained_on": counted(result.details["clips"], "clip"),
            "tags": ("reader",),
        }
    )


def _readable(name: str, report: Report) -> str:
    """The report of a reader as Markdown."""
    seed, seconds = report["params"]["seed"], report["seconds"]
    parts = [
        f"# {name}",
        f"Learned from {counted(report['trained_on'], 'clip')} in {seconds:.1f} s with seed {seed};"
        f" measured after the last step on {counted(report['held_out'], 'clip')} that taught"
        " nothing.",
        *warning_lines(report),
        "Errors of the greedy texts, summed over all clips before they are divided by the summed"
        " lengths:",
        table(("error rate", "rate", "95 % interval over clips"), _errors(report["quality"])),
        *_compared(report["quality"]),
        "The clips:",
        table(("detail", "value"), _details(report["details"])),
        *[f"![{file.removesuffix('.png')}]({file})" for file in report["pictures"]],
        "The recipe that ran, complete enough to repeat it:",
        table(("part", "value"), recipe_rows(report["recipe"])),
        table(("parameter", "value"), parameter_rows(report["params"])),
        ", ".join(f"{what} {which}" for what, which in report["versions"].items()),
    ]
    return "\n\n".join(parts) + "\n"


def _errors(quality: Mapping[str, float]) -> Iterator[Sequence[str]]:
    """The rate of every set of clips with its interval."""
    names = [name for name in quality if name.endswith("_error") and f"{name}_low" in quality]
    for name in names:
        interval = f"{quality[f'{name}_low']:.4f} to {quality[f'{name}_high']:.4f}"
        yield [name.replace("_", " "), f"{quality[name]:.4f}", interval]
    if not names:
        yield ["held out error", _NOT_MEASURED, _NOT_MEASURED]


def _compared(quality: Mapping[str, float]) -> Iterator[str]:
    """How many fewer errors the reader makes than others on the same clips, if it was measured."""
    rows = [
        [who.replace("_", " "), f"{quality[f'{clips}_{other}_error']:.4f}", _signed(quality, who)]
        for who in quality
        if f"{who}_low" in quality and not who.endswith("_error")
        for clips, _, other in [who.partition("_lead_over_")]
    ]
    if rows:
        yield "The same clips with always the same text, and by the teacher if there is one:"
        yield table(("lead", "its error rate", "fewer errors (95 %)"), iter(rows))


def _signed(quality: Mapping[str, float], name: str) -> str:
    low, high = quality[f"{name}_low"], quality[f"{name}_high"]
    return f"{quality[name]:+.4f} ({low:+.4f} to {high:+.4f})"


def _details(details: Mapping[str, Any]) -> Iterator[Sequence[str]]:
    for name, value in details.items():
        yield [name.replace("_", " "), _shown(value)]


def _shown(value: Any) -> str:
    """Numbers with four digits, also those of a group."""
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_shown(part)}" for name, part in value.items())
    return f"{value:.4g}" if isinstance(value, float) else str(value)
