"""Losses of a stylizer against training time, at 256 x 256 pixels on a graphics processor.

Pictures and loss network are those of benchmarks.dynamic_instance_normalization. The training takes
the given minutes, and measures the paintings, from which nothing is learned, at even intervals.

    python -m benchmarks.stylizer_against_time [--data ../shared/data/real] [--device cuda] [--minutes 8]
        [--size 256] [--batch-size 16] [--evaluations 16] [--out FOLDER]

Writes FOLDER/stylizer_against_time.json and FOLDER/contact_sheet.png.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from benchmarks.dynamic_instance_normalization import StylePictures, published
from benchmarks.students.protocol import ROOT
from service.core.catalog.dynamic_instance_normalization import DynamicInstanceNormalizationParams
from workers.methods.dynamic_instance_normalization.task import StylizationTask
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.task import PictureInputs, complete


@dataclass
class TimedReporter(RecordingReporter):
    """Writes every measurement with its time at once, so that an end in between loses nothing."""

    file: Path = Path("stylizer_against_time.json")
    facts: dict[str, str | float] = field(default_factory=dict)
    begun: float = field(default_factory=time.monotonic)
    curve: list[dict[str, float]] = field(default_factory=list)

    def measured(
        self, step: int, numbers: Mapping[str, float], pictures: Mapping[str, bytes]
    ) -> None:
        """Writes the curve so far."""
        super().measured(step, numbers, pictures)
        self.curve.append({"seconds": time.monotonic() - self.begun, "step": step, **numbers})
        self.file.write_text(json.dumps({**self.facts, "curve": self.curve}, indent=2) + "\n")


def main() -> None:
    """Train and write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=ROOT.parent / "shared/data/real")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--evaluations", type=int, default=16)
    parser.add_argument("--out", type=Path, default=Path())
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    pictures = StylePictures.of(arguments.data)
    with tempfile.TemporaryDirectory() as folder:
        teacher = published("squeezenet-1.0-pruned", arguments.data, Path(folder))
    teacher = replace(teacher, program=teacher.program.to(arguments.device))
    params = DynamicInstanceNormalizationParams.model_validate(
        {
            "budget": {"seconds": max(1, round(60 * arguments.minutes))},
            "num_evaluations": arguments.evaluations,
            "batch_size": arguments.batch_size,
            "image_size": arguments.size,
        }
    )
    inputs = PictureInputs(
        name="stylizer",
        teachers=(teacher,),
        evaluation_set=EvaluationSet(pictures.held_out, None, ()),
        images=pictures.contents,
        styles=pictures.styles.repeat_interleave(2, 1).repeat_interleave(2, 2),
        held_out_styles=pictures.paintings,
    )
    gpu = arguments.device.startswith("cuda")
    report = TimedReporter(
        file=arguments.out / "stylizer_against_time.json",
        facts={
            "device": torch.cuda.get_device_name() if gpu else arguments.device,
            "image_size": arguments.size,
            "batch_size": arguments.batch_size,
        },
    )
    result = complete(StylizationTask(inputs, params), inputs, params, report)
    report.measured(-1, result.quality, {})
    (arguments.out / "contact_sheet.png").write_bytes(result.pictures["contact_sheet.png"])


if __name__ == "__main__":
    main()
