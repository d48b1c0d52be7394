"""A file name is UTF-8 in NFC without control characters; folders stay only where they are labels."""

import pytest

from service.core.errors import InvalidRequestError
from service.core.file_names import (
    content_disposition,
    disposition_parameters,
    file_name,
    relative_name,
)

DECOMPOSED = "cafe\u0301"
HEADERS = {
    "plain": (b'form-data; name="file"; filename="a.png"', "a.png"),
    "UTF-8": ('form-data; name="file"; filename="東京/é.png"'.encode(), "東京/é.png"),
    "extended": (b"form-data; name=file; filename*=UTF-8''caf%C3%A9%2Fa.png", "café/a.png"),
    "both": (b"form-data; filename*=utf-8'fr'%E2%82%AC; filename=\"euro\"", "€"),
    "quotes of a browser": (b'form-data; filename="a%22b.png"', 'a"b.png'),
    "quotes of a program": (b'form-data; filename="a\\"; x=\\"b.png"', 'a"; x="b.png'),
    "a folder of Windows": (b'form-data; filename="a\\b.png"', "a\\b.png"),
    "no name": (b"form-data", None),
}


@pytest.mark.parametrize("case", HEADERS)
def test_a_header_of_a_form_names_the_file(case: str):
    header, name = HEADERS[case]

    assert disposition_parameters(header).get("filename") == name


@pytest.mark.parametrize(
    "header",
    [b'form-data; filename="caf\xe9.png"', b"form-data; filename*=latin-1''caf%E9", b"form-data; filename*=x"],
)  # fmt: skip
def test_a_name_that_is_not_utf8_is_refused_and_never_damaged(header: bytes):
    with pytest.raises(InvalidRequestError) as caught:
        disposition_parameters(header)

    assert caught.value.code == "invalid_file_name"
    assert "UTF-8" in (caught.value.remedy or "")


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (f"{DECOMPOSED}.pt2", "café.pt2"),
        ("../../etc/passwd", "passwd"),
        ("C:\\nets\\fox.pt2", "fox.pt2"),
        ("", ""),
    ],
)
def test_the_name_of_a_file_is_the_last_part_in_nfc(sent: str, stored: str):
    assert file_name(sent) == stored


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        (f"{DECOMPOSED}/1.png", "café/1.png"),
        ("/a//./b.png", "a/b.png"),
        ("cats\\tom.png", "cats/tom.png"),
    ],
)
def test_a_relative_name_keeps_its_folders(sent: str, stored: str):
    assert relative_name(sent) == stored


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "a\x7f", "a\x85b", "gnp\u202e.exe", "a\ud800"])
@pytest.mark.parametrize("rule", [file_name, relative_name])
def test_control_characters_are_refused(rule, name: str):
    with pytest.raises(InvalidRequestError) as caught:
        rule(name)

    assert caught.value.code == "invalid_file_name"


@pytest.mark.parametrize("name", ["", "..", "a/../../b", "///", "a" * 600])
def test_a_path_that_leaves_its_folder_is_refused(name: str):
    with pytest.raises(InvalidRequestError):
        relative_name(name)


def test_a_download_has_an_ascii_name_and_the_real_one():
    header = content_disposition("café 東京.pt2")

    assert header == (
        "attachment; filename=\"caf____.pt2\"; filename*=UTF-8''caf%C3%A9%20%E6%9D%B1%E4%BA%AC.pt2"
    )
    assert disposition_parameters(header.encode())["filename"] == "café 東京.pt2"
    assert content_disposition("fox.pt2") == 'attachment; filename="fox.pt2"'
