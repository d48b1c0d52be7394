"""Stored readers with drawn weights, and stored datasets of clips, without any training."""

import hashlib
import io
from pathlib import Path

import numpy as np
import torch
from pydantic import TypeAdapter
from safetensors.torch import save

from service.container import Zoo
from service.core.catalog.cascade_seq2seq import CascadeStage, PassedTokens, VideoInput
from service.core.ids import IdKind, new_id
from service.core.manifest import ClipCrop, Task, TaskKind
from service.core.reader_manifest import AnyReaderHead, ReaderManifest
from service.core.tables import ClipRecord, DatasetRecord, DatasetState
from tests.clip_files import clip
from tests.rest.served import PROJECT, a_model, stored
from workers.methods.cascade_seq2seq.networks import Cascade
from workers.methods.cascade_seq2seq.reader import CascadeReader
from workers.methods.cascade_seq2seq.stored_cascades import stored_cascade
from workers.torchkit.clip_reading.containers import ClipLimits
from workers.torchkit.clip_reading.reading import ClipReading, CropChoice, read_clip
from workers.torchkit.clip_reading.stored_clips import clip_bytes
from workers.torchkit.speech.features import CropReader, MelReader
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.readers import Reader
from workers.torchkit.speech.seq2seq import Seq2Seq, drawn_weights
from workers.torchkit.speech.stored_readers import StoredReader, stored_reader
from workers.torchkit.speech.vocabulary import Vocabulary

LIMITS = ClipLimits(bytes=10**8, seconds=60.0, pixels=10**6)
VOCABULARY = Vocabulary(tuple("书买卖树看鱼"))
SIZE = NetworkSize(8, 1, 0.0)


def a_recognizer() -> Reader:
    """A reader of sound."""
    return _reader(MelReader(), seed=3)


def a_lip_reader() -> Reader:
    """A reader of lips whose components are drawn."""
    features = CropReader(height=24, width=48, rate=25.0, components=4)
    generator = torch.Generator().manual_seed(5)
    features.components.copy_(torch.randn(features.components.shape, generator=generator) / 30)
    return _reader(features, seed=4)


def _reader(features: CropReader | MelReader, *, seed: int) -> Reader:
    network = Seq2Seq(features.size, len(VOCABULARY), SIZE)
    drawn_weights(network, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3)
    return Reader(features, network.eval(), VOCABULARY, 0.3)


def a_cascade() -> CascadeReader:
    """A cascade of three stages with drawn weights."""
    vocabularies = {
        CascadeStage.PINYIN: Vocabulary(("kan", "mai", "shu", "yu")),
        CascadeStage.TONE: Vocabulary(("1", "3", "4")),
        CascadeStage.CHARACTER: VOCABULARY,
    }
    features = a_lip_reader().features
    assert isinstance(features, CropReader)
    network = Cascade(
        {stage: len(vocabulary) for stage, vocabulary in vocabularies.items()},
        features.size,
        SIZE,
        video=VideoInput.ALL,
    )
    drawn_weights(network, torch.Generator().manual_seed(19))
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3)
    return CascadeReader(features, network.eval(), vocabularies, 0.3, PassedTokens.BEST)


def a_stored_cascade(zoo: Zoo, reader: CascadeReader, *, dataset: str) -> str:
    """The id of a model with the weights of the cascade."""
    return _stored(zoo, stored_cascade(reader, reader.first_stage(), SIZE, "none"), dataset)


def a_stored_reader(zoo: Zoo, reader: Reader, *, dataset: str | None = None) -> str:
    """The id of a model with the weights of the reader, as a training leaves it."""
    return _stored(zoo, stored_reader(reader, SIZE), dataset)


def _stored(zoo: Zoo, weights: StoredReader, dataset: str | None) -> str:
    head: AnyReaderHead = TypeAdapter(AnyReaderHead).validate_python(weights.facts)
    manifest = ReaderManifest(
        name="reader", task=Task(kind=TaskKind.TRANSCRIPTION), reader=head, tags=("reader",)
    )
    digest = stored(zoo, save(dict(weights.tensors)))
    with zoo.transaction() as session:
        return a_model(
            session,
            name="reader",
            task_kind=TaskKind.TRANSCRIPTION,
            manifest=manifest.model_dump(mode="json"),
            upload_sha256=digest,
            upload_bytes=1,
            filename="reader.safetensors",
            feature_layer=None,
            layers=[],
            lineage=None if dataset is None else {"dataset": dataset},
        ).id


def read(data: bytes, folder: Path, crop: ClipCrop = ClipCrop.FULL) -> ClipReading:
    """The clip as it is decoded."""
    path = folder / hashlib.sha256(data).hexdigest()
    path.write_bytes(data)
    return read_clip(path, LIMITS, CropChoice(crop))


def some_clips() -> list[bytes]:
    """Three clips of different lengths: two with sound."""
    return [
        clip(form="matroska", frames=15, sound=0.6),
        clip(form="matroska", frames=25, sound=1.0),
        clip(form="matroska", frames=12),
    ]


def a_clip_dataset(
    zoo: Zoo, clips: list[bytes], words: list[tuple[str, list[str]]], folder: Path
) -> str:
    """The id of a stored dataset of clips with words and pinyin, all of their frames read."""
    file, rows = io.BytesIO(), []
    dataset_id = new_id(IdKind.DATASET)
    for position, (data, (transcript, pinyin)) in enumerate(zip(clips, words, strict=True)):
        reading = read(data, folder)
        parts = {}
        for name, part in (("tensors", clip_bytes(reading)), ("poster", reading.poster)):
            digest = hashlib.sha256(part).hexdigest()
            parts[name] = {"start": file.tell(), "length": len(part), "sha256": digest}
            file.write(part)
        rows.append(
            ClipRecord(
                dataset_id=dataset_id, position=position, name=f"{position}.mkv",
                sha256=hashlib.sha256(data).hexdigest(), transcript=transcript, pinyin=pinyin,
                speaker=None, seconds=reading.seconds, frames=len(reading.crops),
                frames_per_second=reading.frames_per_second, mel_frames=len(reading.mel),
                width=reading.width, height=reading.height, rotation=reading.rotation,
                faces=reading.faces, box=list(reading.box),
                remarks=[remark.code for remark in reading.remarks], mel_picture=None, **parts,
            )
        )  # fmt: skip
    packed = stored(zoo, file.getvalue())
    with zoo.transaction() as session:
        session.add(
            DatasetRecord(
                id=dataset_id, project=PROJECT, name="talk", state=DatasetState.READY,
                kind="clips", clips=len(clips), upload_sha256=packed, upload_bytes=1,
                manifest={"name": "talk", "kind": "clips", "crop": "full"},
                manifest_sha256=dataset_id, packed_sha256=packed,
            )
        )  # fmt: skip
        session.flush()
        session.add_all(rows)
    return dataset_id


def noise_clip(frames: int = 15) -> bytes:
    """A clip that shows no face."""
    generator = np.random.default_rng(0)
    return clip(
        lambda _: generator.integers(0, 256, (72, 96), dtype=np.uint8),
        form="matroska",
        frames=frames,
        sound=frames / 25,
    )
