"""Beam search through all stages: P(y|x) summed over the syllables and tones of the beam.

Every stage keeps its best texts; each is passed on as it is. A path's score is the sum of its stages'
length-normalized log-probabilities. Paths with equal characters are merged by the logarithm of the
sum of their exponentials, which is the sum over p and t in P(y|x), restricted to the beam.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.cascade_seq2seq import CascadeStage
from workers.methods.cascade_seq2seq.networks import StageTokens
from workers.methods.cascade_seq2seq.reader import CascadeReader
from workers.torchkit.speech.networks import EncodedSequence
from workers.torchkit.speech.search import Hypothesis, beam_texts
from workers.torchkit.speech.seq2seq import most_tokens
from workers.torchkit.speech.texts import TextBatch
from workers.torchkit.speech.vocabulary import END, PAD


@dataclass(frozen=True)
class CascadePath:
    """The texts of all stages of a clip.

    Attributes:
        score: Sum of the stages' scores, or of merged paths; no measure of confidence.
    """

    texts: Mapping[CascadeStage, Hypothesis]
    score: float

    @property
    def aligned(self) -> bool:
        """Whether all stages have equally many tokens."""
        return len({len(text.tokens) for text in self.texts.values()}) == 1


@torch.no_grad()
def cascade_paths(
    reader: CascadeReader, values: Float[Tensor, "time feature"], *, width: int
) -> list[CascadePath]:
    """Up to ``width`` paths of one clip with different last texts, best first."""
    network, stages = reader.network, reader.network.stages
    lengths = torch.tensor([len(values)], device=reader.device)
    video = network.part(stages[0]).encoder(values[None].to(reader.device), lengths)
    longest = int(most_tokens(lengths, reader.rate))
    paths: list[tuple[CascadePath, list[EncodedSequence]]] = [(CascadePath({}, 0.0), [video])]
    for index, stage in enumerate(stages):
        if index:
            paths = [
                (path, [*encoded, encoded_text(reader, stages[index - 1], stage, path)])
                for path, encoded in paths
            ]
        longer = [
            (
                CascadePath({**path.texts, stage: text}, path.score + text.score()),
                encoded,
            )
            for path, encoded in paths
            for text in beam_texts(
                network.part(stage).decoder,
                network.memories(stage, encoded),
                encoded[-1].ends,
                width=width,
                longest=longest,
            )
        ]
        paths = sorted(longer, key=lambda item: -item[0].score)
        paths = paths if index == len(stages) - 1 else paths[:width]
    return merged([path for path, _ in paths], stages[-1])[:width]


def encoded_text(
    reader: CascadeReader, stage: CascadeStage, following: CascadeStage, path: CascadePath
) -> EncodedSequence:
    """The path's text of a stage, encoded for the next."""
    batch = TextBatch.of([path.texts[stage].tokens], reader.device)
    tokens = batch.targets.masked_fill(batch.targets == END, PAD)
    hard = StageTokens.hard(tokens, batch.lengths, reader.network.words[stage])
    encoded: EncodedSequence = reader.network.part(following).encoder(hard)
    return encoded


def merged(paths: list[CascadePath], last: CascadeStage) -> list[CascadePath]:
    """Paths with equal last texts as one, with the texts of the best; best first."""
    groups: dict[tuple[int, ...], list[CascadePath]] = {}
    for path in paths:
        groups.setdefault(path.texts[last].tokens, []).append(path)
    united = []
    for group in groups.values():
        best = max(group, key=lambda path: path.score)
        surplus = math.log(sum(math.exp(path.score - best.score) for path in group))
        united.append(CascadePath(best.texts, best.score + surplus))
    return sorted(united, key=lambda path: -path.score)
