"""The commands of a shell block, split into words as a shell does."""

import re
import shlex
from collections.abc import Iterator

_HERE_DOCUMENT = re.compile(r"<<'?(\w+)'?$(.*?)^\1$", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(?:^|(?<=\s))# .*$", re.MULTILINE)
_BREAKS = "();<>|&\n"
_BEFORE_A_COMMAND = re.compile(r"export|[{}!]|\w+=.*", re.DOTALL)
SUBSTITUTED = "xyz_substituted"
"""Stands for what a ``$(…)`` prints, which may be an id."""

_VARIABLE = re.compile(r"\$\{?([A-Z_]+)\}?")
_DATASETS = frozenset({"PROBES", "TARGET", "DIGITS", "EVALUATION"})


def with_ids(text: str) -> str:
    """The JSON text with an id of a dataset or a model instead of every variable and ``$(…)``."""
    named = _VARIABLE.sub(lambda m: "dst_1" if m[1] in _DATASETS else "mdl_1", text)
    with_datasets = re.sub(rf'(dataset_id": *"){SUBSTITUTED}', r"\1dst_1", named)
    return with_datasets.replace(SUBSTITUTED, "mdl_1")


def commands_in(text: str) -> Iterator[list[str]]:
    """The words of every command, without assignments and redirections; first those in ``$(…)``."""
    joined = without_comments(_HERE_DOCUMENT.sub("", text)).replace("\\\n", " ")
    substitutions, rest = _split_off_substitutions(joined)
    for substitution in substitutions:
        yield from commands_in(substitution)
    yield from _commands_without_substitutions(rest)


def without_comments(text: str) -> str:
    """The text of a block, in a shell's or in Python, without its comments."""
    return _COMMENT.sub("", text)


def _split_off_substitutions(text: str) -> tuple[list[str], str]:
    """What stands in the outermost ``$(…)``, and the text with SUBSTITUTED instead."""
    substitutions = []
    while (start := text.find("$(")) >= 0:
        end = _closing(text, start + 1)
        substitutions.append(text[start + 2 : end])
        text = text[:start] + SUBSTITUTED + text[end + 1 :]
    return substitutions, text


def _closing(text: str, opening: int) -> int:
    """The position of the parenthesis that closes the one at ``opening``."""
    depth = 0
    for position in range(opening, len(text)):
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        if depth == 0:
            return position
    raise ValueError(f"a parenthesis stays open: {text[opening : opening + 60]!r}")


def _commands_without_substitutions(text: str) -> Iterator[list[str]]:
    lexer = shlex.shlex(text, posix=True, punctuation_chars=_BREAKS)
    lexer.whitespace, lexer.whitespace_split, lexer.commenters = " \t", True, ""
    words: list[str] = []
    redirected = False
    for token in [*lexer, "\n"]:
        if not set(token) <= set(_BREAKS):
            if not redirected and (words or not _BEFORE_A_COMMAND.fullmatch(token)):
                words.append(token)
            redirected = False
            continue
        redirected = "<" in token or ">" in token
        if not redirected and words:
            yield words
            words = []
