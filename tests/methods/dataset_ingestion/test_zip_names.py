"""Names in zips without UTF-8 are read in the language they were written in."""

import pytest

from service.core.manifest import NameEncoding
from tests.methods.dataset_ingestion.uploads import legacy_zip, notes_of, picture, reasons, zipped
from workers.methods.dataset_ingestion.zip_names import decoded, detected_encoding

WORDS = {
    "gbk": ["猫", "狗", "小猫", "金毛犬", "柯基", "猫 2", "cat 猫", "哈士奇"],
    "cp932": ["ねこ", "ネコ", "アイ", "柴犬", "いぬ", "三毛猫", "フェレット", "猫 2"],
    "cp437": ["Müller", "café", "Löwe", "château", "über", "señor", "Österreich"],
    "cp850": ["São Paulo", "Ørsted", "naïve Ação"],
    "cp866": ["кошка", "собака", "Кот"],
    "cp1251": ["кошка", "собака", "Кот"],
    "cp1252": ["Größe", "Hündin", "Straße"],
    "big5": ["貓咪照片", "小狗"],
    "utf-8": ["Café", "猫", "ねこ", "кошка", "고양이", "Ação", "Müller"],
}


@pytest.mark.parametrize(
    ("codec", "word"), [(codec, word) for codec, words in WORDS.items() for word in words]
)
def test_the_encoding_of_one_word_is_detected(codec: str, word: str):
    raw = f"{word}/1.png".encode(codec)

    assert decoded(raw, detected_encoding([raw])) == f"{word}/1.png"


@pytest.mark.parametrize("codec", ["gbk", "cp932", "cp850"])
def test_a_zip_of_another_language_has_its_labels_and_says_how_they_were_read(taken_in, codec):
    word = WORDS[codec][0]
    names = {f"{word}/1.png".encode(codec): picture(shade=1), b"dog/2.png": picture(shade=2)}

    result = taken_in(legacy_zip(names))

    assert set(result.labels) == {word, "dog"}
    (note,) = [note for note in result.notes if note.code == "name_encoding"]
    assert word in note.detail


def test_the_encoding_may_be_stated(taken_in):
    names = {"고양이/1.png".encode("cp949"): picture(shade=1), b"dog/2.png": picture(shade=2)}

    assert set(taken_in(legacy_zip(names), encoding="euc_kr").labels) == {"고양이", "dog"}


def test_names_that_are_not_in_the_stated_encoding_are_refused_by_name(taken_in):
    names = {b"\x81\x20/1.png": picture(shade=1), b"dog/2.png": picture(shade=2)}

    result = taken_in(legacy_zip(names), encoding="gbk")

    assert [code for _, code in reasons(result)] == ["images_refused", "invalid_name"]


def test_names_that_are_marked_as_utf8_and_are_not_do_not_break_the_check(taken_in):
    flagged = zipped({"é/1.png": picture()}).replace("é".encode(), b"\xff\xfe")

    assert reasons(taken_in(flagged)) == [("", "broken_archive")]


@pytest.mark.parametrize("encoding", NameEncoding)
def test_every_encoding_is_one_that_python_has(taken_in, encoding):
    assert (
        taken_in(legacy_zip({b"a\xe9b/1.png": picture()}), encoding=encoding).problems is not None
    )


def test_backslashes_separate_folders(taken_in):
    files = {f"{label}\\{n}.png": picture(shade=n) for label in ("cat", "dog") for n in range(2)}

    result = taken_in(zipped(files))

    assert result.labels == ("cat", "dog")
    assert notes_of(result).keys() >= {"backslashes"}
