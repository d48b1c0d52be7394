"""The cascade: a video encoder, and per stage a decoder and an encoder of its text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int64
from torch import Tensor, nn

from service.core.catalog.cascade_seq2seq import CascadeStage, PassedTokens, VideoInput
from workers.torchkit.speech.features import FeatureBatch
from workers.torchkit.speech.networks import (
    AttentionDecoder,
    EncodedSequence,
    NetworkSize,
    SequenceEncoder,
)
from workers.torchkit.speech.search import GreedyTexts, greedy_texts
from workers.torchkit.speech.seq2seq import most_tokens
from workers.torchkit.speech.texts import text_tokens_only
from workers.torchkit.speech.vocabulary import END, PAD


@dataclass(frozen=True)
class StageTokens:
    """A text as weights over a vocabulary: one word per token, or a posterior."""

    weights: Float[Tensor, "clip token word"]
    lengths: Int64[Tensor, " clip"]

    @classmethod
    def hard(
        cls, tokens: Int64[Tensor, "clip token"], lengths: Int64[Tensor, " clip"], words: int
    ) -> "StageTokens":
        """All weight on the tokens; none on padding."""
        weights = nn.functional.one_hot(tokens, words).float() * (tokens != PAD)[:, :, None]
        return cls(weights, lengths)

    @classmethod
    def soft(
        cls, logits: Float[Tensor, "clip token word"], lengths: Int64[Tensor, " clip"]
    ) -> "StageTokens":
        """The posterior of each token; gradients flow."""
        mask = torch.arange(logits.shape[1], device=logits.device) < lengths[:, None]
        return cls(text_tokens_only(logits).softmax(2) * mask[:, :, None], lengths)


class TextEncoder(nn.Module):
    """Encodes a text whose tokens may be distributions."""

    def __init__(self, words: int, size: NetworkSize) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, size.width, padding_idx=PAD)
        self.encoder = SequenceEncoder(size.width, size)

    def forward(
        self, text: StageTokens, generator: torch.Generator | None = None
    ) -> EncodedSequence:
        """The encoded text; an empty one is a single padding token."""
        embedded = text.weights @ self.embedding.weight
        encoded: EncodedSequence = self.encoder(embedded, text.lengths.clamp_min(1), generator)
        return encoded


class StagePart(nn.Module):
    """A stage: the encoder of its newest input, and its decoder."""

    def __init__(self, encoder: nn.Module, decoder: AttentionDecoder) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


class Cascade(nn.Module):
    """Stages in order; each attends to the video and to the texts of all earlier ones."""

    def __init__(
        self,
        words: Mapping[CascadeStage, int],
        features: int,
        size: NetworkSize,
        *,
        video: VideoInput = VideoInput.ALL,
    ) -> None:
        super().__init__()
        self.stages, self.words, self.video = tuple(words), dict(words), video
        parts = {}
        for index, stage in enumerate(self.stages):
            encoder = (
                SequenceEncoder(features, size)
                if index == 0
                else TextEncoder(words[self.stages[index - 1]], size)
            )
            memories = max(1, index + (video is VideoInput.ALL))
            parts[stage.value] = StagePart(
                encoder, AttentionDecoder(words[stage], size, memories=memories)
            )
        self.parts = nn.ModuleDict(parts)

    def part(self, stage: CascadeStage) -> StagePart:
        """The networks of a stage."""
        part = self.parts[stage.value]
        assert isinstance(part, StagePart)
        return part

    def memories(
        self, stage: CascadeStage, encoded: Sequence[EncodedSequence]
    ) -> Sequence[EncodedSequence]:
        """What the stage attends to, of the encoded video and texts."""
        first = stage is self.stages[0]
        return encoded if first or self.video is VideoInput.ALL else encoded[1:]

    @torch.no_grad()
    def read(
        self,
        batch: FeatureBatch,
        rate: float,
        *,
        passed: PassedTokens = PassedTokens.POSTERIOR,
        true_texts: Mapping[CascadeStage, StageTokens] | None = None,
        stages: Sequence[CascadeStage] | None = None,
    ) -> dict[CascadeStage, GreedyTexts]:
        """Greedy texts of the stages, each on what those before it decoded.

        Args:
            true_texts: Texts that replace what a stage would decode, for oracle rows.
            stages: The first stages, to which the reading is limited; None reads all.
        """
        encoded = [self.part(self.stages[0]).encoder(batch.values, batch.lengths)]
        longest, read = most_tokens(batch.lengths, rate), {}
        wanted = tuple(stages or self.stages)
        for stage in wanted:
            text = (true_texts or {}).get(stage)
            if text is None:
                part = self.part(stage)
                memories = self.memories(stage, encoded)
                read[stage] = greedy_texts(part.decoder, memories, encoded[-1].ends, longest)
                text = passed_tokens(read[stage], passed, self.words[stage])
            if stage is not wanted[-1]:
                following = self.stages[self.stages.index(stage) + 1]
                encoded.append(self.part(following).encoder(text))
        return read


def passed_tokens(read: GreedyTexts, passed: PassedTokens, words: int) -> StageTokens:
    """What a decoded text passes to the next stage: it ends before its end token."""
    tokens = read.tokens.masked_fill(read.tokens == END, PAD)
    lengths = (tokens != PAD).sum(1)
    if passed is PassedTokens.BEST:
        return StageTokens.hard(tokens, lengths, words)
    return StageTokens.soft(read.decoded.logits, lengths)
