"""Encoder and attention decoder of every reader.

A bidirectional GRU encodes a sequence. A GRU decoder starts from the encoder's end state; at each
token it attends to one or more encoded sequences, and a two-layer head reads its state together
with the contexts. Contexts go into the head only and not back into the GRU, so that a whole
text with true previous tokens is one call.

Dropout draws from the generator of the call; without one there is none.

Source: Zhao et al. 2020, arXiv 1911.11502, figure; Bahdanau et al. 2015 for the attention.

Axes: ``clip``; ``time`` of an encoded sequence; ``feature`` of its input; ``token`` of a text;
``unit`` of an encoder's state; ``context`` the units of all memories; ``layer`` of a GRU; ``word`` of the vocabulary; ``memory``.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from workers.torchkit.speech.vocabulary import PAD

_ATTENTION_UNITS = 64


@dataclass(frozen=True)
class NetworkSize:
    """Sizes of encoder and decoder.

    Attributes:
        width: Cells of the encoder per direction; the decoder has twice as many.
        layers: Layers of encoder and decoder.
        dropout: Share of values that training sets to 0.
    """

    width: int = 80
    layers: int = 1
    dropout: float = 0.3


@dataclass(frozen=True)
class EncodedSequence:
    """What a decoder attends to.

    Attributes:
        states: Of the last layer; 0 on padding.
        mask: Whether a position is real.
        ends: Final states of both directions, of every layer.
    """

    states: Float[Tensor, "clip time unit"]
    mask: Bool[Tensor, "clip time"]
    ends: Float[Tensor, "layer clip unit"]

    @property
    def end(self) -> Float[Tensor, "clip unit"]:
        """Final states of both directions of the last layer."""
        return self.ends[-1]

    def selected(self, clips: Int64[Tensor, " row"]) -> "EncodedSequence":
        """The sequences of the clips, in this order."""
        return EncodedSequence(self.states[clips], self.mask[clips], self.ends[:, clips])

    def detached(self) -> "EncodedSequence":
        """The same values without gradients."""
        return EncodedSequence(self.states.detach(), self.mask, self.ends.detach())


def dropped(values: Tensor, share: float, generator: torch.Generator | None) -> Tensor:
    """Values with a share set to 0 and the others scaled up; unchanged without a generator."""
    if generator is None or share == 0:
        return values
    drawn = torch.rand(values.shape, generator=generator).to(values.device)
    return torch.where(drawn < share, 0.0, values / (1 - share))


class SequenceEncoder(nn.Module):
    """A bidirectional GRU over padded sequences."""

    def __init__(self, features: int, size: NetworkSize) -> None:
        super().__init__()
        self._share = size.dropout
        self.entry = nn.Linear(features, 2 * size.width)
        self.gru = nn.GRU(
            2 * size.width, size.width, size.layers, batch_first=True, bidirectional=True
        )

    def forward(
        self,
        inputs: Float[Tensor, "clip time feature"],
        lengths: Int64[Tensor, " clip"],
        generator: torch.Generator | None = None,
    ) -> EncodedSequence:
        """Every sequence encoded as if it were alone."""
        entered = dropped(torch.relu(self.entry(inputs)), self._share, generator)
        packed = pack_padded_sequence(
            entered, lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        states, last = self.gru(packed)
        padded, _ = pad_packed_sequence(states, batch_first=True, total_length=inputs.shape[1])
        ends = torch.cat([last[0::2], last[1::2]], dim=2)
        mask = torch.arange(inputs.shape[1], device=inputs.device) < lengths[:, None]
        return EncodedSequence(dropped(padded, self._share, generator), mask, ends)


class AdditiveAttention(nn.Module):
    """Weights v · tanh(W h + U s) over the states h of a sequence, for decoder states s."""

    def __init__(self, units: int) -> None:
        super().__init__()
        self.keys = nn.Linear(units, _ATTENTION_UNITS)
        self.queries = nn.Linear(units, _ATTENTION_UNITS, bias=False)
        self.score = nn.Linear(_ATTENTION_UNITS, 1, bias=False)

    def forward(
        self, queries: Float[Tensor, "clip token unit"], memory: EncodedSequence
    ) -> tuple[Float[Tensor, "clip token unit"], Float[Tensor, "clip token time"]]:
        """Contexts and weights; weights sum to 1 and are 0 on padding."""
        sums = self.queries(queries)[:, :, None] + self.keys(memory.states)[:, None]
        scores = self.score(torch.tanh(sums)).squeeze(3)
        weights = scores.masked_fill(~memory.mask[:, None], -torch.inf).softmax(2)
        return weights @ memory.states, weights


@dataclass(frozen=True)
class DecodedTokens:
    """What the decoder computes for each token.

    Attributes:
        logits: Of the token.
        contexts: Those of all memories, one after the other.
        attention: One per memory.
        hidden: State of the GRU after the last token.
    """

    logits: Float[Tensor, "clip token word"]
    contexts: Float[Tensor, "clip token context"]
    attention: tuple[Float[Tensor, "clip token _"], ...]
    hidden: Float[Tensor, "layer clip unit"]


class AttentionDecoder(nn.Module):
    """A GRU over previous tokens that attends to memories."""

    def __init__(self, words: int, size: NetworkSize, *, memories: int = 1) -> None:
        super().__init__()
        units = 2 * size.width
        self._share = size.dropout
        self.embedding = nn.Embedding(words, size.width, padding_idx=PAD)
        self.gru = nn.GRU(size.width, units, size.layers, batch_first=True)
        self.attentions = nn.ModuleList(AdditiveAttention(units) for _ in range(memories))
        self.head = nn.Sequential(
            nn.Linear((1 + memories) * units, units), nn.Tanh(), nn.Linear(units, words)
        )

    def forward(
        self,
        previous: Int64[Tensor, "clip token"],
        memories: Sequence[EncodedSequence],
        hidden: Float[Tensor, "layer clip unit"],
        generator: torch.Generator | None = None,
    ) -> DecodedTokens:
        """Logits of each token from those before it."""
        embedded = dropped(self.embedding(previous), self._share, generator)
        states, last = self.gru(embedded, hidden.contiguous())
        attended = [
            attention(states, memory)
            for attention, memory in zip(self.attentions, memories, strict=True)
        ]
        contexts = torch.cat([context for context, _ in attended], dim=2)
        read = dropped(torch.cat([states, contexts], dim=2), self._share, generator)
        weights = tuple(weight for _, weight in attended)
        return DecodedTokens(self.head(read), contexts, weights, last)
