"""What is said in a clip: the text, cleaned, and its pinyin if it is Mandarin."""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache

from workers.methods.dataset_ingestion.clips.texts import ClipText, TextForm
from workers.torchkit.clip_reading.problems import clip_problem

LONGEST_TRANSCRIPT = 5000
_HAN = re.compile(r"[\u3007\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")
_SYLLABLE = re.compile(r"[a-z]{1,6}[1-5]")
# Combining macron, acute, caron (or breve, which many type instead) and grave.
_TONE_MARKS = {"\u0304": "1", "\u0301": "2", "\u030c": "3", "\u0306": "3", "\u0300": "4"}
_NEUTRAL_TONE = "5"
_SILENCE = frozenset({"sil", "sp"})
_PARTS_OF_A_LINE = 3


@dataclass(frozen=True)
class Transcript:
    """The words of a clip, and one syllable with its tone number for every character of Mandarin.

    Without a transcript the text is empty.
    """

    text: str
    pinyin: tuple[str, ...] | None

    @property
    def has_han(self) -> bool:
        """Whether some of it is Chinese."""
        return _HAN.search(self.text) is not None


def cleaned(text: str) -> str:
    """The text in NFKC with single spaces; of text that is all Chinese, the characters alone.

    Raises:
        ClipProblemError: ``empty_transcript`` or ``transcript_too_long``.
    """
    wide = unicodedata.normalize("NFKC", text)
    plain = "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in wide)
    words = " ".join(plain.split())
    letters = [character for character in words if unicodedata.category(character)[0] in "LMN"]
    if not letters:
        raise clip_problem(
            "empty_transcript", "the transcript has no letter", "write down what is said"
        )
    if len(words) > LONGEST_TRANSCRIPT:
        raise clip_problem(
            "transcript_too_long",
            f"the transcript has {len(words)} characters, {LONGEST_TRANSCRIPT} are allowed",
            "cut the clip",
        )
    return "".join(letters) if all(map(_HAN.fullmatch, letters)) else words


def transcript_of(text: str, stated_pinyin: str | None) -> Transcript:
    """The words with their pinyin, which is the stated one, else that of pypinyin.

    Raises:
        ClipProblemError: Of ``cleaned``; ``pinyin_form``; ``pinyin_mismatch``; ``decoder_missing``.
    """
    words = cleaned(text)
    if stated_pinyin is not None and stated_pinyin.strip():
        return Transcript(words, _stated(stated_pinyin, characters=len(words)))
    if not all(map(_HAN.fullmatch, words)):
        return Transcript(words, None)
    syllables = _syllables(words)
    return Transcript(words, syllables if len(syllables) == len(words) else None)


def transcript_of_text(text: ClipText) -> Transcript:
    """The words that an upload states of a clip; empty if it states none.

    Raises:
        ClipProblemError: Of ``transcript_of`` and ``words_of_alignment``.
    """
    if text.words is None:
        return Transcript("", None)
    is_alignment = text.form is TextForm.ALIGNMENT
    words = words_of_alignment(text.words) if is_alignment else text.words
    return transcript_of(words, text.pinyin)


def words_of_alignment(text: str) -> str:
    """The words of a GRID ``.align`` file, whose lines are start, end and word; silence is left out.

    Raises:
        ClipProblemError: ``broken_alignment``.
    """
    words = []
    for line in text.splitlines():
        parts = line.split()
        if not parts:
            continue
        if len(parts) != _PARTS_OF_A_LINE or not (parts[0] + parts[1]).isdecimal():
            raise clip_problem(
                "broken_alignment",
                f"the line {line[:60]!r} is not start, end and word",
                "write one word a line as start, end, word",
            )
        words.append(parts[2])
    return " ".join(word for word in words if word not in _SILENCE)


@cache
def pinyin_source() -> str:
    """The library that reads pinyin, with its version and settings.

    Raises:
        ClipProblemError: ``decoder_missing``.
    """
    try:
        import pypinyin
    except ImportError as error:
        raise clip_problem(
            "decoder_missing",
            "transcripts in Chinese need the library pypinyin, which the workers lack",
            "install the extra `zooscope[clips]` where the workers run",
        ) from error
    return f"pypinyin {pypinyin.__version__}, TONE3 with 5 for the neutral tone, v for ü"


def _syllables(words: str) -> tuple[str, ...]:
    """The reading of the whole sentence, one syllable a character."""
    pinyin_source()
    from pypinyin import Style, lazy_pinyin

    syllables = lazy_pinyin(
        words, style=Style.TONE3, neutral_tone_with_five=True, v_to_u=False, errors="ignore"
    )
    return tuple(syllables)


def _stated(text: str, *, characters: int) -> tuple[str, ...]:
    """The syllables of a pinyin column with tone numbers, v for ü.

    Tones are numbers (``ni3 hao3``) or marks (``nǐ hǎo``). Beside a syllable with a mark, one without is
    in the neutral tone; a column without any tone is refused, since nobody said which they are.
    """
    parts = [unicodedata.normalize("NFD", part.lower()) for part in text.split()]
    is_marked = any(mark in part for part in parts for mark in _TONE_MARKS)
    syllables = tuple(_with_number(part, is_marked=is_marked) for part in parts)
    for syllable, part in zip(syllables, parts, strict=True):
        if _SYLLABLE.fullmatch(syllable) is None:
            stated = unicodedata.normalize("NFC", part)
            raise clip_problem(
                "pinyin_form",
                f"{stated[:20]!r} is not a syllable with its tone",
                "write pinyin like `ni3 hao3`, with 5 for the neutral tone, or like `nǐ hǎo`",
            )
    if len(syllables) != characters:
        raise clip_problem(
            "pinyin_mismatch",
            f"{len(syllables)} syllables stand for {characters} characters",
            "give one syllable for each character, and none for punctuation",
        )
    return syllables


def _with_number(part: str, *, is_marked: bool) -> str:
    """A decomposed syllable with the number of its tone; unchanged if it has none or several."""
    plain = part.replace("u\u0308", "v").replace("u:", "v")
    for mark in _TONE_MARKS:
        # The mark of a tone may stand before or after the dots of ü.
        plain = plain.replace(f"u{mark}\u0308", f"v{mark}")
    marks = [letter for letter in plain if letter in _TONE_MARKS]
    if plain[-1:].isdecimal() or len(marks) > 1 or not (marks or is_marked):
        return plain
    tone = _TONE_MARKS[marks[0]] if marks else _NEUTRAL_TONE
    return "".join(letter for letter in plain if letter not in _TONE_MARKS) + tone
