"""Clips of a prediction: files of a request or clips of a stored dataset, for a reader."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from service.core.blobs import VerifiedStore
from service.core.errors import InvalidRequestError
from service.core.manifest import ClipCrop
from service.core.operations import names, owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.zoo.packed_parts import PackedPart
from service.core.predict_messages import OutputKind
from service.core.reader_manifest import Modality
from service.core.readings import (
    MOST_CLIPS,
    ClipFileFacts,
    ClipReadings,
    ReadingSettings,
    StoredWords,
)
from service.core.tables import ClipRecord, DatasetRecord, ModelRecord

_TWO_WAYS = "send one or more clip files as `clips`, or name a `clip_dataset`"


@dataclass(frozen=True)
class ReadingOptions:
    """The clips that a request names, and how to read them.

    Attributes:
        clips: Clip files.
        settings: How they are read.
        crop: Which part of the frames of clip files is read; None for the default of the reader.
        dataset_id: The id or name of a dataset whose clips are read instead.
        positions: Positions of its clips to read, from 0; empty for all.
    """

    clips: Sequence[bytes] = ()
    settings: ReadingSettings = field(default_factory=ReadingSettings)
    crop: ClipCrop | None = None
    dataset_id: str | None = None
    positions: Sequence[int] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the request says nothing about clips."""
        plain = self.settings == ReadingSettings() and self.crop is None
        return plain and not self.clips and not self.positions and self.dataset_id is None


@dataclass(frozen=True)
class StoredClip:
    """A clip of a dataset: what is shown of it, and where its record is."""

    index: int
    name: str
    words: StoredWords
    facts: ClipFileFacts
    record: PackedPart

    @classmethod
    def of(cls, row: ClipRecord, packed_sha256: str) -> "StoredClip":
        """The clip of a row."""
        facts = ClipFileFacts(
            seconds=row.seconds,
            frames=row.frames,
            frames_per_second=row.frames_per_second,
            mel_frames=row.mel_frames,
            width=row.width,
            height=row.height,
            rotation=row.rotation,
            faces=row.faces,
            box=list(row.box),
            remarks=list(row.remarks),
        )
        words = StoredWords(transcript=row.transcript, pinyin=row.pinyin)
        return cls(row.position, row.name, words, facts, PackedPart(packed_sha256, **row.tensors))


@dataclass(frozen=True)
class ChosenClips:
    """The clips of a request in order, stored ones not read yet."""

    clips: Sequence[bytes | StoredClip]
    settings: ReadingSettings

    @property
    def size_bytes(self) -> int:
        """Bytes of all clips together."""
        return sum(
            len(clip) if isinstance(clip, bytes) else clip.record.length for clip in self.clips
        )

    @property
    def stored(self) -> Sequence[StoredClip]:
        """The stored clips, which are all or none."""
        return [clip for clip in self.clips if isinstance(clip, StoredClip)]

    def read(self, blobs: VerifiedStore) -> ClipReadings:
        """The clips as a worker takes them. Raises BlobDamagedError."""
        data = [
            clip if isinstance(clip, bytes) else clip.record.read(blobs) for clip in self.clips
        ]
        words = tuple(clip.words for clip in self.stored)
        return ClipReadings(tuple(data), words, self.settings)


def clips_for(
    session: Session,
    *,
    model: ModelRecord,
    options: ReadingOptions,
    images: int,
    output: OutputKind | None,
) -> ChosenClips | None:
    """The clips that a reader reads; None for a network of images.

    Raises:
        InvalidRequestError: ``model_reads_clips``, ``clips_not_taken``, ``clips_missing``,
            ``clips_ambiguous``, ``too_many_clips``, ``unknown_clip``, ``dataset_has_images`` or
            another fault of the request.
        NotFoundError: The dataset does not exist.
        ConflictError: It is not ready.
    """
    dataset = _dataset_named_in(session, model, options)
    if not model.is_reader:
        _require_none(model, options, output)
        return None
    if images:
        raise invalid_value(
            "/images",
            f"{model.id} reads clips, and the request has images",
            code="model_reads_clips",
            remedy=_TWO_WAYS,
        )
    if output not in (None, OutputKind.TEXTS):
        raise invalid_value(
            "/output",
            f"{model.id} reads clips and has no output {output}",
            code="output_not_supported",
            remedy="omit `output` and `layer`, or set `output` to texts",
        )
    _require_one_source(model, options)
    clips = options.clips if dataset is None else _stored_clips(session, dataset, options)
    if len(clips) > MOST_CLIPS:
        raise _too_many(len(clips), "send fewer clips at once")
    return ChosenClips(clips, _settings_for(session, model, options))


