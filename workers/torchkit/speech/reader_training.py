"""The training of a reader of one modality, with or without further losses.

Axes: as in ``networks``.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Int64
from torch import Tensor, nn

from service.core.catalog.speech_training import SpeechTrainingConfig
from workers.torchkit.clips import Clip
from workers.torchkit.drawing.curves import curve_picture
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.speech.error_rates import ErrorCounts
from workers.torchkit.speech.features import CropReader, FeatureBatch, FeatureSequence, MelReader
from workers.torchkit.speech.inputs import ClipInputs, ReaderResult, TooFewClipsError
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.quality import (
    ReadTexts,
    chance_warnings,
    likeliest_text,
    measures,
    overlap_warnings,
)
from workers.torchkit.speech.readers import Reader, clip_features
from workers.torchkit.speech.schedule import drawn_clips, sampling_rate
from workers.torchkit.speech.seq2seq import (
    ForcedReading,
    Seq2Seq,
    TextSampling,
    drawn_weights,
    longest_rate,
)
from workers.torchkit.speech.texts import TextBatch, text_loss
from workers.torchkit.speech.vocabulary import Vocabulary
from workers.torchkit.training.loop import (
    CURVE,
    Numbers,
    OptimizerGroup,
    Training,
    TrainingStage,
    TrainingStep,
    train,
)

LARGEST_NORM = 5.0
_WEIGHTS = 1  # added to the seed of the first weights, so that they are not the draws of batches


@runtime_checkable
class FeatureLosses(Protocol):
    """Losses beside that of the text."""

    def networks(self) -> Mapping[str, nn.Module]:
        """Networks that learn with the reader, by name."""
        ...

    def losses(
        self, reading: ForcedReading, clips: Int64[Tensor, " clip"]
    ) -> Mapping[str, Tensor]:
        """Weighted losses by name, of the clips with these indices."""
        ...

    def numbers(self) -> Numbers:
        """Numbers for the curve; must not draw from any generator."""
        ...

    def pictures(self) -> Mapping[str, bytes]:
        """PNG files by name; must not draw from any generator."""
        ...


class ReaderTraining:
    """Clips, features and the reader that learns.

    Raises:
        TooFewClipsError: There are fewer clips than a batch has.
    """

    def __init__(
        self,
        inputs: ClipInputs,
        clips: Sequence[Clip],
        features: CropReader | MelReader,
        config: SpeechTrainingConfig,
    ) -> None:
        require_batch(clips, config)
        self._config, self._device = config, inputs.device
        self._further: FeatureLosses | None = None
        self.sequences = clip_features(features, clips)
        self._texts = [clip.transcript for clip in clips]
        self._evaluated = {
            name: (clip_features(features, part), [clip.transcript for clip in part])
            for name, part in inputs.evaluation_clips().items()
        }
        vocabulary = Vocabulary.of(self._texts)
        self._numbers = [vocabulary.numbers(text) for text in self._texts]
        lengths = [len(sequence.values) for sequence in self.sequences]
        self._shortest_first = sorted(range(len(clips)), key=lambda clip: (lengths[clip], clip))
        size = NetworkSize(config.width, config.layers, config.dropout)
        network = Seq2Seq(features.size, len(vocabulary), size)
        drawn_weights(network, torch.Generator().manual_seed(config.seed + _WEIGHTS))
        rate = longest_rate(lengths, [len(text) for text in self._texts])
        self.reader = Reader(features, network.to(self._device), vocabulary, rate)
        self.training = Training({"reader": network}, torch.Generator().manual_seed(config.seed))

    def add_losses(self, further: FeatureLosses) -> None:
        """Further losses from now on; their networks learn with the reader."""
        self._further = further
        self.training.networks = {"reader": self.reader.network, **further.networks()}

    def run(self, report: TrainingReport) -> None:
        """All remaining steps of the budget."""
        stage = TrainingStage("reader", 1.0, self._begin)
        train(
            self.training,
            self._config,
            [stage],
            evaluate=self._numbers_now,
            pictures=self._pictures,
            report=report,
        )

    def errors(self) -> dict[str, ErrorCounts]:
        """Errors on every set of clips to evaluate on."""
        return {name: read.errors() for name, read in self._read().items()}

    def _read(self) -> dict[str, ReadTexts]:
        """What is said in every set of clips to evaluate on, and what the reader writes."""
        return {
            name: ReadTexts(
                tuple(transcripts),
                tuple(
                    "".join(self.reader.vocabulary.text(text.tokens))
                    for text in self.reader.texts(sequences)
                ),
            )
            for name, (sequences, transcripts) in self._evaluated.items()
        }

    def result(
        self,
        inputs: ClipInputs,
        warnings: Iterable[Mapping[str, str]],
        details: Mapping[str, object],
    ) -> ReaderResult:
        """The trained reader, which moves to the CPU."""
        read = self._read()
        quality = measures(read, likeliest_text(self._texts))
        self.reader.network.cpu()
        curve = curve_picture(self.training.history)
        return ReaderResult(
            reader=self.reader,
            quality=quality,
            errors={f"{name}_error": texts.errors() for name, texts in read.items()},
            history=tuple(self.training.history),
            params={
                **self._config.model_dump(mode="json"),
                "name": inputs.name,
                "device": inputs.device.type,
            },
            recipe=inputs.recipe,
            warnings=(
                *warnings,
                *chance_warnings(quality),
                *overlap_warnings(self._texts, read),
            ),
            details=details,
            pictures={CURVE: curve, **self._pictures()},
            seconds=self.training.seconds,
        )

    def _begin(self) -> tuple[dict[str, OptimizerGroup], TrainingStep]:
        parameters = [
            parameter
            for network in self.training.networks.values()
            for parameter in network.parameters()
        ]
        rate = self._config.learning_rate
        optimizer = torch.optim.Adam(parameters, lr=rate)
        return {"reader": OptimizerGroup(optimizer, rate, largest_norm=LARGEST_NORM)}, self._step

    def _step(self) -> dict[str, Tensor]:
        """One step on one batch."""
        training, generator = self.training, self.training.generator
        clips = drawn_clips(self._shortest_first, training.progress, self._config, generator)
        sampling = TextSampling(sampling_rate(training.progress, self._config), generator)
        texts = TextBatch.of([self._numbers[clip] for clip in clips], self._device)
        reading = self.reader.network.forced(
            self.batch([self.sequences[clip] for clip in clips]), texts, sampling
        )
        losses = {"text": text_loss(reading.decoded.logits, texts)}
        if self._further is not None:
            losses |= self._further.losses(reading, clips)
        training.learn("reader", torch.stack(list(losses.values())).sum())
        return {name: loss.detach() for name, loss in losses.items()}

    def batch(self, sequences: Sequence[FeatureSequence]) -> FeatureBatch:
        """The sequences on the device of the training."""
        return FeatureBatch.of(sequences, self._device)

    def _numbers_now(self) -> Numbers:
        errors = {f"{name}_error": counts.rate() for name, counts in self.errors().items()}
        return errors if self._further is None else errors | self._further.numbers()

    def _pictures(self) -> Mapping[str, bytes]:
        return {} if self._further is None else self._further.pictures()


def require_batch(clips: Sequence[Clip], config: SpeechTrainingConfig) -> None:
    """Raises TooFewClipsError unless the clips fill a batch."""
    if len(clips) < config.batch_size:
        raise TooFewClipsError(
            f"{len(clips)} clips to learn from are fewer than the {config.batch_size} of a batch",
            remedy=f"bring more clips, or set batch_size to at most {max(8, len(clips))}",
        )
