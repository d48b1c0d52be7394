"""Real clips through the whole path: decoded, lips found, heard, trained on for a few steps, read.

    python -m benchmarks.talking_mouth.grid_path FOLDER SHEET.png [--steps 40]

FOLDER is that of ``benchmarks.talking_mouth.grid``. SHEET.png shows twelve crops of every clip, to be
looked at. So few clips show that the path works, and nothing about accuracy; no figure is kept.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from benchmarks.talking_mouth.grid import LIMITS, sentence_of
from service.core.catalog.lip_by_speech import LipBySpeechParams
from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from workers.methods import lip_by_speech, speech_recognizer
from workers.methods.lip_by_speech.run import LipInputs
from workers.torchkit.clip_reading.reading import ClipReading, CropChoice, read_clip
from workers.torchkit.clips import Clip
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.speech.inputs import ClipInputs
from workers.torchkit.speech.readers import clip_features

_CROPS = 12
_BATCH = 8
_SETTINGS = {"batch_size": _BATCH, "num_evaluations": 1}


def clips_of(folder: Path) -> tuple[list[Clip], list[ClipReading]]:
    """Every GRID clip of the folder, and how it was read."""
    paths = sorted(folder.rglob("*.mpg"), key=lambda path: path.stem)
    readings = [read_clip(path, LIMITS, CropChoice()) for path in paths]
    clips = [
        Clip(
            crops=reading.crops,
            crop_times=reading.crop_times,
            mel=reading.mel,
            mel_times=reading.mel_times,
            transcript=sentence_of(path.stem),
            pinyin=None,
            speaker=None,
        )
        for path, reading in zip(paths, readings, strict=True)
    ]
    return clips, readings


def sheet(readings: Sequence[ClipReading]) -> Image.Image:
    """Twelve crops of every clip, evenly spread, one clip a row."""
    rows = [
        np.concatenate(
            [
                reading.crops[int(i)].numpy()
                for i in np.linspace(0, len(reading.crops) - 1, _CROPS)
            ],
            axis=1,
        )
        for reading in readings
    ]
    return Image.fromarray(np.concatenate(rows))


def read_texts(clips: Sequence[Clip], steps: int) -> list[str]:
    """What a lip reader writes for the clips after so many steps on all of them."""
    settings = {**_SETTINGS, "budget": {"steps": steps}}
    recognizer = speech_recognizer.run(
        ClipInputs(name="GRID", clips=tuple(clips), held_out=tuple(clips)),
        SpeechRecognizerParams.model_validate(settings),
        RecordingReporter(),
    )
    lips = lip_by_speech.run(
        LipInputs(
            name="GRID", clips=tuple(clips), held_out=tuple(clips), teacher=recognizer.reader
        ),
        LipBySpeechParams.model_validate(settings),
        RecordingReporter(),
    )
    reader = lips.reader
    return [
        "".join(reader.vocabulary.text(text.tokens))
        for text in reader.texts(clip_features(reader.features, clips))
    ]


def main() -> None:
    """Writes the sheet, then prints what is said and what is read."""
    parser = argparse.ArgumentParser(prog="talking_mouth.grid_path")
    parser.add_argument("folder", type=Path)
    parser.add_argument("sheet", type=Path)
    parser.add_argument("--steps", type=int, default=40)
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips, readings = clips_of(options.folder)
    sheet(readings).save(options.sheet)
    for clip, reading in zip(clips, readings, strict=True):
        remarks = ", ".join(remark.code for remark in reading.remarks) or "no remarks"
        print(
            f"{clip.transcript:34}{len(clip.crops)} frames, {len(clip.mel)} mel frames,"
            f" {reading.faces} face, box {reading.box}, {remarks}",
            flush=True,
        )
    for clip, text in zip(clips, read_texts(clips, options.steps), strict=True):
        print(f"{clip.transcript:34}{text}")


if __name__ == "__main__":
    main()
