"""The training of a cascade: stage after stage on true texts, then all together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from service.core.catalog.cascade_seq2seq import CascadeSeq2SeqParams, CascadeStage
from workers.methods.cascade_seq2seq.networks import Cascade, StagePart, StageTokens
from workers.methods.cascade_seq2seq.reader import CascadeReader, FirstStage
from workers.methods.cascade_seq2seq.texts import StageText, stage_text
from workers.torchkit.clips import Clip
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.features import CropReader, FeatureBatch
from workers.torchkit.speech.networks import EncodedSequence, NetworkSize
from workers.torchkit.speech.quality import ReadTexts
from workers.torchkit.speech.reader_training import LARGEST_NORM, require_batch
from workers.torchkit.speech.readers import clip_features
from workers.torchkit.speech.schedule import drawn_clips, sampling_rate
from workers.torchkit.speech.seq2seq import drawn_weights, longest_rate
from workers.torchkit.speech.texts import TextBatch, sampled_previous, text_loss
from workers.torchkit.speech.vocabulary import UNKNOWN, Vocabulary
from workers.torchkit.training.loop import (
    Numbers,
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
)

JOINT = "joint"
_FIRST = "first_stage."
_WEIGHTS = 1  # added to the seed of the first weights, so that they are not the draws of batches


@dataclass(frozen=True)
class CascadeClips:
    """Clips to learn from, and those to evaluate on by name."""

    training: Sequence[Clip]
    evaluation: Mapping[str, Sequence[Clip]]


class CascadeTraining:
    """Clips, features and the cascade that learns.

    Args:
        first: A trained first stage, which then is not trained again before the joint phase.

    Raises:
        TooFewClipsError: There are fewer clips than a batch has.
    """

    def __init__(
        self,
        clips: CascadeClips,
        params: CascadeSeq2SeqParams,
        device: torch.device,
        *,
        first: FirstStage | None = None,
    ) -> None:
        require_batch(clips.training, params)
        self.transcripts = [clip.transcript for clip in clips.training]
        self._params, self._device, self._first = params, device, first
        features = first.features if first is not None else self._fitted(clips.training)
        self._sequences = clip_features(features, clips.training)
        self._evaluation = {
            name: (clip_features(features, part), self._references(part))
            for name, part in clips.evaluation.items()
        }
        texts = self._references(clips.training)
        vocabularies = {stage: Vocabulary.of(rows) for stage, rows in texts.items()}
        if first is not None:
            vocabularies[first.stage] = first.vocabulary
        self._numbers = {
            stage: [vocabularies[stage].numbers(text) for text in rows]
            for stage, rows in texts.items()
        }
        lengths = [len(sequence.values) for sequence in self._sequences]
        self._shortest_first = sorted(range(len(lengths)), key=lambda clip: (lengths[clip], clip))
        rate = longest_rate(lengths, [len(clip.transcript) for clip in clips.training])
        network = self._network({s: len(v) for s, v in vocabularies.items()}, features.size)
        self.reader = CascadeReader(
            features, network, vocabularies, first.rate if first else rate, params.passed
        )
        parts = {stage.value: network.part(stage) for stage in params.stages}
        self.training = Training(parts, torch.Generator().manual_seed(params.seed))

    def stages(self) -> list[TrainingStage]:
        """The stages that are still to be trained, then all together."""
        params = self._params
        alone = params.stages if self._first is None else params.stages[1:]
        stages = [
            TrainingStage(stage.value, params.share_of(stage), partial(self._begin, stage))
            for stage in alone
        ]
        if len(params.stages) > 1:
            stages.append(TrainingStage(JOINT, params.joint_share, self._begin_joint))
        return stages

    def numbers(self) -> Numbers:
        """Error rates of the stages trained so far, each on its own predictions."""
        current = self.training.stage + (self._first is not None)
        stages = self._params.stages[: current + 1]
        return {name: counts.rate() for name, counts in self.errors(stages).items()}

    def errors(self, stages: Sequence[CascadeStage] | None = None) -> dict[str, ErrorCounts]:
        """Errors on every set of clips and stage."""
        return {
            f"{name}_{stage}_error": counts
            for name, (sequences, references) in self._evaluation.items()
            for stage, counts in self.reader.errors(sequences, references, stages).items()
        }

    def oracle_errors(self) -> dict[str, ErrorCounts]:
        """Errors on every set of clips where true texts replace the first stages' own."""
        return {
            f"{name}_{row}_error": counts
            for name, (sequences, references) in self._evaluation.items()
            for row, counts in self.reader.oracle_errors(sequences, references).items()
        }

    def characters(self) -> dict[str, ReadTexts]:
        """What is said in every set of clips, and the characters that the cascade writes."""
        return {
            f"{name}_{CascadeStage.CHARACTER}": ReadTexts(
                tuple(map("".join, references[CascadeStage.CHARACTER])),
                tuple(map("".join, self.reader.texts(sequences)[CascadeStage.CHARACTER])),
            )
            for name, (sequences, references) in self._evaluation.items()
        }

    def first_stage(self) -> FirstStage:
        """The first stage as it was before all learned together; as it is if they never did."""
        first = self.reader.first_stage()
        before = {
            name.removeprefix(_FIRST): value.cpu()
            for name, value in self.training.memory.items()
            if name.startswith(_FIRST)
        }
        return replace(first, weights=before) if before else first

    def unknown_tokens(self) -> float:
        """Share of the training tokens that a vocabulary lacks; 0 unless the first stage is shared."""
        numbers = [number for rows in self._numbers.values() for row in rows for number in row]
        return sum(number == UNKNOWN for number in numbers) / max(1, len(numbers))

    def _remember_first_stage(self) -> None:
        """Keeps the first stage among what survives an interruption; a resumed training has it."""
        for name, value in self.reader.first_stage().weights.items():
            self.training.memory.setdefault(f"{_FIRST}{name}", value)

    def _fitted(self, clips: Sequence[Clip]) -> CropReader:
        params = self._params
        return CropReader.fitted(clips, rate=params.frame_rate, components=params.components)

    def _references(self, clips: Sequence[Clip]) -> dict[CascadeStage, list[StageText]]:
        return {
            stage: [stage_text(clip, stage) for clip in clips] for stage in self._params.stages
        }

    def _network(self, words: Mapping[CascadeStage, int], features: int) -> Cascade:
        params = self._params
        size = NetworkSize(params.width, params.layers, params.dropout)
        network = Cascade(words, features, size, video=params.video_in)
        drawn_weights(network, torch.Generator().manual_seed(params.seed + _WEIGHTS))
        if self._first is not None:
            network.part(self._first.stage).load_state_dict(self._first.weights)
        return network.to(self._device)

    def _begin(self, stage: CascadeStage) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        rate = self._params.learning_rate
        optimizer = torch.optim.Adam(self.reader.network.part(stage).parameters(), lr=rate)
        group = OptimizerGroup(optimizer, rate, largest_norm=LARGEST_NORM)
        return {stage.value: group}, partial(self._stage_step, stage)

    def _begin_joint(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        self._remember_first_stage()
        rate = self._params.learning_rate * self._params.joint_rate
        optimizer = torch.optim.Adam(self.reader.network.parameters(), lr=rate)
        return {
            JOINT: OptimizerGroup(optimizer, rate, largest_norm=LARGEST_NORM)
        }, self._joint_step

    def _stage_step(self, stage: CascadeStage) -> dict[str, Tensor]:
        """One step of a stage on true texts; earlier stages stay as they are."""
        clips, batch = self._drawn()
        earlier = self._params.stages[: self._params.stages.index(stage)]
        generator = self.training.generator
        encoded: list[EncodedSequence] = []
        newest: StageTokens | None = None
        for name in (*earlier, stage):
            trains = name is stage
            with torch.set_grad_enabled(trains):
                encoded.append(self._encoded(name, batch, newest, generator if trains else None))
            if not trains:
                newest = self._thinned(name, self._true(name, clips))
        logits = self._logits(stage, encoded, clips, generator)
        loss = text_loss(logits, self._batch_of(stage, clips))
        return {stage.value: self.training.learn(stage.value, loss)}

    def _joint_step(self) -> dict[str, Tensor]:
        """One step of all stages, each on the posteriors of the one before."""
        clips, batch = self._drawn()
        generator = self.training.generator
        encoded: list[EncodedSequence] = []
        newest: StageTokens | None = None
        losses = {}
        for stage in self._params.stages:
            encoded.append(self._encoded(stage, batch, newest, generator))
            logits = self._logits(stage, encoded, clips, generator)
            texts = self._batch_of(stage, clips)
            losses[stage.value] = text_loss(logits, texts)
            soft = StageTokens.soft(logits[:, :-1], texts.lengths)
            newest = self._thinned(stage, soft)
        self.training.learn(JOINT, torch.stack(list(losses.values())).sum())
        last = self._params.stages[-1].value
        parts = {name: loss.detach() for name, loss in losses.items()}
        return {last: parts.pop(last), **parts}

    def _drawn(self) -> tuple[Int64[Tensor, " clip"], FeatureBatch]:
        training = self.training
        progress = training.progress if training.stage == 0 and self._first is None else 1.0
        clips = drawn_clips(self._shortest_first, progress, self._params, training.generator)
        sequences = [self._sequences[clip] for clip in clips]
        return clips, FeatureBatch.of(sequences, self._device)

    def _encoded(
        self,
        stage: CascadeStage,
        batch: FeatureBatch,
        text: StageTokens | None,
        generator: torch.Generator | None,
    ) -> EncodedSequence:
        """The newest input of a stage: the video, or the text of the stage before."""
        encoder = self._part(stage).encoder
        if text is None:
            encoded: EncodedSequence = encoder(batch.values, batch.lengths, generator)
        else:
            encoded = encoder(text, generator)
        return encoded

    def _logits(
        self,
        stage: CascadeStage,
        encoded: Sequence[EncodedSequence],
        clips: Tensor,
        generator: torch.Generator,
    ) -> Tensor:
        part, texts = self._part(stage), self._batch_of(stage, clips)
        memories = self.reader.network.memories(stage, encoded)
        rate, previous = sampling_rate(self.training.progress, self._params), texts.previous
        if rate > 0:
            with torch.no_grad():
                first = part.decoder(previous, memories, encoded[-1].ends)
            previous = sampled_previous(first.logits, texts, rate=rate, generator=generator)
        decoded = part.decoder(previous, memories, encoded[-1].ends, generator)
        logits: Tensor = decoded.logits
        return logits

    def _thinned(self, stage: CascadeStage, text: StageTokens) -> StageTokens:
        """The text with a share of its tones unknown."""
        share = self._params.tone_dropout
        if stage is not CascadeStage.TONE or share == 0:
            return text
        drawn = torch.rand(text.weights.shape[:2], generator=self.training.generator)
        unknown = nn.functional.one_hot(torch.tensor(UNKNOWN), text.weights.shape[2]).float()
        real = text.weights.sum(2, keepdim=True)
        dropped = (drawn < share)[:, :, None].to(self._device)
        return StageTokens(
            torch.where(dropped, unknown.to(self._device) * real, text.weights), text.lengths
        )

    def _true(self, stage: CascadeStage, clips: Tensor) -> StageTokens:
        texts = self._batch_of(stage, clips)
        words = len(self.reader.vocabularies[stage])
        return StageTokens.hard(texts.previous[:, 1:], texts.lengths, words)

    def _batch_of(self, stage: CascadeStage, clips: Tensor) -> TextBatch:
        return TextBatch.of([self._numbers[stage][int(clip)] for clip in clips], self._device)

    def _part(self, stage: CascadeStage) -> StagePart:
        return self.reader.network.part(stage)
