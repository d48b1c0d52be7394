"""Do the sounds of GRID clips agree with their transcripts? An independent recognizer answers.

    pip install --no-deps pocketsphinx
    python -m benchmarks.talking_mouth.grid FOLDER

FOLDER holds GRID clips whose names spell their sentences (``sbwe5n``: set blue with e five now).
pocketsphinx (BSD, its US-English model is in the wheel) hears each clip under a grammar of all GRID
sentences. A clip is doubtful when it hears at least three of six words differently. The rows go into
docs/results/talking_mouth.json under ``grid``.
"""

import argparse
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.talking_mouth import results
from workers.torchkit.clip_reading.containers import ClipLimits
from workers.torchkit.clip_reading.sound import sound_of
from workers.torchkit.speech.error_rates import edit_distance

LIMITS = ClipLimits(bytes=2**27, seconds=60.0, pixels=2**22)
DOUBTFUL = 3
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_LETTERS = "abcdefghijklmnopqrstuvxyz"  # GRID has no w
_SLOTS: tuple[dict[str, str], ...] = (
    {"b": "bin", "l": "lay", "p": "place", "s": "set"},
    {"b": "blue", "g": "green", "r": "red", "w": "white"},
    {"a": "at", "b": "by", "i": "in", "w": "with"},
    {letter: letter for letter in _LETTERS},
    {"z" if digit == "zero" else str(number): digit for number, digit in enumerate(_DIGITS)},
    {"a": "again", "n": "now", "p": "please", "s": "soon"},
)


@dataclass(frozen=True)
class Hearing:
    """What a clip's name says, what the recognizer hears, and in how many words they differ."""

    clip: str
    transcript: str
    recognized: str
    different_words: int


def sentence_of(name: str) -> str:
    """The sentence that the last six letters of a clip's name spell.

    Raises:
        ValueError: They spell none.
    """
    code = name[-len(_SLOTS) :]
    if len(code) != len(_SLOTS) or any(
        c not in slot for c, slot in zip(code, _SLOTS, strict=True)
    ):
        raise ValueError(f"{name} spells no GRID sentence")
    return " ".join(slot[c] for c, slot in zip(code, _SLOTS, strict=True))


def grammar() -> str:
    """All GRID sentences as a JSpeech grammar."""
    slots = " ".join(f"( {' | '.join(slot.values())} )" for slot in _SLOTS)
    return f"#JSGF V1.0;\ngrammar grid;\npublic <sentence> = {slots} ;\n"


def hearings(folder: Path) -> list[Hearing]:
    """Every clip of the folder, heard alone."""
    return [_hearing(clip) for clip in sorted(folder.rglob("*.mpg"), key=lambda clip: clip.stem)]


def _hearing(clip: Path) -> Hearing:
    sound = sound_of(clip, LIMITS)
    recognized = (
        "" if sound is None else _recognized((sound.samples * 32767).short().numpy().tobytes())
    )
    transcript = sentence_of(clip.stem)
    different = edit_distance(transcript.split(), recognized.split())
    return Hearing(clip.stem, transcript, recognized, different)


def _recognized(samples: bytes) -> str:
    """The GRID sentence that fits 16 000 samples of 16 bits a second best."""
    from pocketsphinx import Decoder

    decoder: Any = Decoder(lm=None, loglevel="FATAL")
    decoder.add_jsgf_string("grid", grammar())
    decoder.activate_search("grid")
    decoder.start_utt()
    decoder.process_raw(samples, full_utt=True)
    decoder.end_utt()
    hypothesis = decoder.hyp()
    return hypothesis.hypstr if hypothesis else ""


def main() -> None:
    """Hears the clips of a folder and names those that are doubtful."""
    parser = argparse.ArgumentParser(prog="talking_mouth.grid")
    parser.add_argument("folder", type=Path)
    rows = hearings(parser.parse_args().folder)
    for row in rows:
        doubt = "  DOUBTFUL" if row.different_words >= DOUBTFUL else ""
        print(f"{row.clip:18}{row.transcript:34}{row.recognized:34}{row.different_words}{doubt}")
    everything = results.stored()
    everything["grid"] = [asdict(row) for row in rows]
    results.keep(everything)


if __name__ == "__main__":
    main()
