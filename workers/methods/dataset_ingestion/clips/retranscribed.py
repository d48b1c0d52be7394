"""Clips of another dataset with new transcripts; nothing is decoded again."""

import shutil
from dataclasses import replace

from service.core.errors import RefusedUploadError
from workers.methods.dataset_ingestion.clips.outcome import PACKED_CLIPS, ClipsFound, clips_outcome
from workers.methods.dataset_ingestion.clips.packing import PackedClip
from workers.methods.dataset_ingestion.clips.texts import ClipText, ClipTexts, clip_texts
from workers.methods.dataset_ingestion.clips.transcripts import (
    Transcript,
    transcript_of,
    transcript_of_text,
)
from workers.methods.dataset_ingestion.entries import ImageProblem, refused
from workers.methods.dataset_ingestion.result import DatasetIngestionResult
from workers.methods.dataset_ingestion.upload_reader import (
    ClipStock,
    DatasetIngestionData,
    opened_texts,
)
from workers.torchkit.clip_reading.problems import ClipProblemError
from workers.torchkit.protocols import Report

_SAY_IT = "name it in the table with its transcript, or leave it out with `on_error` = skip"


def run_transcripts(
    inputs: DatasetIngestionData, stock: ClipStock, report: Report
) -> DatasetIngestionResult:
    """The clips of the stock, with what the upload says of them and otherwise as they were."""
    gathered = ClipsFound()
    try:
        with opened_texts(inputs, gathered.notes) as archive:
            texts = clip_texts(archive, (clip.name for clip in stock.clips), inputs.manifest)
            gathered.problems += [*archive.problems, *texts.problems]
    except RefusedUploadError as error:
        return gathered.rejected(error)
    if not texts.by_name and not texts.unclear:
        return gathered.rejected(_nothing_said())
    clips = _transcribed(stock, texts, gathered)
    packed_file = inputs.folder / PACKED_CLIPS
    shutil.copyfile(stock.packed, packed_file)
    report(len(clips), len(clips), "transcripts read")
    return clips_outcome(clips, gathered, packed_file, on_error=inputs.manifest.on_error)


def _nothing_said() -> RefusedUploadError:
    return refused(
        "no_transcripts",
        "nothing in the upload says what is said in a clip of the dataset",
        "send a CSV file with the names of its clips and their transcripts, or a zip of .txt or"
        " .align files with the names of the clips",
    )


def _transcribed(stock: ClipStock, texts: ClipTexts, gathered: ClipsFound) -> list[PackedClip]:
    """The clips that have a transcript now; the others become problems."""
    clips = []
    for clip in stock.clips:
        if clip.name in texts.unclear:
            continue
        try:
            text = texts.of(clip.name)[0]
            transcript = _transcript(clip, text)
        except ClipProblemError as error:
            problem = ImageProblem(clip.name, error.code, error.detail, error.remedy or "")
            gathered.problems.append(problem)
            continue
        if not transcript.text:
            detail = "neither the upload nor the dataset says what is said"
            gathered.problems.append(ImageProblem(clip.name, "no_transcript", detail, _SAY_IT))
            continue
        speaker = text.speaker or clip.speaker
        clips.append(
            replace(clip, transcript=transcript.text, pinyin=transcript.pinyin, speaker=speaker)
        )
    return clips


def _transcript(clip: PackedClip, text: ClipText) -> Transcript:
    """The stated words, else those of the clip; their pinyin is stated, read, or as it was."""
    if text.words is not None:
        return transcript_of_text(text)
    if text.pinyin and clip.transcript:
        return transcript_of(clip.transcript, text.pinyin)
    return Transcript(clip.transcript, clip.pinyin)
