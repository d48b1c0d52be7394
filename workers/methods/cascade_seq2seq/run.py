"""Trains a cascade on the pictures of clips with Mandarin texts."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from service.core.catalog.cascade_seq2seq import CascadeSeq2SeqParams, CascadeStage
from service.core.errors import MethodError
from workers.methods.cascade_seq2seq.reader import CascadeReader, FirstStage
from workers.methods.cascade_seq2seq.task import CascadeClips, CascadeTraining
from workers.methods.cascade_seq2seq.texts import SkippedClips, fit_clips
from workers.torchkit.drawing.curves import curve_picture
from workers.torchkit.protocols import TrainingReport
from workers.torchkit.speech.inputs import HELD_OUT, ClipInputs, SpeechTrainingResult, rates
from workers.torchkit.speech.quality import (
    chance_warnings,
    likeliest_text,
    measures,
    overlap_warnings,
)
from workers.torchkit.speech.readers import weights_digest
from workers.torchkit.training.loop import CURVE, train


class OtherFirstStageError(MethodError):
    """A shared first stage predicts something else, or has other sizes."""

    code = "other_first_stage"


class FirstStageSplit(StrEnum):
    """Which clips a shared first stage learned from: those of this training, or others."""

    SAME = "same"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class CascadeInputs(ClipInputs):
    """Clips with pinyin, and a trained first stage to share; None trains one.

    Attributes:
        first_stage_split: Whether the first stage learned from the same clips as this training.
        pinyin_from: Library, version and settings of the pinyin that has no column of its own.
    """

    first_stage: FirstStage | None = None
    first_stage_split: FirstStageSplit = FirstStageSplit.SAME
    pinyin_from: str = ""


@dataclass(frozen=True, kw_only=True)
class CascadeResult(SpeechTrainingResult):
    """A trained cascade on the CPU, with its first stage as it was before the joint phase."""

    reader: CascadeReader
    first_stage: FirstStage

    @property
    def evaluated(self) -> int:
        """Number of clips that the error rates are measured on."""
        last = f"_{CascadeStage.CHARACTER}_error"
        return sum(len(c.errors) for name, c in self.errors.items() if name.endswith(last))


def run(
    inputs: CascadeInputs, params: CascadeSeq2SeqParams, report: TrainingReport
) -> CascadeResult:
    """The cascade, measured on held-out clips after its last training step.

    Clips without one syllable per character are left out and counted, unless there is one stage.

    Raises:
        OtherFirstStageError: The shared first stage does not fit.
        TooFewClipsError: Fewer clips fit than a batch has.
        DivergedError: Losses stopped being finite.
    """
    first = _fit_first(inputs.first_stage, params)
    clips, skipped = fit_clips(inputs.clips, params.stages)
    evaluation = {
        name: fit_clips(part, params.stages)[0] for name, part in inputs.evaluation_clips().items()
    }
    task = CascadeTraining(CascadeClips(clips, evaluation), params, inputs.device, first=first)
    train(
        task.training,
        params,
        task.stages(),
        evaluate=task.numbers,
        pictures=dict,
        report=report,
    )
    return _result(inputs, params, task, skipped)


def _fit_first(first: FirstStage | None, params: CascadeSeq2SeqParams) -> FirstStage | None:
    if first is None:
        return None
    cells = first.weights["encoder.gru.weight_hh_l0"].shape[1]
    if first.stage is not params.stages[0] or cells != params.width:
        raise OtherFirstStageError(
            f"the shared first stage predicts {first.stage.value} with width {cells};"
            f" this cascade begins with {params.stages[0].value} and has width {params.width}",
            remedy="choose the same stages and width as the model it comes from, or train a new one",
        )
    return first


def _result(
    inputs: CascadeInputs,
    params: CascadeSeq2SeqParams,
    task: CascadeTraining,
    skipped: SkippedClips,
) -> CascadeResult:
    """The trained cascade, which moves to the CPU."""
    errors, read = {**task.errors(), **task.oracle_errors()}, task.characters()
    quality = rates(errors) | measures(read, likeliest_text(task.transcripts))
    network = task.reader.network.cpu()
    details: Mapping[str, object] = {
        "clips": len(task.transcripts),
        **vars(skipped),
        "pinyin_from": inputs.pinyin_from,
        "shared_first_stage": inputs.first_stage is not None,
        "unknown_tokens": task.unknown_tokens(),
        "parameters": {
            stage.value: sum(parameter.numel() for parameter in network.part(stage).parameters())
            for stage in params.stages
        },
        "digest": weights_digest(network),
    }
    return CascadeResult(
        reader=task.reader,
        first_stage=task.first_stage(),
        quality=quality,
        errors=errors,
        history=tuple(task.training.history),
        params={
            **params.model_dump(mode="json"),
            "name": inputs.name,
            "device": inputs.device.type,
        },
        recipe=inputs.recipe,
        warnings=(
            *chance_warnings(quality, f"{HELD_OUT}_{CascadeStage.CHARACTER}"),
            *overlap_warnings(task.transcripts, read),
            *_split_warnings(inputs),
        ),
        details=details,
        pictures={CURVE: curve_picture(task.training.history)},
        seconds=task.training.seconds,
    )


def _split_warnings(inputs: CascadeInputs) -> tuple[Mapping[str, str], ...]:
    """The warning that the first stage may have learned clips that evaluate."""
    if inputs.first_stage is None or inputs.first_stage_split is FirstStageSplit.SAME:
        return ()
    return (
        {
            "code": "first_stage_split",
            "detail": "the shared first stage learned from another choice of clips, and may have"
            " learned some that evaluate this cascade, so that its error rates look better than"
            " they are",
            "remedy": "use the datasets, seed and validation_fraction of the model whose first"
            " stage it shares",
        },
    )