def _require_none(model: ModelRecord, options: ReadingOptions, output: OutputKind | None) -> None:
    """Accept requests to a network of images that neither bring nor want what is of clips."""
    if not options.is_empty:
        raise invalid_value(
            "/clips",
            f"{model.id} takes images and no clips",
            code="clips_not_taken",
            remedy="use a model with `reader` in GET /v1/models, or send images",
        )
    if output is OutputKind.TEXTS:
        raise invalid_value(
            "/output",
            f"{model.id} takes images and has no texts",
            code="output_not_supported",
            remedy="omit `output`; only a reader of clips has texts",
        )


def _require_one_source(model: ModelRecord, options: ReadingOptions) -> None:
    """Accept clips that were sent, or those of a dataset."""
    if options.dataset_id is not None and options.clips:
        raise invalid_value(
            "/clip_dataset",
            "the request has both clips and a dataset of clips",
            code="clips_ambiguous",
            remedy=_TWO_WAYS,
        )
    if options.dataset_id is None and options.positions:
        raise invalid_value(
            "/clip_indices",
            "the request chooses clips of a dataset and names none",
            code="clips_missing",
            remedy="name the `clip_dataset` that the clips are in",
        )
    if options.dataset_id is None and not options.clips:
        raise invalid_value(
            "/clips",
            f"{model.id} reads clips, and the request has none",
            code="clips_missing",
            remedy=_TWO_WAYS,
        )


def _dataset_named_in(
    session: Session, model: ModelRecord, options: ReadingOptions
) -> DatasetRecord | None:
    """The dataset of clips that the request names; looked up whatever the model reads."""
    if options.dataset_id is None:
        return None
    with error_pointer("/clip_dataset"):
        row_id = names.id_of(
            session, DatasetRecord, project=model.project, reference=options.dataset_id
        )
        return owned_rows.get_ready_clips(session, project=model.project, id=row_id)


def _stored_clips(
    session: Session, dataset: DatasetRecord, options: ReadingOptions
) -> Sequence[StoredClip]:
    """The chosen clips of a dataset."""
    positions = list(options.positions) or list(range(dataset.clips or 0))
    if len(positions) > MOST_CLIPS:
        raise _too_many(len(positions), "choose fewer clips of the dataset with `clip_indices`")
    query = select(ClipRecord).where(
        ClipRecord.dataset_id == dataset.id, ClipRecord.position.in_(positions)
    )
    rows = {row.position: row for row in session.scalars(query)}
    missing = [position for position in positions if position not in rows]
    if missing:
        raise invalid_value(
            "/clip_indices",
            f"{dataset.id} has no clip {missing[0]}; it has {dataset.clips}",
            code="unknown_clip",
            remedy=f"choose positions from 0 to {(dataset.clips or 0) - 1}",
        )
    return [StoredClip.of(rows[position], dataset.packed_sha256 or "") for position in positions]


def _too_many(count: int, remedy: str) -> InvalidRequestError:
    return invalid_value(
        "/clips",
        f"the request has {count} clips; the limit is {MOST_CLIPS}",
        code="too_many_clips",
        remedy=remedy,
    )


def _settings_for(
    session: Session, model: ModelRecord, options: ReadingOptions
) -> ReadingSettings:
    """The settings with the part of the frames that is read.

    By default a recognizer of speech seeks no face, and a lip reader reads the part that was read
    of the clips it learned from.

    Raises:
        InvalidRequestError: ``invalid_crop``.
    """
    settings = options.settings
    if (options.crop is ClipCrop.GIVEN) is not (settings.crop_box is not None):
        raise invalid_value(
            "/crop_box",
            "a box belongs to `crop` = given, and only to it",
            code="invalid_crop",
            remedy="send four values of `crop_box` with `crop` = given, and only then",
        )
    if options.crop is not None:
        return replace(settings, crop=options.crop)
    if model.manifest["reader"]["features"]["modality"] == Modality.AUDIO:
        return replace(settings, crop=ClipCrop.FULL)
    return _as_learned(session, model, settings)


def _as_learned(
    session: Session, model: ModelRecord, settings: ReadingSettings
) -> ReadingSettings:
    """The settings with the crop of the dataset that the reader learned from, while it is there."""
    dataset_id = (model.lineage or {}).get("dataset")
    dataset = dataset_id and owned_rows.find(
        session, DatasetRecord, project=model.project, id=dataset_id
    )
    if not dataset:
        return settings
    manifest = dataset.manifest
    box = manifest.get("crop_box")
    return replace(
        settings,
        crop=ClipCrop(manifest.get("crop", ClipCrop.FOUND)),
        crop_box=None if box is None else tuple(box),
    )
