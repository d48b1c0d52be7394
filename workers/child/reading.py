"""Predictions of a reader: every clip of a request becomes text, or says why it does not."""

import tempfile
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from pydantic import TypeAdapter
from safetensors import SafetensorError

from service.core.predict_messages import ForwardPass, OutputKind, PredictResponse
from service.core.reader_manifest import Modality
from service.core.readings import (
    ClipAnswer,
    ClipFileFacts,
    ClipProblem,
    ReadingSettings,
    StoredWords,
)
from workers.child.clip_readers import ClipReader, ReadClip, loaded_reader
from workers.torchkit.clip_reading.containers import ClipLimits
from workers.torchkit.clip_reading.problems import ClipProblemError, clip_problem
from workers.torchkit.clip_reading.reading import ClipReading, CropChoice, read_clip
from workers.torchkit.clip_reading.stored_clips import clip_in
from workers.torchkit.clips import Clip

LONGEST_READ_SECONDS = 60.0
"""Readers learn from sentences, and attend to the whole clip: a longer one would not become text."""
_IF_LONGER = (
    "cut it into sentences; or upload it as a dataset with a table of path, start and end of each"
    " sentence, and read the clips of that dataset"
)
_SETTINGS = TypeAdapter(ReadingSettings)


@dataclass
class ReaderCache:
    """Loaded readers, the least recently used first; bounded by the bytes of their weights."""

    max_bytes: int
    device: torch.device
    _readers: OrderedDict[str, ClipReader] = field(default_factory=OrderedDict)

    def get(self, forward_pass: ForwardPass) -> ClipReader | None:
        """The reader if it is loaded, marked as used just now."""
        if forward_pass.key in self._readers:
            self._readers.move_to_end(forward_pass.key)
        return self._readers.get(forward_pass.key)

    def put(self, forward_pass: ForwardPass, file: Path) -> ClipReader:
        """Load a reader and evict the least recently used ones. Raises UnfitReaderError."""
        assert forward_pass.reader is not None
        reader = loaded_reader(file, forward_pass.reader, self.device)
        self._readers[forward_pass.key] = reader
        while len(self._readers) > 1 and self._bytes() > self.max_bytes:
            self._readers.popitem(last=False)
        return reader

    def _bytes(self) -> int:
        return sum(reader.size_bytes() for reader in self._readers.values())


@dataclass(frozen=True)
class ClipPredictor:
    """A reader at work: limits of the files it decodes, and the folder that they lie in meanwhile."""

    reader: ClipReader
    limits: ClipLimits
    folder: Path

    @classmethod
    def of(cls, reader: ClipReader, config: Mapping[str, Any]) -> "ClipPredictor":
        """The predictor of a child with this configuration."""
        limits = ClipLimits(
            bytes=config["clip_bytes"],
            seconds=min(config["clip_seconds"], LONGEST_READ_SECONDS),
            pixels=config["image_pixels"],
            if_longer=_IF_LONGER,
        )
        return cls(reader, limits, Path(config["folder"]) / "tmp")

    def responses(
        self, requests: Sequence[Mapping[str, Any]], files: Sequence[bytes]
    ) -> list[PredictResponse]:
        """The response to each request, whose clips come in order."""
        responses, start = [], 0
        for request in requests:
            facts = request["readings"]
            responses.append(self._response(facts, files[start : start + facts["clips"]]))
            start += facts["clips"]
        return responses

    def _response(self, facts: Mapping[str, Any], files: Sequence[bytes]) -> PredictResponse:
        settings = _SETTINGS.validate_python(facts["settings"])
        words: Sequence[StoredWords | None] = facts["words"] or [None] * len(files)
        answers: list[ClipAnswer] = []
        pictures: list[bytes] = []
        for index, (data, spoken) in enumerate(zip(files, words, strict=True)):
            try:
                read = self._read(data, spoken, settings)
            except ClipProblemError as error:
                problem = ClipProblem(
                    code=error.code, detail=f"clip {index}: {error.detail}", remedy=error.remedy
                )
                answers.append(ClipAnswer(reading=None, problem=problem))
                continue
            answers.append(ClipAnswer(reading=read.facts, problem=None))
            pictures.append(read.attention)
        return PredictResponse(OutputKind.TEXTS, texts=answers, parts=tuple(pictures))

    def _read(self, data: bytes, words: StoredWords | None, settings: ReadingSettings) -> ReadClip:
        """What the reader makes of a clip. Raises ClipProblemError."""
        if words is not None:
            clip = _stored(data, words)
            self.limits.require_seconds(float(clip.crop_times[-1:].sum()))
            return self._read_by(clip, settings)
        reading = self._decoded(data, settings)
        read = self._read_by(clip_of_file(reading), settings)
        return ReadClip({**read.facts, "file": _file_facts(reading)}, read.attention)

    def _decoded(self, data: bytes, settings: ReadingSettings) -> ClipReading:
        with tempfile.NamedTemporaryFile(dir=self.folder) as file:
            file.write(data)
            file.flush()
            choice = CropChoice(settings.crop, settings.crop_box)
            return read_clip(Path(file.name), self.limits, choice)

    def _read_by(self, clip: Clip, settings: ReadingSettings) -> ReadClip:
        if self.reader.modality is Modality.AUDIO and not len(clip.mel):
            raise clip_problem(
                "no_audio",
                "the clip has no sound, and the reader reads sound",
                "send a clip with an audio track, or use a lip reader",
            )
        return self.reader.read(clip, settings)


def _stored(record: bytes, words: StoredWords) -> Clip:
    try:
        return clip_in(record, {**words, "speaker": None})
    except (SafetensorError, KeyError) as error:
        raise clip_problem(
            "undecodable", "the stored clip is no record of a clip", "upload the dataset again"
        ) from error


def clip_of_file(reading: ClipReading) -> Clip:
    """The clip of a file, in which nobody says what is spoken."""
    return Clip(
        crops=reading.crops,
        crop_times=reading.crop_times,
        mel=reading.mel,
        mel_times=reading.mel_times,
        transcript="",
        pinyin=None,
        speaker=None,
    )


def _file_facts(reading: ClipReading) -> ClipFileFacts:
    return ClipFileFacts(
        seconds=reading.seconds,
        frames=len(reading.crops),
        frames_per_second=reading.frames_per_second,
        mel_frames=len(reading.mel),
        width=reading.width,
        height=reading.height,
        rotation=reading.rotation,
        faces=reading.faces,
        box=list(reading.box),
        remarks=[remark.code for remark in reading.remarks],
    )
