"""The pages about settings, from ``service.settings``."""

from collections.abc import Mapping
from enum import Enum
from pathlib import Path

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings import Settings

ROOT = Path(__file__).parents[1]

PAGE_TOP = """\
# Settings

Every setting is an environment variable; nothing else is read from the environment, and command-line
options such as `--port` only override these for one command. This page is written from
`service/settings.py` by `make fix`, and `make check` refuses an old one.

| variable | kind | default | what it is |
|---|---|---|---|
"""

EXAMPLE_TOP = """\
# Every setting of Zooscope with its default; uncomment what should differ.
# Written from service/settings.py by `make fix`.
"""


def kind_of(field: FieldInfo) -> str:
    """The type of a setting, in a word or two."""
    annotation = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    text = str(annotation)
    if SecretStr.__name__ in text:
        return "secret text"
    words = {"int": "whole number", "float": "number", "bool": "true or false", "Path": "folder"}
    return next((word for name, word in words.items() if name in text), "text")


def default_of(field: FieldInfo) -> str:
    """The default as one would type it; empty for None."""
    value = field.default
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.15g}" if isinstance(value, float) else str(value)


def settings_page() -> str:
    """The reference page."""
    rows = (
        f"| `ZOO_{name.upper()}` | {kind_of(field)} | {_code(default_of(field))} | {field.description} |"
        for name, field in Settings.model_fields.items()
    )
    return PAGE_TOP + "\n".join(rows) + "\n"


def example() -> str:
    """The file to copy for a deployment."""
    entries = (
        f"\n# {field.description}\n# ZOO_{name.upper()}={default_of(field)}\n"
        for name, field in Settings.model_fields.items()
    )
    return EXAMPLE_TOP + "".join(entries)


def pages() -> Mapping[Path, str]:
    """Each generated file and what it should hold."""
    return {
        ROOT / "docs" / "reference" / "settings.md": settings_page(),
        ROOT / "deploy" / "env.example": example(),
    }


def _code(text: str) -> str:
    return f"`{text}`" if text else "not set"
