"""A cascade learns stage by stage and then together, shares a first stage, and resumes."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from service.core.catalog.cascade_seq2seq import (
    CASCADES,
    CascadeSeq2SeqParams,
    CascadeStage,
    PassedTokens,
    VideoInput,
)
from service.core.catalog.training import Budget
from tests.methods.small_clips import small_clips
from workers.methods.cascade_seq2seq import run
from workers.methods.cascade_seq2seq.networks import StageTokens, TextEncoder
from workers.methods.cascade_seq2seq.run import CascadeInputs, CascadeResult, OtherFirstStageError
from workers.methods.cascade_seq2seq.texts import fit_clips, stage_text
from workers.torchkit.protocols import RecordingReporter
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.seq2seq import drawn_weights

CLIPS, HELD_OUT = small_clips(16), small_clips(5, seed=1)
PINYIN, TONE, CHARACTER = CASCADES[-1]


def params(steps: int = 12, **changes: object) -> CascadeSeq2SeqParams:
    return CascadeSeq2SeqParams.model_validate(
        {
            "budget": Budget(steps=steps),
            "batch_size": 8,
            "width": 8,
            "components": 6,
            "num_evaluations": 2,
            "checkpoint_interval_seconds": 0,
            **dict.fromkeys(("first_share", "tone_share", "character_share", "joint_share"), 1),
            **changes,
        }
    )


def trained(report: RecordingReporter | None = None, **changes: object) -> CascadeResult:
    inputs = CascadeInputs(name="cascade", clips=CLIPS, held_out=HELD_OUT)
    return run(inputs, params(**changes), report or RecordingReporter())


@pytest.fixture(scope="module")
def report() -> RecordingReporter:
    reporter = RecordingReporter()
    trained(reporter)
    return reporter


def part_of(report: RecordingReporter, step: int, stage: CascadeStage) -> dict[str, torch.Tensor]:
    """The networks of a stage after a step, counted from 1."""
    prefix = f"network.{stage.value}."
    tensors = report.checkpoints[step - 1].tensors
    return {name: value for name, value in tensors.items() if name.startswith(prefix)}


def same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return all(left[name].equal(right[name]) for name in left)


def test_a_stage_stays_as_it_is_until_all_learn_together(report: RecordingReporter) -> None:
    for stage, last in ((PINYIN, 3), (TONE, 6)):
        assert same(part_of(report, last, stage), part_of(report, 9, stage))
        assert not same(part_of(report, 9, stage), part_of(report, 12, stage))
    assert same(part_of(report, 1, CHARACTER), part_of(report, 6, CHARACTER))
    assert not same(part_of(report, 6, CHARACTER), part_of(report, 9, CHARACTER))


@pytest.mark.parametrize("taken", [2, 7, 10])
def test_a_resumed_training_ends_with_the_same_bits(report: RecordingReporter, taken: int) -> None:
    again = RecordingReporter(start=report.checkpoints[taken])

    trained(again)

    ends = (report.checkpoints[-1].tensors, again.checkpoints[-1].tensors)
    assert all(ends[0][name].equal(ends[1][name]) for name in ends[0])


def test_errors_name_every_stage_and_both_oracle_rows() -> None:
    result = trained()

    rows = {name.removeprefix("held_out_").removesuffix("_error") for name in result.errors}
    assert rows == {
        "pinyin",
        "tone",
        "character",
        "character_given_pinyin",
        "character_given_pinyin_and_tone",
    }
    assert (result.details["no_pinyin"], result.details["clips"]) == (0, 16)
    quality = result.quality
    assert quality["held_out_character_lead_over_same_text"] == pytest.approx(
        quality["held_out_character_same_text_error"] - quality["held_out_character_error"]
    )
    assert [warning["code"] for warning in result.warnings] == ["near_chance"]


def test_the_first_stage_to_share_is_as_it_was_before_all_learned_together(
    report: RecordingReporter,
) -> None:
    before, after = part_of(report, 9, PINYIN), part_of(report, 12, PINYIN)

    first = trained().first_stage
    resumed = trained(RecordingReporter(start=report.checkpoints[10])).first_stage

    for name, value in first.weights.items():
        assert before[f"network.pinyin.{name}"].equal(value)
        assert resumed.weights[name].equal(value)
    assert not all(after[f"network.pinyin.{name}"].equal(v) for name, v in first.weights.items())


def test_two_cascades_share_one_trained_first_stage() -> None:
    first = trained(stages=("pinyin", "character")).first_stage
    inputs = CascadeInputs(name="cascade", clips=CLIPS, held_out=HELD_OUT, first_stage=first)
    report = RecordingReporter()

    result = run(inputs, params(9), report)

    before = part_of(report, 6, PINYIN)
    for name, value in first.weights.items():
        assert before[f"network.pinyin.{name}"].equal(value)
    assert result.details["shared_first_stage"] is True


def test_a_first_stage_of_another_kind_is_refused() -> None:
    single = run(
        CascadeInputs(name="one stage", clips=CLIPS, held_out=HELD_OUT),
        params(2, stages=("character",)),
        RecordingReporter(),
    )
    first = single.first_stage

    with pytest.raises(OtherFirstStageError):
        run(
            CascadeInputs(name="x", clips=CLIPS, held_out=(), first_stage=first),
            params(9),
            RecordingReporter(),
        )


def test_a_cascade_without_tones_has_no_networks_for_them() -> None:
    result = trained(stages=("pinyin", "character"))

    assert set(result.details["parameters"]) == {"pinyin", "character"}
    assert not any("tone" in name for name, _ in result.reader.network.named_parameters())


def test_stages_in_another_order_are_refused() -> None:
    with pytest.raises(ValueError, match="in this order"):
        params(stages=("tone", "pinyin", "character"))


@pytest.mark.parametrize("video", list(VideoInput))
@pytest.mark.parametrize("passed", list(PassedTokens))
def test_every_variant_reads(video: VideoInput, passed: PassedTokens) -> None:
    result = trained(steps=8, video_in=video, passed=passed, tone_dropout=0.3)

    assert torch.isfinite(torch.tensor(list(result.quality.values()))).all()


def test_certain_soft_tokens_are_hard_tokens() -> None:
    encoder = TextEncoder(9, NetworkSize(6))
    drawn_weights(encoder, torch.Generator().manual_seed(0))
    tokens, lengths = torch.tensor([[4, 6, 8], [5, 0, 0]]), torch.tensor([3, 1])
    logits = torch.full((2, 3, 9), -1e4).scatter(2, tokens[:, :, None], 1e4)

    hard = encoder(StageTokens.hard(tokens, lengths, 9))
    soft = encoder(StageTokens.soft(logits, lengths))

    torch.testing.assert_close(soft.states, hard.states)
    embedded = nn.functional.embedding(tokens[:1], encoder.embedding.weight)
    torch.testing.assert_close(hard.states[:1], encoder.encoder(embedded, lengths[:1]).states)


def test_gradients_flow_through_soft_tokens() -> None:
    encoder = TextEncoder(9, NetworkSize(6))
    logits = torch.zeros(1, 2, 9, requires_grad=True)

    encoder(StageTokens.soft(logits, torch.tensor([2]))).end.sum().backward()

    assert logits.grad is not None
    assert logits.grad.abs().sum() > 0


def test_texts_of_all_stages_have_equal_lengths() -> None:
    for clip in CLIPS:
        lengths = {len(stage_text(clip, stage)) for stage in CASCADES[-1]}
        assert len(lengths) == 1


def test_clips_without_a_syllable_per_character_are_skipped_and_counted() -> None:
    clips = (
        *CLIPS[:3],
        replace(CLIPS[3], pinyin=None),
        replace(CLIPS[4], pinyin=(*(CLIPS[4].pinyin or ()), "ma5")),
    )

    fit, skipped = fit_clips(clips, CASCADES[-1])

    assert len(fit) == 3
    assert (skipped.no_pinyin, skipped.pinyin_mismatch) == (1, 1)
    assert len(fit_clips(clips, CASCADES[0])[0]) == 5
