"""Clips in Parquet files: one row each, with what is said beside the bytes."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.clip_files import clip
from tests.methods.dataset_ingestion.test_clips import CLIP_LIMITS, TakeIn, loaded, read
from tests.methods.dataset_ingestion.uploads import notes_of, reasons

__all__ = ["read"]

FIRST, SECOND, THIRD = (clip(frames=frames) for frames in (6, 7, 8))


def table(columns: Mapping[str, Sequence[object]]) -> bytes:
    buffer = io.BytesIO()
    parquet.write_table(pa.table(columns), buffer, row_group_size=2)
    return buffer.getvalue()


@pytest.fixture
def rows(taken_in: TakeIn) -> TakeIn:
    """Reads a Parquet file of clips."""

    def take(columns: Mapping[str, Sequence[object]], **manifest: object):
        options = {"limits": CLIP_LIMITS, "kind": "clips", "crop": "full", **manifest}
        return taken_in(table(columns), **options)

    return take


def test_rows_become_clips_with_all_that_their_columns_say(rows: TakeIn):
    result = rows({
        "name": ["wang/1.mp4", "li/2.mp4", "li/3.mp4"],
        "clip": [FIRST, SECOND, THIRD],
        "transcript": ["你好", "hello there", "买书"],
        "pinyin": ["ni3 hao3", None, None],
        "speaker": ["Wang", "Li", None],
        "fps": [25, 25, 25],
    })  # fmt: skip

    assert result.problems == ()
    assert [(c.name, c.transcript, c.pinyin, c.speaker) for c in result.clips] == [
        ("li/2.mp4", "hello there", None, "Li"),
        ("li/3.mp4", "买书", ("mai3", "shu1"), None),
        ("wang/1.mp4", "你好", ("ni3", "hao3"), "Wang"),
    ]
    assert [c.frames for c in result.clips] == [7, 8, 6]
    assert len(loaded(result, 1).crops) == 8


@pytest.mark.parametrize(
    "columns",
    [
        {"video": [{"bytes": FIRST, "path": "a.mp4"}], "sentence": ["hello"]},
        {"anything": [FIRST], "text": ["hello"]},
        {"mp4": [FIRST], "thumbnail": [b"png"], "said": ["hello"]},
    ],
)
def test_usual_columns_are_found(rows: TakeIn, columns: Mapping[str, Sequence[object]]):
    named = {"transcript_column": "said"} if "said" in columns else {}

    result = rows(columns, **named)

    assert result.problems == ()
    assert [(c.name, c.transcript) for c in result.clips] == [("000000", "hello")]


REFUSED: Mapping[str, tuple[Mapping[str, Sequence[object]], dict[str, object], str]] = {
    "no column of bytes": ({"name": ["a"], "text": ["hello"]}, {}, "no_clips"),
    "two columns of bytes": ({"left": [FIRST], "right": [SECOND]}, {}, "ambiguous_clips"),
    "no such column": (
        {"clip": [FIRST], "text": ["hello"]},
        {"transcript_column": "said"},
        "unknown_column",
    ),
    "several splits": (
        {"clip": [FIRST, SECOND], "text": ["a", "b"], "split": ["train", "test"]},
        {},
        "several_splits",
    ),
    "no such split": ({"clip": [FIRST], "text": ["a"]}, {"split": "dev"}, "unknown_split"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_unclear_files_are_refused_as_a_whole(rows: TakeIn, case: str):
    columns, manifest, code = REFUSED[case]

    result = rows(columns, **manifest)

    assert reasons(result) == [("", code)]
    assert result.problems[0].remedy


def test_bad_rows_are_named_and_the_others_read(rows: TakeIn):
    columns = {
        "name": ["a", "b", "b", "../d", "e", "f", "g"],
        "clip": [FIRST, SECOND, THIRD, FIRST, None, b"no clip", clip(frames=9)],
        "text": ["one", "two", "three", "four", "five", "six", None],
    }

    result = rows(columns, on_error="skip")

    assert [c.name for c in result.clips] == ["a", "b"]
    assert [c.transcript for c in result.clips] == ["one", "two"]
    assert set(reasons(result)[1:]) == {
        ("b", "duplicate_name"),
        ("../d", "invalid_name"),
        ("e", "undecodable"),
        ("f", "undecodable"),
        ("g", "no_transcript"),
    }


def test_the_rows_of_one_split_are_read(rows: TakeIn):
    columns = {
        "clip": [FIRST, SECOND, THIRD],
        "text": ["one", "two", "three"],
        "split": ["train", "test", "train"],
    }

    result = rows(columns, split="train")

    assert [(c.name, c.transcript) for c in result.clips] == [
        ("000000", "one"),
        ("000002", "three"),
    ]
    assert notes_of(result)["other_splits"] == 1


def test_shards_of_an_archive_are_one_set(read: TakeIn):
    files = {
        "train-0.parquet": table({"clip": [FIRST, SECOND], "text": ["one", "two"]}),
        "train-1.parquet": table({"clip": [THIRD], "text": ["three"]}),
    }

    result = read(files, crop="full")

    assert result.problems == ()
    assert [(c.name, c.transcript, c.frames) for c in result.clips] == [
        ("train-0/000000", "one", 6),
        ("train-0/000001", "two", 7),
        ("train-1/000000", "three", 8),
    ]


def test_shards_with_other_columns_are_refused(read: TakeIn):
    files = {
        "a.parquet": table({"clip": [FIRST], "text": ["one"]}),
        "b.parquet": table({"clip": [THIRD], "said": ["three"]}),
    }

    assert reasons(read(files, crop="full")) == [("", "different_shards")]


def test_a_broken_file_is_refused(taken_in: TakeIn):
    data = table({"clip": [FIRST], "text": ["one"]})
    broken = data[:4] + b"\xff" * 40 + data[44:]

    result = taken_in(b"PAR1" + bytes(100), limits=CLIP_LIMITS, kind="clips")
    within = taken_in(broken, limits=CLIP_LIMITS, kind="clips", crop="full")

    assert reasons(result) == [("", "broken_parquet")]
    assert [code for _, code in reasons(within)] == ["broken_parquet"]


def test_too_many_rows_are_refused(rows: TakeIn):
    columns = {"clip": [FIRST, SECOND], "text": ["one", "two"]}

    result = rows(columns, limits=replace(CLIP_LIMITS, clips=1))

    assert reasons(result) == [("", "too_many_clips")]


def test_a_split_of_files_is_refused(read: TakeIn):
    result = read({"a.mp4": FIRST, "a.txt": b"hello"}, crop="full", split="train")

    assert reasons(result) == [("", "unknown_split")]


def test_rows_without_any_transcript_are_a_set_without_transcripts(rows: TakeIn):
    result = rows({"clip": [FIRST, SECOND]})

    assert [c.transcript for c in result.clips] == ["", ""]
    assert "no_transcripts" in notes_of(result)
