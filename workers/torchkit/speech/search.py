"""Greedy and beam search over the tokens of a decoder.

A text's score is the sum of its log-probabilities divided by its number of tokens, the end token
included, to the power of ``normalization``. Beam search of width 1 is greedy search.

Axes: ``clip``; ``token``; ``word`` of the vocabulary; ``row`` one hypothesis.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from workers.torchkit.speech.networks import AttentionDecoder, DecodedTokens, EncodedSequence
from workers.torchkit.speech.texts import text_tokens_only
from workers.torchkit.speech.vocabulary import END, PAD, START

NORMALIZATION = 0.8


@dataclass(frozen=True)
class Hypothesis:
    """A text of token numbers without its end token.

    Attributes:
        log_probabilities: One per token, that of the end token included if there is one.
        finished: Whether the end token was predicted.
    """

    tokens: tuple[int, ...]
    log_probabilities: tuple[float, ...]
    finished: bool

    def score(self, normalization: float = NORMALIZATION) -> float:
        """Length-normalized log-probability; no measure of confidence."""
        length = max(1, len(self.log_probabilities))
        return sum(self.log_probabilities) / math.pow(length, normalization)


@dataclass(frozen=True)
class GreedyTexts:
    """The most likely token at each position of every clip, until its end token.

    Attributes:
        tokens: With the end token; 0 after it.
        log_probabilities: Of the tokens; 0 after the end.
        decoded: What the decoder computed; meaningless after the end.
    """

    tokens: Int64[Tensor, "clip token"]
    log_probabilities: Float[Tensor, "clip token"]
    decoded: DecodedTokens

    def hypotheses(self) -> list[Hypothesis]:
        """The texts clip by clip."""
        return [
            _hypothesis(row, values)
            for row, values in zip(
                self.tokens.tolist(), self.log_probabilities.tolist(), strict=True
            )
        ]


def _hypothesis(row: Sequence[int], values: Sequence[float]) -> Hypothesis:
    length = next((index for index, token in enumerate(row) if token == PAD), len(row))
    finished = length > 0 and row[length - 1] == END
    return Hypothesis(tuple(row[: length - finished]), tuple(values[:length]), finished)


@torch.no_grad()
def greedy_texts(
    decoder: AttentionDecoder,
    memories: Sequence[EncodedSequence],
    hidden: Float[Tensor, "layer clip unit"],
    longest: Int64[Tensor, " clip"],
) -> GreedyTexts:
    """Texts decoded token by token, each at most ``longest`` tokens with its end token."""
    clips = hidden.shape[1]
    token = torch.full((clips, 1), START, device=hidden.device)
    over = torch.zeros(clips, dtype=torch.bool, device=hidden.device)
    tokens, chances, steps = [], [], []
    for length in range(int(longest.max())):
        over = over | (length >= longest)
        if bool(over.all()):
            break
        decoded = decoder(token, memories, hidden)
        chance, best = text_tokens_only(decoded.logits).log_softmax(2).max(2)
        token, hidden = best.masked_fill(over[:, None], PAD), decoded.hidden
        tokens.append(token)
        chances.append(chance.masked_fill(over[:, None], 0.0))
        steps.append(decoded)
        over = over | (token[:, 0] == END)
    return GreedyTexts(torch.cat(tokens, 1), torch.cat(chances, 1), _joined(steps))


def _joined(steps: Sequence[DecodedTokens]) -> DecodedTokens:
    attention = zip(*(step.attention for step in steps), strict=True)
    return DecodedTokens(
        torch.cat([step.logits for step in steps], dim=1),
        torch.cat([step.contexts for step in steps], dim=1),
        tuple(torch.cat(weights, dim=1) for weights in attention),
        steps[-1].hidden,
    )


# Log-probabilities of the next token and the new state, for rows of tokens and their states.
NextTokens = Callable[
    [Int64[Tensor, " row"], Tensor], tuple[Float[Tensor, "row word"], Float[Tensor, "l row u"]]
]


@torch.no_grad()
def beam_hypotheses(
    following: NextTokens,
    hidden: Float[Tensor, "layer 1 unit"],
    *,
    width: int,
    longest: int,
    normalization: float = NORMALIZATION,
) -> list[Hypothesis]:
    """Up to ``width`` texts, best first; of unfinished ones only when none is finished.

    The search ends when no live text can reach the score of the best finished one, or after
    ``longest`` tokens.
    """
    live, finished = [Hypothesis((), (), finished=False)], []
    for length in range(longest):
        last = [text.tokens[-1] if text.tokens else START for text in live]
        chances, states = following(torch.tensor(last, device=hidden.device), hidden)
        candidates = _best_candidates(live, chances, width)
        finished += [text for _, text in candidates if text.finished]
        candidates = [item for item in candidates if not item[1].finished]
        live = [text for _, text in candidates]
        if not live or _settled(live, finished, longest, normalization) or length + 1 == longest:
            break
        hidden = states[:, torch.tensor([row for row, _ in candidates], device=hidden.device)]
    ranked = sorted(finished or live, key=lambda text: -text.score(normalization))
    return ranked[:width]


def _best_candidates(
    live: Sequence[Hypothesis], chances: Float[Tensor, "row word"], width: int
) -> list[tuple[int, Hypothesis]]:
    """The ``width`` most likely texts that are one token longer, each with its former row."""
    before = [sum(text.log_probabilities) for text in live]
    sums = torch.tensor(before, dtype=torch.float64)[:, None] + chances.double().cpu()
    words = chances.shape[1]
    best = sums.flatten().topk(min(width, sums.numel()))
    candidates = []
    for position, total in zip(best.indices.tolist(), best.values.tolist(), strict=True):
        row, token = divmod(position, words)
        if total > -torch.inf:
            candidates.append((row, _longer(live[row], token, float(chances[row, token]))))
    return candidates


def _longer(text: Hypothesis, token: int, chance: float) -> Hypothesis:
    finished = token == END
    tokens = text.tokens if finished else (*text.tokens, token)
    return Hypothesis(tokens, (*text.log_probabilities, chance), finished)


def _settled(
    live: Sequence[Hypothesis],
    finished: Sequence[Hypothesis],
    longest: int,
    normalization: float,
) -> bool:
    """Whether no live text can still reach the best finished score; sums only fall."""
    if not finished:
        return False
    best_sum = max(sum(text.log_probabilities) for text in live)
    reachable = best_sum / math.pow(longest, normalization)
    return max(text.score(normalization) for text in finished) >= reachable


def beam_texts(
    decoder: AttentionDecoder,
    memories: Sequence[EncodedSequence],
    hidden: Float[Tensor, "layer 1 unit"],
    *,
    width: int,
    longest: int,
    normalization: float = NORMALIZATION,
) -> list[Hypothesis]:
    """Up to ``width`` texts of one clip, best first; never worse than the greedy text."""

    def following(tokens: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.zeros(len(tokens), dtype=torch.long, device=tokens.device)
        own = [memory.selected(rows) for memory in memories]
        decoded = decoder(tokens[:, None], own, states)
        return text_tokens_only(decoded.logits[:, 0]).log_softmax(1), decoded.hidden

    texts = beam_hypotheses(
        following, hidden, width=width, longest=longest, normalization=normalization
    )
    limit = torch.tensor([longest], device=hidden.device)
    greedy = greedy_texts(decoder, memories, hidden, limit).hypotheses()[0]
    if width == 1 or greedy.tokens in {text.tokens for text in texts}:
        return texts
    return _ranked([*texts, greedy], normalization)[:width]


def _ranked(texts: Sequence[Hypothesis], normalization: float) -> list[Hypothesis]:
    """Best score first, finished texts before others."""
    return sorted(texts, key=lambda text: (not text.finished, -text.score(normalization)))
