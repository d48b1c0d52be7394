"""A reader of one modality: features of a clip in, tokens out.

Axes: as in ``networks``.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from workers.torchkit.speech.features import FeatureBatch
from workers.torchkit.speech.networks import (
    AttentionDecoder,
    DecodedTokens,
    EncodedSequence,
    NetworkSize,
    SequenceEncoder,
)
from workers.torchkit.speech.search import (
    NORMALIZATION,
    GreedyTexts,
    Hypothesis,
    beam_texts,
    greedy_texts,
)
from workers.torchkit.speech.texts import TextBatch, sampled_previous

_SPARE_TOKENS = 2


@dataclass(frozen=True)
class ForcedReading:
    """What a reader computes for true previous tokens."""

    encoded: EncodedSequence
    decoded: DecodedTokens


@dataclass(frozen=True)
class TextSampling:
    """How training replaces true previous tokens.

    Attributes:
        rate: Share of previous tokens that are the reader's own.
        generator: Draws dropout and the replaced tokens.
    """

    rate: float
    generator: torch.Generator


class Seq2Seq(nn.Module):
    """Encoder and attention decoder; the decoder starts from the encoder's end states."""

    def __init__(self, features: int, words: int, size: NetworkSize) -> None:
        super().__init__()
        self.encoder = SequenceEncoder(features, size)
        self.decoder = AttentionDecoder(words, size)

    def forced(
        self, batch: FeatureBatch, texts: TextBatch, sampling: TextSampling | None = None
    ) -> ForcedReading:
        """Logits with true previous tokens, some replaced; without ``sampling`` no dropout."""
        generator = None if sampling is None else sampling.generator
        encoded = self.encoder(batch.values, batch.lengths, generator)
        previous = texts.previous
        if sampling is not None and sampling.rate > 0:
            previous = self._replaced(encoded, texts, sampling)
        return ForcedReading(encoded, self.decoder(previous, [encoded], encoded.ends, generator))

    def _replaced(
        self, encoded: EncodedSequence, texts: TextBatch, sampling: TextSampling
    ) -> Int64[Tensor, "clip token"]:
        with torch.no_grad():
            first = self.decoder(texts.previous, [encoded], encoded.ends)
        return sampled_previous(
            first.logits, texts, rate=sampling.rate, generator=sampling.generator
        )

    @torch.no_grad()
    def read(self, batch: FeatureBatch, rate: float) -> tuple[EncodedSequence, GreedyTexts]:
        """Greedy texts of at most ``rate`` tokens per frame, and what they attended to."""
        encoded = self.encoder(batch.values, batch.lengths)
        longest = most_tokens(batch.lengths, rate)
        return encoded, greedy_texts(self.decoder, [encoded], encoded.ends, longest)

    @torch.no_grad()
    def searched(
        self,
        values: Float[Tensor, "time feature"],
        rate: float,
        *,
        width: int,
        normalization: float = NORMALIZATION,
    ) -> list[Hypothesis]:
        """The best texts of one clip by beam search."""
        lengths = torch.tensor([len(values)], device=values.device)
        encoded = self.encoder(values[None], lengths)
        return beam_texts(
            self.decoder,
            [encoded],
            encoded.ends,
            width=width,
            longest=int(most_tokens(lengths, rate)),
            normalization=normalization,
        )


def most_tokens(lengths: Int64[Tensor, " clip"], rate: float) -> Int64[Tensor, " clip"]:
    """Most tokens of a text with its end: two more than the largest seen per frame."""
    return (_SPARE_TOKENS + lengths * rate).ceil().long()


def longest_rate(frames: Sequence[int], tokens: Sequence[int]) -> float:
    """Largest number of tokens, end included, per frame of the training clips."""
    pairs = zip(frames, tokens, strict=True)
    return max((count + 1) / max(1, length) for length, count in pairs)


def drawn_weights(module: nn.Module, generator: torch.Generator) -> None:
    """Draws every weight of linear layers, GRUs and embeddings from the generator.

    Weights are uniform within ±1/√(inputs), those of embeddings normal; padding stays 0.
    """
    for part in module.modules():
        if isinstance(part, nn.Embedding):
            part.weight.data.normal_(generator=generator)
            if part.padding_idx is not None:
                part.weight.data[part.padding_idx] = 0
        elif isinstance(part, nn.Linear | nn.GRU):
            inputs = part.in_features if isinstance(part, nn.Linear) else part.hidden_size
            bound = 1 / math.sqrt(inputs)
            for parameter in part.parameters(recurse=False):
                parameter.data.uniform_(-bound, bound, generator=generator)
