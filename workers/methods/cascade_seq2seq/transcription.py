"""What a cascade reads in one clip: pinyin, tones and characters, with scores and oracle rows.

A beam of width 1 reads greedily as the error rates of the training were measured: every stage passes
on what ``passed`` says. A wider beam passes texts on as they are.

Axes: ``token``; ``time`` as in ``torchkit.speech.networks``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from service.core.catalog.cascade_seq2seq import CascadeStage, VideoInput
from workers.methods.cascade_seq2seq.reader import CascadeReader
from workers.methods.cascade_seq2seq.search import CascadePath, cascade_paths, encoded_text
from workers.methods.cascade_seq2seq.texts import StageText, fit_clips, stage_text
from workers.torchkit.clips import Clip
from workers.torchkit.speech.error_rates import edit_distance
from workers.torchkit.speech.features import FeatureBatch, FeatureSequence
from workers.torchkit.speech.search import Hypothesis
from workers.torchkit.speech.texts import TextBatch
from workers.torchkit.speech.transcription import SpokenToken, attention_spans

Attention = Float[Tensor, "token time"]


@dataclass(frozen=True)
class StageReading:
    """The text of a stage.

    Attributes:
        score: Length-normalized log-probability; no measure of confidence.
        finished: Whether the stage ended the text itself.
        tokens: Syllables, tones or characters. Times are None where the stage does not see the video.
        attention: What each token attends to over the frames of the video; None where it sees none.
    """

    text: StageText
    log_probabilities: tuple[float, ...]
    score: float
    finished: bool
    tokens: tuple[SpokenToken, ...] | None
    attention: Attention | None


@dataclass(frozen=True)
class CascadeReading:
    """The texts of all stages of a clip.

    Attributes:
        score: Sum of the stages' scores, or of merged paths; no measure of confidence.
        aligned: Whether all stages have equally many tokens.
    """

    stages: Mapping[CascadeStage, StageReading]
    score: float
    aligned: bool

    @property
    def text(self) -> str:
        """The characters."""
        return "".join(self.stages[CascadeStage.CHARACTER].text)

    @property
    def pinyin(self) -> tuple[str, ...] | None:
        """Syllables with their tone number, as far as both reach; None without both stages."""
        syllables = self.stages.get(CascadeStage.PINYIN)
        tones = self.stages.get(CascadeStage.TONE)
        if syllables is None or tones is None:
            return None
        pairs = zip(syllables.text, tones.text, strict=False)
        return tuple(f"{syllable}{tone}" for syllable, tone in pairs)


@dataclass(frozen=True)
class OracleReading:
    """Characters that a cascade reads if earlier stages were right.

    Attributes:
        true_stages: The stages whose true texts replace what they read.
        errors: Edit distance to the transcript, out of ``length`` characters.
    """

    true_stages: tuple[CascadeStage, ...]
    text: str
    errors: int
    length: int


def cascade_readings(
    reader: CascadeReader, sequence: FeatureSequence, *, width: int
) -> list[CascadeReading]:
    """Up to ``width`` readings of one clip with different characters, best first."""
    if width == 1:
        return [_greedy_reading(reader, sequence)]
    paths = cascade_paths(reader, sequence.values, width=width)
    return [_reading_of_path(reader, sequence, path) for path in paths]


def oracle_readings(
    reader: CascadeReader, sequence: FeatureSequence, clip: Clip
) -> list[OracleReading]:
    """Characters from true syllables, then from true syllables and tones.

    None if the cascade has one stage, or the clip no syllable for each character of its transcript.
    """
    stages = reader.network.stages
    if not fit_clips([clip], stages)[0]:
        return []
    reference = stage_text(clip, CascadeStage.CHARACTER)
    readings = []
    for count in range(1, len(stages)):
        true_stages = stages[:count]
        true_texts = {stage: [stage_text(clip, stage)] for stage in true_stages}
        words = reader.texts([sequence], true_texts)[CascadeStage.CHARACTER][0]
        errors = edit_distance(reference, words)
        readings.append(OracleReading(true_stages, "".join(words), errors, len(reference)))
    return readings


def _greedy_reading(reader: CascadeReader, sequence: FeatureSequence) -> CascadeReading:
    batch = FeatureBatch.of([sequence], reader.device)
    decoded = reader.network.read(batch, reader.rate, passed=reader.passed)
    texts = {stage: text.hypotheses()[0] for stage, text in decoded.items()}
    attention = {stage: text.decoded.attention[0][0] for stage, text in decoded.items()}
    score = sum(text.score() for text in texts.values())
    return _reading(reader, sequence, CascadePath(texts, score), attention)


@torch.no_grad()
def _reading_of_path(
    reader: CascadeReader, sequence: FeatureSequence, path: CascadePath
) -> CascadeReading:
    """The reading of a path of the beam, whose attention is computed once more."""
    network, stages = reader.network, reader.network.stages
    batch = FeatureBatch.of([sequence], reader.device)
    encoded = [network.part(stages[0]).encoder(batch.values, batch.lengths)]
    attention = {}
    for index, stage in enumerate(stages):
        if index:
            encoded.append(encoded_text(reader, stages[index - 1], stage, path))
        previous = TextBatch.of([path.texts[stage].tokens], reader.device).previous
        memories = network.memories(stage, encoded)
        decoded = network.part(stage).decoder(previous, memories, encoded[-1].ends)
        attention[stage] = decoded.attention[0][0]
    return _reading(reader, sequence, path, attention)


def _reading(
    reader: CascadeReader,
    sequence: FeatureSequence,
    path: CascadePath,
    attention: Mapping[CascadeStage, Tensor],
) -> CascadeReading:
    first = reader.network.stages[0]
    stages = {
        stage: _stage_reading(
            tuple(reader.vocabularies[stage].text(text.tokens)),
            text,
            attention[stage].cpu()
            if stage is first or reader.network.video is VideoInput.ALL
            else None,
            sequence.times,
        )
        for stage, text in path.texts.items()
    }
    return CascadeReading(stages, path.score, path.aligned)


def _stage_reading(
    words: StageText, text: Hypothesis, attention: Tensor | None, times: Tensor
) -> StageReading:
    rows = None if attention is None else attention[: len(words)]
    return StageReading(
        words,
        text.log_probabilities[: len(words)],
        text.score(),
        text.finished,
        None if rows is None else _spoken(words, text.log_probabilities, rows, times),
        rows,
    )


def _spoken(
    words: StageText, chances: Sequence[float], attention: Tensor, times: Tensor
) -> tuple[SpokenToken, ...]:
    """The tokens with the times at which the stage looks."""
    spans = attention_spans(attention, times)
    return tuple(
        SpokenToken(word, chance, *span)
        for word, chance, span in zip(words, chances, spans, strict=False)
    )
