"""The texts of one clip with a score per token and when it is spoken, approximately.

Axes: as in ``networks``.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from workers.torchkit.clips import Clip
from workers.torchkit.speech.features import FeatureBatch, FeatureSequence
from workers.torchkit.speech.readers import Reader
from workers.torchkit.speech.search import Hypothesis
from workers.torchkit.speech.texts import TextBatch


@dataclass(frozen=True)
class SpokenToken:
    """A token of a text.

    Attributes:
        start_seconds: Center of what the token attends to, minus its spread; approximate.
        end_seconds: The same plus its spread.
    """

    text: str
    log_probability: float
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True)
class Transcription:
    """A text of a clip.

    Attributes:
        score: Length-normalized log-probability; no measure of confidence.
        finished: Whether the reader ended the text itself.
        attention: What each token attends to, over the frames of the features.
    """

    text: str
    score: float
    finished: bool
    tokens: tuple[SpokenToken, ...]
    attention: Float[Tensor, "token time"]


def transcriptions(reader: Reader, clip: Clip, *, width: int) -> list[Transcription]:
    """Up to ``width`` texts of the clip by beam search, best first."""
    sequence = reader.features.features(clip)
    texts = reader.searched(sequence, width=width)
    return [_transcription(reader, sequence, text) for text in texts]


@torch.no_grad()
def _transcription(reader: Reader, sequence: FeatureSequence, text: Hypothesis) -> Transcription:
    batch = FeatureBatch.of([sequence], reader.device)
    forced = reader.network.forced(batch, TextBatch.of([text.tokens], reader.device))
    words = reader.vocabulary.text(text.tokens)
    attention = forced.decoded.attention[0][0, : len(words)].cpu()
    spans = attention_spans(attention, sequence.times)
    tokens = tuple(
        SpokenToken(word, chance, *span)
        for word, chance, span in zip(words, text.log_probabilities, spans, strict=False)
    )
    return Transcription("".join(words), text.score(), text.finished, tokens, attention)


def attention_spans(
    attention: Float[Tensor, "token time"], times: Float[Tensor, " time"]
) -> list[tuple[float, float]]:
    """Center of each row's mass in seconds, minus and plus its deviation; never below 0."""
    centers = attention @ times
    spreads = (attention @ times.square() - centers.square()).clamp_min(0).sqrt()
    starts, ends = (centers - spreads).clamp_min(0), centers + spreads
    return list(zip(starts.tolist(), ends.tolist(), strict=True))
