"""HTTP calls of a shell block: what its ``curl`` commands send."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from tests.docs.shell_words import commands_in, with_ids

_FLAGS = {"-s", "-sS", "-N", "-G", "--fail-with-body"}
_CURL = {"curl", "api"}
"""Pages define ``api`` as curl with the key."""
_BASE = re.compile(r"^(?:\$ZOO_URL|http://127\.0\.0\.1:8080)(?=/)")
_VARIABLE = re.compile(r"\$[A-Z]+\b")
_LIST = ("-H", "-F", "--data-urlencode")
_ONCE = ("-X", "-d", "--data-binary", "-o")


@dataclass(frozen=True)
class HttpCall:
    """One request."""

    verb: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    form: tuple[str, ...]
    body: Any = field(default=None)


def calls_in(text: str) -> Iterator[HttpCall]:
    """The calls of a block; a ``curl`` without an address belongs to a function of the shell."""
    for words in commands_in(text):
        if words[0] in _CURL and any(_BASE.match(word) for word in words):
            yield _call(words[1:])


def _call(words: Sequence[str]) -> HttpCall:
    options: dict[str, list[str]] = {name: [] for name in (*_LIST, *_ONCE)}
    flags, addresses = set(), []
    rest = iter(words)
    for word in rest:
        if word in options:
            options[word].append(next(rest))
        elif word in _FLAGS:
            flags.add(word)
        else:
            addresses.append(word)
    (address,) = addresses
    path, _, query = _BASE.sub("", address).partition("?")
    headers = dict(re.split(r":\s*", header, maxsplit=1) for header in options["-H"])
    return HttpCall(
        verb=_verb(options, flags),
        path=path,
        query=dict(parse_qsl(query))
        | dict(text.split("=", 1) for text in options["--data-urlencode"]),
        headers=headers,
        form=tuple(text.partition("=")[0] for text in options["-F"]),
        body=json.loads(with_ids(options["-d"][0])) if options["-d"] else None,
    )


def _verb(options: dict[str, list[str]], flags: set[str]) -> str:
    if options["-X"]:
        return options["-X"][0].lower()
    sends = any(options[name] for name in ("-d", "-F", "--data-binary"))
    return "post" if sends and "-G" not in flags else "get"
