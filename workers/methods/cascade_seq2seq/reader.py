"""A trained cascade with its features and vocabularies, and its oracle rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from service.core.catalog.cascade_seq2seq import CascadeStage, PassedTokens
from workers.methods.cascade_seq2seq.networks import Cascade, StageTokens
from workers.methods.cascade_seq2seq.texts import StageText
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.features import CropReader, FeatureBatch, FeatureSequence
from workers.torchkit.speech.readers import parts_of
from workers.torchkit.speech.texts import TextBatch
from workers.torchkit.speech.vocabulary import Vocabulary

StageTexts = Mapping[CascadeStage, Sequence[StageText]]


@dataclass(frozen=True)
class FirstStage:
    """A trained first stage, which several cascades may share.

    Attributes:
        weights: State of its networks.
        rate: Largest number of tokens per frame.
    """

    stage: CascadeStage
    features: CropReader
    vocabulary: Vocabulary
    weights: Mapping[str, Tensor]
    rate: float


@dataclass(frozen=True)
class CascadeReader:
    """A cascade with all that turns a clip into texts."""

    features: CropReader
    network: Cascade
    vocabularies: Mapping[CascadeStage, Vocabulary]
    rate: float
    passed: PassedTokens

    @property
    def device(self) -> torch.device:
        """Where the network is."""
        return next(self.network.parameters()).device

    def first_stage(self) -> FirstStage:
        """A copy of the first stage as it is now."""
        stage = self.network.stages[0]
        state = self.network.part(stage).state_dict()
        weights = {name: value.detach().cpu().clone() for name, value in state.items()}
        vocabulary = self.vocabularies[stage]
        return FirstStage(stage, self.features, vocabulary, weights, self.rate)

    def true_tokens(self, stage: CascadeStage, texts: Sequence[StageText]) -> StageTokens:
        """True texts as a stage would pass them on."""
        vocabulary = self.vocabularies[stage]
        batch = TextBatch.of([vocabulary.numbers(text) for text in texts], self.device)
        tokens = batch.previous[:, 1:]
        return StageTokens.hard(tokens, batch.lengths, len(vocabulary))

    def texts(
        self,
        sequences: Sequence[FeatureSequence],
        true_texts: StageTexts | None = None,
        stages: Sequence[CascadeStage] | None = None,
    ) -> dict[CascadeStage, list[list[str]]]:
        """Greedy texts of all clips by stage; true texts replace those of their stages."""
        wanted = tuple(stages or self.network.stages)
        read: dict[CascadeStage, list[list[str]]] = {stage: [] for stage in wanted}
        start = 0
        for part in parts_of(sequences):
            rows = slice(start, start + len(part))
            start += len(part)
            decoded = self.network.read(
                FeatureBatch.of(part, self.device),
                self.rate,
                passed=self.passed,
                true_texts={
                    stage: self.true_tokens(stage, texts[rows])
                    for stage, texts in (true_texts or {}).items()
                },
                stages=wanted,
            )
            for stage, texts in decoded.items():
                words = self.vocabularies[stage]
                read[stage] += [words.text(text.tokens) for text in texts.hypotheses()]
        return {stage: texts for stage, texts in read.items() if texts}

    def errors(
        self,
        sequences: Sequence[FeatureSequence],
        references: StageTexts,
        stages: Sequence[CascadeStage] | None = None,
    ) -> dict[str, ErrorCounts]:
        """Errors of every stage on its own predictions, by its name."""
        read = self.texts(sequences, stages=stages)
        return {
            stage.value: ErrorCounts.of(references[stage], texts) for stage, texts in read.items()
        }

    def oracle_errors(
        self, sequences: Sequence[FeatureSequence], references: StageTexts
    ) -> dict[str, ErrorCounts]:
        """Errors of the characters on true syllables, and on true syllables and tones."""
        rows, before = {}, []
        for stage in self.network.stages[:-1]:
            before.append(stage)
            true_texts = {name: references[name] for name in before}
            read = self.texts(sequences, true_texts)[CascadeStage.CHARACTER]
            name = "_and_".join(item.value for item in before)
            rows[f"character_given_{name}"] = ErrorCounts.of(
                references[CascadeStage.CHARACTER], read
            )
        return rows
