"""Padded batches of token numbers, their loss, and scheduled sampling.

Axes: ``clip``; ``token`` of a text with its end; ``word`` of the vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor
from torch.nn import functional

from workers.torchkit.speech.vocabulary import END, PAD, START, UNKNOWN


@dataclass(frozen=True)
class TextBatch:
    """Texts that end with the end token, padded.

    Attributes:
        targets: The tokens to predict.
        previous: The token before each of them; the first is the start token.
    """

    targets: Int64[Tensor, "clip token"]
    previous: Int64[Tensor, "clip token"]

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]], device: torch.device) -> "TextBatch":
        """The batch of texts by their token numbers."""
        longest = 1 + max(len(text) for text in texts)
        targets = torch.full((len(texts), longest), PAD)
        for row, text in enumerate(texts):
            targets[row, : len(text) + 1] = torch.tensor([*text, END])
        previous = functional.pad(targets[:, :-1], (1, 0), value=START)
        previous = previous.masked_fill(previous == END, PAD)
        return cls(targets.to(device), previous.to(device))

    @property
    def mask(self) -> Bool[Tensor, "clip token"]:
        """Whether a token is real; the end token is."""
        return self.targets != PAD

    @property
    def lengths(self) -> Int64[Tensor, " clip"]:
        """Number of tokens without the end token."""
        return self.mask.sum(1) - 1


def token_losses(
    logits: Float[Tensor, "clip token word"], texts: TextBatch
) -> Float[Tensor, "clip token"]:
    """Cross-entropy of every token; 0 on padding."""
    return functional.cross_entropy(
        logits.transpose(1, 2), texts.targets, ignore_index=PAD, reduction="none"
    )


def text_loss(logits: Float[Tensor, "clip token word"], texts: TextBatch) -> Float[Tensor, ""]:
    """Cross-entropy averaged over all real tokens of the batch."""
    return token_losses(logits, texts).sum() / texts.mask.sum()


def sampled_previous(
    logits: Float[Tensor, "clip token word"],
    texts: TextBatch,
    *,
    rate: float,
    generator: torch.Generator,
) -> Int64[Tensor, "clip token"]:
    """Previous tokens, each replaced by the reader's own with probability ``rate``.

    Own tokens are the most likely ones of a pass with true previous tokens, so that two passes over
    the whole text replace a loop over tokens. The start token stays.
    """
    own = functional.pad(text_tokens_only(logits).argmax(2)[:, :-1], (1, 0), value=START)
    drawn = torch.rand(own.shape, generator=generator).to(own.device)
    replaced = (drawn < rate) & (texts.previous != START) & (texts.previous != PAD)
    return torch.where(replaced, own, texts.previous)


def text_tokens_only(logits: Float[Tensor, "*any word"]) -> Float[Tensor, "*any word"]:
    """Logits with padding, start and unknown tokens ruled out."""
    ruled_out = torch.zeros(logits.shape[-1], dtype=torch.bool, device=logits.device)
    ruled_out[[PAD, START, UNKNOWN]] = True
    return logits.masked_fill(ruled_out, -torch.inf)
