"""Stored readers, each as what it makes of a clip. A further kind of reader is one more loader."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from service.core.catalog.cascade_seq2seq import CascadeStage
from service.core.reader_manifest import Modality
from service.core.readings import (
    CascadeFacts,
    ClipReadingFacts,
    OracleText,
    ReadingSettings,
    StageTextFacts,
    TextReading,
    TokenReading,
)
from workers.methods.cascade_seq2seq.reader import CascadeReader
from workers.methods.cascade_seq2seq.stored_cascades import KIND as CASCADE
from workers.methods.cascade_seq2seq.stored_cascades import restored_cascade
from workers.methods.cascade_seq2seq.transcription import (
    CascadeReading,
    StageReading,
    cascade_readings,
    oracle_readings,
)
from workers.torchkit.clips import Clip
from workers.torchkit.speech.attention_pictures import AttentionRows, attention_picture
from workers.torchkit.speech.error_rates import edit_distance
from workers.torchkit.speech.features import CropReader, FeatureSequence, MelReader
from workers.torchkit.speech.readers import Reader
from workers.torchkit.speech.stored_readers import (
    StoredReader,
    UnfitReaderError,
    restored_reader,
)
from workers.torchkit.speech.transcription import SpokenToken, Transcription, transcriptions

Head = Mapping[str, Any]


@dataclass(frozen=True)
class ReadClip:
    """What a reader made of a clip, and what it attended to, as PNG."""

    facts: ClipReadingFacts
    attention: bytes


@runtime_checkable
class ClipReader(Protocol):
    """A reader that is loaded."""

    @property
    def modality(self) -> Modality:
        """What it takes of a clip."""
        ...

    def read(self, clip: Clip, settings: ReadingSettings) -> ReadClip:
        """The best texts of a clip that has what the reader takes."""
        ...

    def size_bytes(self) -> int:
        """Bytes of its weights."""
        ...


@dataclass(frozen=True)
class TextReader:
    """A network that reads texts from one modality."""

    reader: Reader
    modality: Modality

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], head: Head, device: torch.device) -> "TextReader":
        """The reader with these weights. Raises UnfitReaderError."""
        reader = restored_reader(StoredReader(tensors, head))
        reader.network.to(device)
        return cls(reader, Modality(head["features"]["modality"]))

    def read(self, clip: Clip, settings: ReadingSettings) -> ReadClip:
        """The best text by beam search, and further ones."""
        texts = transcriptions(self.reader, clip, width=settings.beam_width)
        best = texts[0]
        facts = ClipReadingFacts(
            best=_text(best),
            tokens=_tokens(best.tokens),
            alternatives=[_text(text) for text in texts[1 : 1 + settings.alternatives]],
            error_rate=_error_rate(clip.transcript, best.text),
            file=None,
            cascade=None,
            remarks=_remarks(self.reader.features, clip),
        )
        return ReadClip(facts, self._picture(best, clip))

    def size_bytes(self) -> int:
        """Bytes of all weights."""
        return _bytes_of(self.reader.network)

    def _picture(self, text: Transcription, clip: Clip) -> bytes:
        times = self.reader.features.features(clip).times
        attention = AttentionRows(
            [token.text for token in text.tokens], text.attention, times, _seconds(clip)
        )
        crops = clip.crops if self.modality is Modality.VIDEO else None
        return attention_picture(attention, crops)


@dataclass(frozen=True)
class StagedReader:
    """A cascade, which reads lips by way of syllables and tones."""

    reader: CascadeReader
    modality: Modality = Modality.VIDEO

    @classmethod
    def of(cls, tensors: Mapping[str, Tensor], head: Head, device: torch.device) -> "StagedReader":
        """The cascade with these weights. Raises UnfitReaderError."""
        reader = restored_cascade(StoredReader(tensors, head))
        reader.network.to(device)
        return cls(reader)

    def read(self, clip: Clip, settings: ReadingSettings) -> ReadClip:
        """The best path of the beam through all stages, and further ones; oracles with a transcript."""
        sequence = self.reader.features.features(clip)
        paths = cascade_readings(self.reader, sequence, width=settings.beam_width)
        best = paths[0]
        facts = ClipReadingFacts(
            best=_path_text(best),
            tokens=_stage_tokens(best.stages[CascadeStage.CHARACTER]),
            alternatives=[_path_text(path) for path in paths[1 : 1 + settings.alternatives]],
            error_rate=_error_rate(clip.transcript, best.text),
            file=None,
            cascade=CascadeFacts(
                stages=[_stage(stage, reading) for stage, reading in best.stages.items()],
                pinyin=list(best.pinyin or ()),
                aligned=best.aligned,
                oracles=self._oracles(sequence, clip),
            ),
            remarks=_remarks(self.reader.features, clip),
        )
        return ReadClip(facts, self._picture(best, sequence.times, clip))

    def size_bytes(self) -> int:
        """Bytes of all weights."""
        return _bytes_of(self.reader.network)

    def _oracles(self, sequence: FeatureSequence, clip: Clip) -> list[OracleText]:
        if not clip.transcript:
            return []
        return [
            OracleText(
                true_stages=[stage.value for stage in oracle.true_stages],
                text=oracle.text,
                error_rate=oracle.errors / oracle.length,
            )
            for oracle in oracle_readings(self.reader, sequence, clip)
        ]

    def _picture(self, path: CascadeReading, times: Tensor, clip: Clip) -> bytes:
        """The attention of every stage that sees the video, stage below stage."""
        seeing = [stage for stage in path.stages.values() if stage.attention is not None]
        tokens = [token for stage in seeing for token in stage.text]
        weights = [stage.attention for stage in seeing if stage.attention is not None]
        rows = AttentionRows(tokens, torch.cat(weights), times, _seconds(clip))
        return attention_picture(rows, clip.crops)


def _stage(stage: CascadeStage, reading: StageReading) -> StageTextFacts:
    return StageTextFacts(
        stage=stage.value,
        score=reading.score,
        finished=reading.finished,
        tokens=_stage_tokens(reading),
    )


def _stage_tokens(reading: StageReading) -> list[TokenReading]:
    """The tokens of a stage, without times where it does not see the video."""
    if reading.tokens is not None:
        return _tokens(reading.tokens)
    return [
        TokenReading(text=word, log_probability=chance, start_seconds=None, end_seconds=None)
        for word, chance in zip(reading.text, reading.log_probabilities, strict=True)
    ]


def _tokens(tokens: Sequence[SpokenToken]) -> list[TokenReading]:
    return [
        TokenReading(
            text=token.text,
            log_probability=token.log_probability,
            start_seconds=token.start_seconds,
            end_seconds=token.end_seconds,
        )
        for token in tokens
    ]


def _text(text: Transcription) -> TextReading:
    return TextReading(text=text.text, score=text.score, finished=text.finished)


def _path_text(path: CascadeReading) -> TextReading:
    """The characters of a path; it is finished if every stage is."""
    finished = all(stage.finished for stage in path.stages.values())
    return TextReading(text=path.text, score=path.score, finished=finished)


def _remarks(features: CropReader | MelReader, clip: Clip) -> list[str]:
    """``no_speech_movement`` if the lips move less than in 99 % of the clips of the training."""
    if isinstance(features, CropReader) and features.motion(clip) < features.least_motion:
        return ["no_speech_movement"]
    return []


def _error_rate(transcript: str, text: str) -> float | None:
    """Edit distance by the length of the transcript; None without one."""
    return edit_distance(transcript, text) / len(transcript) if transcript else None


def _seconds(clip: Clip) -> float:
    """When the last frame of picture or sound is in its middle."""
    return float(torch.cat([clip.crop_times, clip.mel_times]).max())


def _bytes_of(network: nn.Module) -> int:
    return sum(weight.numel() * weight.element_size() for weight in network.parameters())


_Loader = Callable[[Mapping[str, Tensor], Head, torch.device], ClipReader]
_LOADERS: Mapping[str | None, _Loader] = {None: TextReader.of, CASCADE: StagedReader.of}
"""How the readers of each kind of head are loaded; that of one stage names no kind."""


def loaded_reader(file: Path, head: Head, device: torch.device) -> ClipReader:
    """The stored reader with this head. Raises UnfitReaderError."""
    tensors = load_file(file)
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise UnfitReaderError(
            "stored weights of the reader are not finite numbers",
            remedy="train the reader again, with a lower learning_rate",
        )
    return _LOADERS[head.get("kind")](tensors, head, device)
