"""A trained reader with its features and vocabulary, and the clips that it reads.

Axes: as in ``networks``.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from workers.torchkit.clips import Clip
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.features import (
    CropReader,
    FeatureBatch,
    FeatureSequence,
    MelReader,
    ReadsFeatures,
)
from workers.torchkit.speech.search import Hypothesis
from workers.torchkit.speech.seq2seq import Seq2Seq
from workers.torchkit.speech.vocabulary import Vocabulary

READ_TOGETHER = 128


@dataclass(frozen=True)
class Reader:
    """A network with all that turns a clip into text.

    Attributes:
        rate: Largest number of tokens per frame, which limits the length of texts.
    """

    features: CropReader | MelReader
    network: Seq2Seq
    vocabulary: Vocabulary
    rate: float

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def texts(self, sequences: Sequence[FeatureSequence]) -> list[Hypothesis]:
        """Greedy texts of the clips, in order."""
        return [
            text
            for part in parts_of(sequences)
            for text in self.network.read(FeatureBatch.of(part, self.device), self.rate)[
                1
            ].hypotheses()
        ]

    def searched(self, sequence: FeatureSequence, *, width: int) -> list[Hypothesis]:
        """The best texts of one clip by beam search."""
        return self.network.searched(sequence.values.to(self.device), self.rate, width=width)

    def errors(
        self, sequences: Sequence[FeatureSequence], texts: Sequence[Sequence[str]]
    ) -> ErrorCounts:
        """Errors of the greedy texts."""
        read = [self.vocabulary.text(text.tokens) for text in self.texts(sequences)]
        return ErrorCounts.of(texts, read)


def parts_of(sequences: Sequence[FeatureSequence]) -> Iterator[Sequence[FeatureSequence]]:
    """The sequences in parts that are read together."""
    for start in range(0, len(sequences), READ_TOGETHER):
        yield sequences[start : start + READ_TOGETHER]


def clip_features(reader: ReadsFeatures, clips: Sequence[Clip]) -> list[FeatureSequence]:
    """The features of every clip."""
    return [reader.features(clip) for clip in clips]


def weights_digest(network: nn.Module) -> str:
    """SHA-256 of all weights and buffers."""
    digest = hashlib.sha256()
    for name, value in network.state_dict().items():
        digest.update(name.encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()
