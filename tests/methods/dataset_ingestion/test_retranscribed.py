"""New transcripts for the clips of a dataset, which are not decoded again."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.clip_files import clip
from tests.methods.dataset_ingestion.test_clips import CLIP_LIMITS, TakeIn, read
from tests.methods.dataset_ingestion.uploads import notes_of, reasons, zipped
from workers.methods.dataset_ingestion import DatasetIngestionResult
from workers.methods.dataset_ingestion.upload_reader import ClipStock

__all__ = ["read"]

Say = Callable[..., DatasetIngestionResult]
CLIPS = {"v/a.mp4": clip(frames=6), "v/b.mp4": clip(frames=7)}


@pytest.fixture
def say(read: TakeIn, taken_in: TakeIn, tmp_path: Path) -> Say:
    """Reads transcripts for two clips, which have ``texts`` or nothing so far."""

    def say(
        upload: bytes,
        *,
        filename: str = "said.csv",
        texts: dict[str, bytes] | None = None,
        **manifest: object,
    ) -> DatasetIngestionResult:
        first = read({**CLIPS, **(texts or {})}, crop="full")
        assert first.packed_file is not None
        packed = first.packed_file.rename(tmp_path / "stock.pack")
        stock = ClipStock(packed, first.clips)
        options = {"limits": CLIP_LIMITS, "kind": "clips", "clips_of": "dst_1", **manifest}
        result = taken_in(upload, filename=filename, stock=stock, **options)
        if result.packed_file is not None:
            assert result.packed_file.read_bytes() == packed.read_bytes()
        return result

    return say


def spoken_in(result: DatasetIngestionResult) -> dict[str, tuple[object, ...]]:
    return {c.name: (c.transcript, c.pinyin, c.speaker) for c in result.clips}


def test_clips_without_transcripts_are_a_dataset_that_says_so(read: TakeIn):
    result = read(CLIPS, crop="full")

    assert (result.problems, len(result.clips)) == ((), 2)
    assert {c.transcript for c in result.clips} == {""}
    assert "no_transcripts" in notes_of(result)


FORMS = {
    "csv": ("said.csv", "clip,transcript,speaker\na.mp4,你好,Li\nv/b,hello,\n".encode()),
    "json lines": (
        "said.jsonl",
        '{"file": "a", "text": "你好", "speaker": "Li"}\n{"file": "b", "text": "hello"}\n'.encode(),
    ),
    "texts": (
        "said.zip",
        zipped({
            "v/a.txt": "你好".encode(),
            "v/b.txt": b"hello",
            "s.csv": b"path,transcript,speaker\nnone.mp4,x,y\n",
        }),
    ),
}  # fmt: skip


@pytest.mark.parametrize("form", ["csv", "json lines"])
def test_tables_say_what_is_said(say: Say, form: str):
    filename, upload = FORMS[form]

    result = say(upload, filename=filename)

    assert result.problems == ()
    assert spoken_in(result) == {
        "v/a.mp4": ("你好", ("ni3", "hao3"), "Li"),
        "v/b.mp4": ("hello", None, None),
    }


def test_files_with_the_names_of_clips_say_what_is_said(say: Say):
    result = say(FORMS["texts"][1], filename="said.zip")

    assert result.problems == ()
    assert [text for text, *_ in spoken_in(result).values()] == ["你好", "hello"]
    assert notes_of(result)["unused_table"] == 1


def test_clips_that_the_table_leaves_out_keep_their_words(say: Say):
    texts = {"said.csv": "p,transcript,speaker\na.mp4,你好,Li\nb.mp4,你好,Wu\n".encode()}

    result = say("p,transcript\na.mp4,银行\n".encode(), texts=texts)

    assert spoken_in(result) == {
        "v/a.mp4": ("银行", ("yin2", "hang2"), "Li"),
        "v/b.mp4": ("你好", ("ni3", "hao3"), "Wu"),
    }


def test_pinyin_alone_is_added_to_the_words(say: Say):
    texts = {"v/a.txt": "长".encode(), "v/b.txt": "你好".encode()}

    result = say(b"p,pinyin\na.mp4,zhang3\n", texts=texts)

    assert spoken_in(result)["v/a.mp4"] == ("长", ("zhang3",), None)
    assert spoken_in(result)["v/b.mp4"] == ("你好", ("ni3", "hao3"), None)


BAD = {
    "another clip": (b"p,text\na.mp4,x\nb.mp4,x\nc.mp4,x\n", ("c.mp4", "missing_clip")),
    "no words": (b"p,text\na.mp4,x\nb.mp4,?\n", ("v/b.mp4", "empty_transcript")),
    "one left out": (b"p,text\na.mp4,x\n", ("v/b.mp4", "no_transcript")),
    "two texts": (b"p,text\na.mp4,x\na.mp4,y\nb.mp4,x\n", ("v/a.mp4", "several_transcripts")),
    "pinyin": ("p,text,pinyin\na.mp4,你好,ni3\nb.mp4,x,\n".encode(), ("v/a.mp4", "pinyin_mismatch")),
    "pinyin of nothing": (b"p,text,pinyin\na.mp4,x,\nb.mp4,,ni3\n", ("v/b.mp4", "empty_transcript")),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_bad_rows_are_refused_by_name_or_left_out(say: Say, case: str):
    upload, problem = BAD[case]

    refused, skipped = say(upload), say(upload, on_error="skip")

    assert problem in reasons(refused)
    assert refused.clips == ()
    assert problem in reasons(skipped)
    assert skipped.clips


UNUSABLE = {
    "nothing about the clips": (b"p,text\nz.mp4,x\n", "said.csv", "no_transcripts"),
    "no table": (b"hello", "said.docx", "unknown_form"),
    "no name": (b"p,text\na.mp4,x\n", "", "unknown_form"),
    "a broken zip": (b"PK\x03\x04 and no more", "said.zip", "broken_archive"),
    "no text": (b"p,text\na.mp4,\xff\xfe\xff\n", "said.csv", "broken_label_file"),
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_an_upload_that_says_nothing_is_refused_as_a_whole(say: Say, case: str):
    upload, filename, code = UNUSABLE[case]

    result = say(upload, filename=filename)

    assert reasons(result) == [("", code)]
    assert result.problems[0].remedy
