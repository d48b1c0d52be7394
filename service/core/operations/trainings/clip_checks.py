"""Checks that refuse a training on clips before it is queued."""

from collections import Counter

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from service.core.catalog import JobInputs, Params
from service.core.catalog.lip_by_speech import ClipsAndRecognizer, LipBySpeechParams
from service.core.catalog.speech_recognizer import SpeechRecognizerParams
from service.core.catalog.speech_training import ClipsOnly, SpeechTrainingConfig
from service.core.counts import counted
from service.core.errors import InvalidRequestError
from service.core.operations import owned_rows
from service.core.operations.error_pointers import error_pointer, invalid_value
from service.core.operations.trainings.plans import abbreviated
from service.core.reader_manifest import Modality
from service.core.tables import ClipRecord, DatasetRecord, ModelRecord

_DATASET, _TEACHERS, _TEACHER = "/inputs/dataset_id", "/inputs/teachers", "/inputs/teachers/0"
_SMALLEST_BATCH = 8
_LARGEST_UNKNOWN_SHARE = 0.2


def require_valid_clips(
    session: Session, *, project: str, inputs: JobInputs, params: Params
) -> None:
    """Accept a training whose clips fill a batch and fit its teacher, and every other method.

    The training itself checks what is left without the held-out sentences.

    Raises:
        InvalidRequestError: ``dataset_has_images``; ``no_transcripts``; ``too_few_clips``; ``no_audio``;
            ``no_teacher``; ``model_reads_images``; ``not_a_recognizer``; ``vocabulary_mismatch``.
        ConflictError: A dataset or the teacher is not ready.
    """
    if not (isinstance(inputs, ClipsOnly) and isinstance(params, SpeechTrainingConfig)):
        return
    with error_pointer(_DATASET):
        dataset = owned_rows.get_ready_clips(session, project=project, id=inputs.dataset_id)
        _require_transcripts(session, dataset)
    if inputs.eval_dataset_id is not None:
        with error_pointer("/inputs/eval_dataset_id"):
            evaluated = owned_rows.get_ready_clips(
                session, project=project, id=inputs.eval_dataset_id
            )
            _require_transcripts(session, evaluated)
    if isinstance(inputs, ClipsAndRecognizer) and isinstance(params, LipBySpeechParams):
        _require_teacher(session, inputs, params, project=project, dataset=dataset)
    if isinstance(params, SpeechRecognizerParams):
        _require_sound(session, dataset, remedy="choose clips with an audio track")
    if (dataset.clips or 0) < params.batch_size:
        raise invalid_value(
            "/params/batch_size",
            f"{dataset.id} has {counted(dataset.clips or 0, 'clip')}, fewer than the"
            f" {params.batch_size} of a batch",
            code="too_few_clips",
            remedy="bring more clips, or set batch_size to at most"
            f" {max(_SMALLEST_BATCH, dataset.clips or 0)}",
        )


def _require_transcripts(session: Session, dataset: DatasetRecord) -> None:
    """Raises InvalidRequestError: ``no_transcripts``: nobody said what is said in the clips."""
    clips = ClipRecord.dataset_id == dataset.id
    if session.scalar(select(exists().where(clips, ClipRecord.transcript == ""))):
        raise InvalidRequestError(
            f"the clips of {dataset.id} have no transcripts",
            code="no_transcripts",
            remedy="send a table of transcripts with `clips_of` in its manifest"
            " (`zooscope datasets transcribe`), and train on the dataset that it makes",
        )


def _require_sound(session: Session, dataset: DatasetRecord, *, remedy: str) -> None:
    """Raises InvalidRequestError: ``no_audio``: no clip has sound."""
    query = select(func.count()).where(
        ClipRecord.dataset_id == dataset.id, ClipRecord.mel_frames > 0
    )
    if not session.scalar(query):
        raise invalid_value(
            _DATASET, f"no clip of {dataset.id} has sound", code="no_audio", remedy=remedy
        )


def _require_teacher(
    session: Session,
    inputs: ClipsAndRecognizer,
    params: LipBySpeechParams,
    *,
    project: str,
    dataset: DatasetRecord,
) -> None:
    """Accept a recognizer of the words of clips with sound, or none where nothing is learned of it.

    Raises:
        InvalidRequestError: ``no_teacher``, ``model_reads_images``, ``not_a_recognizer``,
            ``vocabulary_mismatch``, ``no_audio``.
        ConflictError: It is not ready.
    """
    for model_id in inputs.teachers:
        with error_pointer(_TEACHER):
            teacher = owned_rows.get_ready_reader(session, project=project, id=model_id)
        _require_recognizer(teacher)
        _require_known_characters(session, teacher, dataset)
    if not params.weights.any:
        return
    if not inputs.teachers:
        raise invalid_value(
            _TEACHERS,
            "a weight is above 0 and there is no recognizer to learn from",
            code="no_teacher",
            remedy="name a model that speech_recognizer made, or set all weights to 0",
        )
    _require_sound(
        session, dataset, remedy="choose clips with an audio track, or set all weights to 0"
    )


def _require_recognizer(teacher: ModelRecord) -> None:
    """Raises InvalidRequestError: ``not_a_recognizer``: it reads lips."""
    modality = teacher.manifest["reader"].get("features", {}).get("modality")
    if modality != Modality.AUDIO:
        raise invalid_value(
            _TEACHER,
            f"{teacher.id} reads lips, and this needs a recognizer of sound",
            code="not_a_recognizer",
            remedy="choose a model that speech_recognizer made",
        )


def _require_known_characters(
    session: Session, teacher: ModelRecord, dataset: DatasetRecord
) -> None:
    """Raises InvalidRequestError: ``vocabulary_mismatch``: the teacher writes other characters."""
    transcripts = session.scalars(
        select(ClipRecord.transcript).where(ClipRecord.dataset_id == dataset.id)
    )
    counts = Counter(character for transcript in transcripts for character in transcript)
    unknown = {name: counts[name] for name in counts.keys() - set(_vocabulary(teacher))}
    share = sum(unknown.values()) / max(1, counts.total())
    if share > _LARGEST_UNKNOWN_SHARE:
        names = sorted(unknown, key=lambda name: (-unknown[name], name))
        raise invalid_value(
            _TEACHER,
            f"{teacher.id} knows none of {abbreviated(names)}, which are {share:.0%} of the"
            f" characters of {dataset.id}",
            code="vocabulary_mismatch",
            remedy="choose a recognizer that learned the same language and alphabet",
        )


def _vocabulary(teacher: ModelRecord) -> list[str]:
    """The characters that a recognizer can write."""
    return list(teacher.manifest["reader"]["vocabulary"])
