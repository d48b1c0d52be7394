"""Names of local files as the zoo takes them: UTF-8, in Unicode's normal form C."""

import unicodedata

from zooscope.client.errors import ZooClientError


def wire_name(name: str) -> str:
    """The name in NFC, in which equal names have equal bytes on every system.

    Raises:
        ZooClientError: ``invalid_file_name``: it is not UTF-8 or has control characters.
    """
    normal = unicodedata.normalize("NFC", name)
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in normal):
        raise ZooClientError(
            f"the file name {name!r} has control characters or is not UTF-8",
            code="invalid_file_name",
            remedy="rename the file",
        )
    return normal
