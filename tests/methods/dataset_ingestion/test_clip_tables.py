"""Tables of transcripts that are odd or large."""

import io
import zipfile
from dataclasses import replace

import pytest

from tests.clip_files import clip
from tests.methods.dataset_ingestion.test_clips import CLIP_LIMITS, TakeIn, read
from tests.methods.dataset_ingestion.uploads import notes_of, reasons
from tests.waiting import HANG_SECONDS

__all__ = ["read"]


def test_text_of_tables_becomes_printable(read: TakeIn):
    row = b'{"path": "a.mp4", "transcript": "h\\ud800i \\u0000there", "speaker": "A\\u001b[31m\\u202e"}'

    result = read({"a.mp4": clip(), "clips.jsonl": row + b"\n"})

    assert result.problems == ()
    assert (result.clips[0].transcript, result.clips[0].speaker) == ("h i there", "A [31m")


def test_a_missing_clip_is_named_in_printable_text(read: TakeIn):
    rows = b'{"path": "a.mp4", "text": "hello"}\n{"path": "b\\ud800.mp4", "text": "hello"}\n'

    result = read({"a.mp4": clip(), "clips.jsonl": rows})

    assert ("b .mp4", "missing_clip") in reasons(result)


@pytest.mark.timeout(HANG_SECONDS)
def test_a_long_table_is_read_in_linear_time(read: TakeIn):
    table = "path,transcript\n" + "".join(f"a.mp4,word {row}\n" for row in range(100_000))
    limits = replace(CLIP_LIMITS, image_bytes=10**7)

    result = read({"a.mp4": clip(), "clips.csv": table.encode()}, limits=limits)

    assert ("a.mp4", "several_transcripts") in reasons(result)


@pytest.mark.timeout(HANG_SECONDS)
def test_a_wide_table_is_read_in_linear_time(read: TakeIn):
    others = ",".join(f"k{column}" for column in range(200_000))
    table = f"path,transcript,{others}\na.mp4,hello\n"
    limits = replace(CLIP_LIMITS, image_bytes=10**7)

    result = read({"a.mp4": clip(), "clips.csv": table.encode()}, limits=limits)

    assert (result.problems, len(result.clips)) == ((), 1)


FOLDERS = {"a/x.mp4": clip(frames=6), "b/x.mp4": clip(frames=7)}


@pytest.mark.parametrize(
    ("name", "table"),
    [
        ("clips.csv", b"path,transcript\nx.mp4,hello\n"),
        ("clips.jsonl", b'{"file": "x.mp4", "sentence": "hello", "fps": 25}\n'),
        ("clips.csv", b"path,transcript\nx.mp4,hello\na/x.mp4,hello\n"),
    ],
)
def test_a_row_that_fits_clips_of_several_folders_is_ambiguous(
    read: TakeIn, name: str, table: bytes
):
    result = read({**FOLDERS, name: table}, crop="full")

    assert ("x.mp4", "ambiguous_clip") in reasons(result)
    (row,) = (problem for problem in result.problems if problem.code == "ambiguous_clip")
    assert "a/x.mp4, b/x.mp4" in row.detail
    assert row.remedy == "write the path of the clip in the upload, such as a/x.mp4"
    assert "unused_table" not in notes_of(result)


@pytest.mark.parametrize("table", [b"path,fps,size\nx.mp4,25,3\n", b"speaker,age\nx,30\n"])
def test_a_table_of_other_facts_stays_unused(read: TakeIn, table: bytes):
    texts = {"a/x.txt": b"hello", "b/x.txt": b"hello"}

    result = read({**FOLDERS, **texts, "facts.csv": table}, crop="full")

    assert (result.problems, len(result.clips)) == ((), 2)
    assert notes_of(result)["unused_table"] == 1


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("second", ["x.mp4", "./x.mp4", "x.txt"])
def test_two_files_of_one_name_are_refused_by_name(taken_in: TakeIn, second: str):
    contents = {"x.mp4": clip(frames=7), "./x.mp4": clip(frames=7), "x.txt": b"goodbye"}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x.mp4", clip(frames=6))
        archive.writestr("x.txt", b"hello")
        archive.writestr(second, contents[second])

    result = taken_in(file.getvalue(), limits=CLIP_LIMITS, kind="clips", crop="full")

    repeated = second.removeprefix("./")
    assert reasons(result) == [("", "clips_refused"), (repeated, "duplicate_name")]
    assert result.clips == ()
    assert result.problems[1].remedy
