"""What the texts of a reader are worth, beside one text that is always the same.

Axes: as in ``error_rates``.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.core.counts import counted
from service.core.near_chance import CODE
from workers.torchkit.speech.error_rates import ErrorCounts, edit_distance
from workers.torchkit.speech.inputs import HELD_OUT, rates

_CANDIDATES, _COMPARED = 24, 96


@dataclass(frozen=True)
class ReadTexts:
    """What is said in clips, and what a reader wrote, in the same order."""

    transcripts: tuple[str, ...]
    texts: tuple[str, ...]

    def errors(self) -> ErrorCounts:
        """Errors per character."""
        return ErrorCounts.of(self.transcripts, self.texts)

    def word_errors(self) -> ErrorCounts | None:
        """Errors per word; None where no transcript has a space."""
        if not any(" " in transcript for transcript in self.transcripts):
            return None
        return ErrorCounts.of(
            [transcript.split() for transcript in self.transcripts],
            [text.split() for text in self.texts],
        )

    def lead_over(self, text: str) -> tuple[ErrorCounts, tuple[float, float, float]]:
        """Errors of always the same text, and how much fewer these are, with its interval."""
        same = ErrorCounts.of(self.transcripts, [text] * len(self.transcripts))
        return same, same.difference(self.errors())


def likeliest_text(transcripts: Sequence[str]) -> str:
    """The frequent transcript with the lowest error rate on the others, or no text if that is lower.

    Of many transcripts, the most frequent ones and an even choice of the others are compared.
    """
    counts = Counter(transcripts)
    names = sorted(counts, key=lambda name: (-counts[name], name))
    ordered = sorted(transcripts)
    compared = ordered[:: max(1, len(ordered) // _COMPARED)]
    return min(
        [*names[:_CANDIDATES], ""], key=lambda text: (_rate_on_others(text, compared), text)
    )


def _rate_on_others(text: str, transcripts: Sequence[str]) -> float:
    """The error rate of always this text on all transcripts but this; 0 if there are none."""
    others = [transcript for transcript in transcripts if transcript != text]
    errors = sum(edit_distance(transcript, text) for transcript in others)
    return errors / max(1, sum(map(len, others)))


def measures(read: Mapping[str, ReadTexts], same_text: str) -> dict[str, float]:
    """Error rates and leads with the bounds of their 95 % intervals, by set of clips.

    Args:
        same_text: The text that a reader would write which reads no clip.
    """
    numbers: dict[str, float] = {}
    for name, part in read.items():
        numbers |= rates({f"{name}_error": part.errors()})
        words = part.word_errors()
        if words is not None:
            numbers |= rates({f"{name}_word_error": words})
        same, lead = part.lead_over(same_text)
        numbers[f"{name}_same_text_error"] = same.rate()
        numbers |= interval(f"{name}_lead_over_same_text", lead)
    return numbers


def interval(name: str, values: tuple[float, float, float]) -> dict[str, float]:
    """A number with the bounds of its interval, by name."""
    return dict(zip((name, f"{name}_low", f"{name}_high"), values, strict=True))


def chance_warnings(
    quality: Mapping[str, float], clips: str = HELD_OUT
) -> tuple[dict[str, str], ...]:
    """The warning that a reader is not better than a text that is always the same.

    Args:
        clips: What names of the held-out measures begin with.
    """
    low = quality.get(f"{clips}_lead_over_same_text_low")
    if low is None or low > 0:
        return ()
    return (
        {
            "code": CODE,
            "detail": "the reader learned little or nothing: on held-out clips its error rate is"
            f" {quality[f'{clips}_error']:.3f}, and always the same text reaches"
            f" {quality[f'{clips}_same_text_error']:.3f}",
            "remedy": "train longer, on more clips or with another learning rate, and check the"
            " transcripts",
        },
    )


def overlap_warnings(
    learned: Sequence[str], read: Mapping[str, ReadTexts]
) -> tuple[dict[str, str], ...]:
    """The warning that clips to evaluate on say sentences that the training learned."""
    sentences = set(learned)
    evaluated = [text for part in read.values() for text in part.transcripts]
    shared = sum(text in sentences for text in evaluated)
    if not shared:
        return ()
    return (
        {
            "code": "sentences_overlap",
            "detail": f"{shared} of {counted(len(evaluated), 'clip')} to evaluate on say sentences"
            " that the training learned too, so that its error rate looks better than on others",
            "remedy": "leave these clips out of the evaluation dataset, or omit eval_dataset_id to"
            " hold out sentences",
        },
    )
