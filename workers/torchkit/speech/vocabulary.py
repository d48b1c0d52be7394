"""The tokens of a reader: four that no text contains, then those of the training texts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

PAD, START, END, UNKNOWN = 0, 1, 2, 3
SPECIAL = 4


@dataclass(frozen=True)
class Vocabulary:
    """Tokens by number; those of texts begin at 4.

    Attributes:
        tokens: Characters, syllables or tones, without repetition.
    """

    tokens: tuple[str, ...]

    @classmethod
    def of(cls, texts: Iterable[Sequence[str]]) -> "Vocabulary":
        """The sorted tokens of all texts."""
        return cls(tuple(sorted({token for text in texts for token in text})))

    def __len__(self) -> int:
        """Number of tokens with the four special ones."""
        return SPECIAL + len(self.tokens)

    def numbers(self, text: Sequence[str]) -> list[int]:
        """The numbers of a text's tokens; 3 for those that the training texts lack."""
        return [self._numbers.get(token, UNKNOWN) for token in text]

    def text(self, numbers: Iterable[int]) -> list[str]:
        """The tokens of numbers; special ones are left out."""
        return [self.tokens[number - SPECIAL] for number in numbers if number >= SPECIAL]

    def missing(self, text: Sequence[str]) -> set[str]:
        """Tokens of the text that the training texts lack."""
        return set(text) - set(self.tokens)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {token: SPECIAL + index for index, token in enumerate(self.tokens)}
