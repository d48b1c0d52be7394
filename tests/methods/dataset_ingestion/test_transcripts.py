"""What is said in a clip comes from a table, a text or an alignment, and Mandarin gets its pinyin."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.clip_files import clip
from tests.methods.dataset_ingestion.uploads import LIMITS, notes_of, reasons, zipped
from workers.methods.dataset_ingestion import DatasetIngestionResult
from workers.methods.dataset_ingestion.clips.transcripts import transcript_of, words_of_alignment
from workers.torchkit.clip_reading.problems import ClipProblemError

Read = Callable[..., DatasetIngestionResult]
READINGS = Path(__file__).parents[4] / "shared/data/real/audio/pinyin_data"
FIRST, SECOND = clip(frames=6), clip(frames=7)


@pytest.fixture
def read(taken_in: Callable[..., DatasetIngestionResult]) -> Read:
    """Reads an upload of clips that are crops already."""

    def read(files: dict[str, bytes], **manifest: object) -> DatasetIngestionResult:
        limits = replace(LIMITS, image_pixels=10**6)
        return taken_in(zipped(files), limits=limits, kind="clips", crop="full", **manifest)

    return read


def transcripts_in(result: DatasetIngestionResult) -> dict[str, str]:
    return {entry.name: entry.transcript for entry in result.clips}


def test_a_table_gives_transcript_pinyin_and_speaker(read: Read):
    table = "path,transcript,pinyin,speaker\na.mp4,长大,zhang3 da4,Li\nb.mp4,hello,,\n".encode()

    result = read({"a.mp4": FIRST, "b.mp4": SECOND, "clips.csv": table})

    assert result.problems == ()
    first, second = result.clips
    assert (first.transcript, first.pinyin, first.speaker) == ("长大", ("zhang3", "da4"), "Li")
    assert (second.transcript, second.pinyin, second.speaker) == ("hello", None, None)


def test_json_lines_and_a_named_column_do_as_well(read: Read):
    rows = [{"file": "a.mp4", "en": "one", "zh": "一"}, {"file": "b.mp4", "en": "two", "zh": "二"}]
    files = {"a.mp4": FIRST, "b.mp4": SECOND, "c.jsonl": "\n".join(map(json.dumps, rows)).encode()}

    assert transcripts_in(read(files, transcript_column="en")) == {"a.mp4": "one", "b.mp4": "two"}
    assert reasons(read(files)) == [("", "ambiguous_transcripts")]
    assert reasons(read(files, transcript_column="fr"))[0] == ("", "unknown_column")


def test_texts_and_alignments_stand_beside_their_clips(read: Read):
    grid = b"0 23750 sil\n23750 29500 bin\n29500 34000 blue\n34000 74500 sil\n"

    result = read(
        {
            "v/a.mp4": FIRST,
            "v/a.txt": b"\xef\xbb\xbfgood\nday",
            "v/b.mp4": SECOND,
            "t/b.align": grid,
        }
    )

    assert transcripts_in(result) == {"v/a.mp4": "good day", "v/b.mp4": "bin blue"}


BAD_TEXTS = {
    "empty": (b"", "empty_transcript"),
    "spaces": (b" \n\t", "empty_transcript"),
    "punctuation": ("。！ …".encode(), "empty_transcript"),
    "too long": (b"a " * 3000, "transcript_too_long"),
}


@pytest.mark.parametrize("case", BAD_TEXTS)
def test_a_clip_without_words_is_refused_by_name(read: Read, case: str):
    text, code = BAD_TEXTS[case]

    result = read({"a.mp4": FIRST, "a.txt": text, "b.mp4": SECOND, "b.txt": b"yes"})

    assert reasons(result) == [("", "clips_refused"), ("a.mp4", code)]


def test_clips_and_rows_without_each_other_are_named(read: Read):
    table = b"path,transcript\na.mp4,yes\nc.mp4,no\n"

    result = read({"a.mp4": FIRST, "b.mp4": SECOND, "t.csv": table}, on_error="skip")

    assert transcripts_in(result) == {"a.mp4": "yes"}
    assert set(reasons(result)[1:]) == {("c.mp4", "missing_clip"), ("b.mp4", "no_transcript")}


def test_a_clip_with_two_transcripts_is_refused(read: Read):
    table = b"path,transcript\na.mp4,yes\na.mp4,no\n"

    result = read({"a.mp4": FIRST, "t.csv": table})

    assert ("a.mp4", "several_transcripts") in reasons(result)


def test_a_clip_that_occurs_twice_counts_once(read: Read):
    files = {"a.mp4": FIRST, "a.txt": b"yes", "b.mp4": FIRST, "b.txt": b"no"}

    result = read(files)

    assert transcripts_in(result) == {"a.mp4": "yes"}
    assert (notes_of(result)["duplicates"], notes_of(result)["contradicting_duplicates"]) == (1, 1)


def test_nothing_that_is_a_clip_is_said_so(read: Read):
    assert reasons(read({"a.txt": b"yes"})) == [("", "no_clips")]


def test_names_of_folders_and_files_that_are_no_clips_are_noted(read: Read):
    result = read({"a.mp4": FIRST, "a.txt": b"yes", "README.md": b"hi", "other.txt": b"no"})

    assert notes_of(result)["skipped_files"] == 2


TEXTS = {
    "你好，世界。": ("你好世界", ("ni3", "hao3", "shi4", "jie4")),
    "绿 女": ("绿女", ("lv4", "nv3")),
    "妈妈": ("妈妈", ("ma1", "ma1")),
    "银行": ("银行", ("yin2", "hang2")),
    "３点 abc": ("3点 abc", None),
    "ＡＢＣ　ok": ("ABC ok", None),
    "cafe\u0301": ("café", None),
}


@pytest.mark.parametrize("text", TEXTS)
def test_transcripts_are_cleaned_and_mandarin_gets_pinyin(text: str):
    transcript = transcript_of(text, None)

    assert (transcript.text, transcript.pinyin) == TEXTS[text]


PINYIN = {
    "ni3": "pinyin_mismatch",
    "ni3 hao3 ma5": "pinyin_mismatch",
    "ni hao": "pinyin_form",
    "nǐ3 hao3": "pinyin_form",
    "nǐǐ hǎo": "pinyin_form",
    "ñí hǎo": "pinyin_form",
    "ni hao3": "pinyin_form",
    "ni3 hao7": "pinyin_form",
}


@pytest.mark.parametrize("stated", PINYIN)
def test_pinyin_of_another_length_or_form_is_refused(stated: str):
    with pytest.raises(ClipProblemError) as refused:
        transcript_of("你好", stated)

    assert refused.value.code == PINYIN[stated]


def test_a_stated_reading_wins_and_may_write_u_with_dots():
    assert transcript_of("很长", "hen3 chang2").pinyin == ("hen3", "chang2")
    assert transcript_of("绿女", "lü4 nu:3").pinyin == ("lv4", "nv3")


MARKED = {
    "nǐ hǎo": ("ni3", "hao3"),
    "Mā mA": ("ma1", "ma5"),
    "lǜ nǚ": ("lv4", "nv3"),
    "lu\u0300\u0308 nu:\u030c": ("lv4", "nv3"),
    "shān dōng": ("shan1", "dong1"),
    "huáng ĕr": ("huang2", "er3"),
    "nǐ hao3": ("ni3", "hao3"),
}


@pytest.mark.parametrize("stated", MARKED)
def test_tones_may_be_marks(stated: str):
    assert transcript_of("你好", stated).pinyin == MARKED[stated]


def test_marked_pinyin_of_the_library_becomes_its_numbered_pinyin():
    from pypinyin import Style, lazy_pinyin

    text = "我们在北京银行门口问女儿绿色的眼镜多少钱去年春天下雨了吗"
    marked = " ".join(lazy_pinyin(text, style=Style.TONE))

    assert transcript_of(text, marked).pinyin == transcript_of(text, None).pinyin


def test_a_broken_alignment_is_refused():
    with pytest.raises(ClipProblemError) as refused:
        words_of_alignment("0 10 sil\nhello\n")

    assert refused.value.code == "broken_alignment"


def readings_in(file: Path) -> dict[str, set[str]]:
    """The readings of each character in a published table."""
    from pypinyin.contrib.tone_convert import to_tone3

    readings = {}
    for line in file.read_text(encoding="utf-8").splitlines():
        code, _, rest = line.partition(":")
        if code.startswith("U+"):
            listed = rest.partition("#")[0].strip().split(",")
            readings[chr(int(code.removeprefix("U+"), base=16))] = {
                to_tone3(part.strip(), neutral_tone_with_five=True, v_to_u=False)
                for part in listed
            }
    return readings


@pytest.mark.real_data
@pytest.mark.skipif(not READINGS.exists(), reason="needs the shared folder of real data")
def test_every_reading_is_among_the_published_readings():
    published = readings_in(READINGS / "pinyin.txt")
    characters = readings_in(READINGS / "kMandarin_8105.txt")

    wrong = [
        character
        for character in characters
        if (transcript_of(character, None).pinyin or ("",))[0] not in published[character]
    ]

    assert (len(characters), wrong) == (8105, [])
