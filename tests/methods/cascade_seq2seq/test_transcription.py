"""What a cascade reads in a clip equals slow twins, and a stored cascade reads the same."""

from dataclasses import replace

import pytest
import torch

from service.core.catalog.cascade_seq2seq import (
    CASCADES,
    CascadeSeq2SeqParams,
    CascadeStage,
    PassedTokens,
    VideoInput,
)
from tests.methods.cascade_seq2seq.test_run import CLIPS, trained
from workers.methods.cascade_seq2seq.networks import StageTokens
from workers.methods.cascade_seq2seq.reader import CascadeReader
from workers.methods.cascade_seq2seq.run import CascadeResult
from workers.methods.cascade_seq2seq.stored_cascades import (
    restored_cascade,
    restored_first_stage,
    stored_cascade,
)
from workers.methods.cascade_seq2seq.texts import stage_text
from workers.methods.cascade_seq2seq.transcription import cascade_readings, oracle_readings
from workers.torchkit.speech.error_rates import edit_distance
from workers.torchkit.speech.features import FeatureSequence
from workers.torchkit.speech.networks import EncodedSequence, NetworkSize
from workers.torchkit.speech.stored_readers import StoredReader, UnfitReaderError
from workers.torchkit.speech.vocabulary import END, PAD, START, UNKNOWN

PINYIN, TONE, CHARACTER = CASCADES[-1]
CLIP = CLIPS[0]


@pytest.fixture(scope="module")
def result() -> CascadeResult:
    return trained(steps=40, passed=PassedTokens.BEST)


@pytest.fixture(scope="module")
def sequence(result: CascadeResult) -> FeatureSequence:
    return result.reader.features.features(CLIP)


def hard_text(reader: CascadeReader, stage: CascadeStage, tokens: list[int]) -> StageTokens:
    """Tokens as the next stage gets them; an empty text is one padding token."""
    words = len(reader.vocabularies[stage])
    numbers, lengths = torch.tensor([tokens or [PAD]]), torch.tensor([len(tokens)])
    return StageTokens.hard(numbers, lengths, words)


@torch.no_grad()
def slow_texts(
    reader: CascadeReader, sequence: FeatureSequence, true_texts: dict[CascadeStage, list[int]]
) -> dict[CascadeStage, tuple[list[int], list[float]]]:
    """Each stage decoded token by token, the whole text again for every token."""
    network, frames = reader.network, len(sequence.values)
    encoded: list[EncodedSequence] = [
        network.part(PINYIN).encoder(sequence.values[None], torch.tensor([frames]))
    ]
    longest = -int(-(2 + frames * reader.rate) // 1)
    texts: dict[CascadeStage, tuple[list[int], list[float]]] = {}
    for index, stage in enumerate(network.stages):
        if index:
            before = network.stages[index - 1]
            text = true_texts.get(before) or texts[before][0]
            encoded.append(network.part(stage).encoder(hard_text(reader, before, text)))
        tokens: list[int] = []
        chances: list[float] = []
        while stage not in true_texts and len(chances) < longest:
            previous = torch.tensor([[START, *tokens]])
            logits = network.part(stage).decoder(previous, encoded, encoded[-1].ends).logits[0, -1]
            logits[[PAD, START, UNKNOWN]] = -torch.inf
            chances.append(float(logits.log_softmax(0).max()))
            if int(logits.argmax()) == END:
                break
            tokens.append(int(logits.argmax()))
        texts[stage] = tokens, chances
    return texts


def test_a_greedy_reading_equals_its_slow_twin(
    result: CascadeResult, sequence: FeatureSequence
) -> None:
    reader = result.reader

    reading = cascade_readings(reader, sequence, width=1)[0]

    for stage, (tokens, chances) in slow_texts(reader, sequence, {}).items():
        assert list(reading.stages[stage].text) == reader.vocabularies[stage].text(tokens)
        expected = torch.tensor(chances)[: len(tokens)]
        actual = torch.tensor(reading.stages[stage].log_probabilities)
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
        score = sum(chances) / len(chances) ** 0.8
        assert reading.stages[stage].score == pytest.approx(score, rel=1e-4)
    scores = [reading.stages[stage].score for stage in CASCADES[-1]]
    assert reading.score == pytest.approx(sum(scores))
    assert reading.aligned is (len({len(reading.stages[s].text) for s in CASCADES[-1]}) == 1)


def test_oracle_rows_equal_their_slow_twins(
    result: CascadeResult, sequence: FeatureSequence
) -> None:
    reader = result.reader

    rows = oracle_readings(reader, sequence, CLIP)

    assert [row.true_stages for row in rows] == [(PINYIN,), (PINYIN, TONE)]
    for row in rows:
        true_texts = {
            stage: reader.vocabularies[stage].numbers(stage_text(CLIP, stage))
            for stage in row.true_stages
        }
        tokens, _ = slow_texts(reader, sequence, true_texts)[CHARACTER]
        words = reader.vocabularies[CHARACTER].text(tokens)
        assert row.text == "".join(words)
        assert row.errors == edit_distance(tuple(CLIP.transcript), words)
        assert row.length == len(CLIP.transcript)


def test_a_beam_gives_different_characters_with_attention_to_the_video(
    result: CascadeResult, sequence: FeatureSequence
) -> None:
    readings = cascade_readings(result.reader, sequence, width=4)

    assert len({reading.text for reading in readings}) == len(readings) > 1
    assert [reading.score for reading in readings] == sorted(
        (reading.score for reading in readings), reverse=True
    )
    for reading in readings:
        for part in reading.stages.values():
            assert part.attention is not None
            assert part.attention.shape == (len(part.text), len(sequence.values))
            torch.testing.assert_close(part.attention.sum(1), torch.ones(len(part.text)))
            assert part.tokens is not None
            assert tuple(token.text for token in part.tokens) == part.text


def test_pinyin_joins_syllables_and_tones(
    result: CascadeResult, sequence: FeatureSequence
) -> None:
    reading = cascade_readings(result.reader, sequence, width=1)[0]

    pairs = zip(reading.stages[PINYIN].text, reading.stages[TONE].text, strict=False)
    assert reading.pinyin == tuple(syllable + tone for syllable, tone in pairs)


def test_a_clip_without_a_syllable_for_each_character_has_no_oracle_rows(
    result: CascadeResult, sequence: FeatureSequence
) -> None:
    assert oracle_readings(result.reader, sequence, replace(CLIP, pinyin=None)) == []


@pytest.mark.parametrize("stages", CASCADES, ids="-".join)
@pytest.mark.parametrize("video", list(VideoInput))
def test_a_stored_cascade_reads_the_same(
    stages: tuple[CascadeStage, ...], video: VideoInput
) -> None:
    result = trained(steps=8, stages=stages, video_in=video)
    reader, params = result.reader, CascadeSeq2SeqParams.model_validate(result.params)
    size = NetworkSize(params.width, params.layers, params.dropout)

    stored = stored_cascade(reader, result.first_stage, size, "")
    restored = restored_cascade(stored)

    sequence = reader.features.features(CLIP)
    again = restored.features.features(CLIP)
    assert again.values.equal(sequence.values)
    for width in (1, 2):
        expected = cascade_readings(reader, sequence, width=width)[0]
        actual = cascade_readings(restored, again, width=width)[0]
        assert actual.text == expected.text
        assert actual.score == pytest.approx(expected.score, rel=1e-6)
        blind = [part.attention is None for part in actual.stages.values()]
        assert blind == [video is VideoInput.FIRST and s is not stages[0] for s in stages]
    first = restored_first_stage(stored)
    assert (first.stage, first.rate) == (stages[0], reader.rate)
    shared = result.first_stage.weights if len(stages) > 1 else {}
    assert first.weights.keys() == shared.keys()
    assert all(first.weights[name].equal(value) for name, value in shared.items())


def test_stored_weights_of_another_size_are_refused(result: CascadeResult) -> None:
    stored = stored_cascade(result.reader, result.first_stage, NetworkSize(8), "")
    other = {**stored.facts, "size": {"width": 16, "layers": 1, "dropout": 0.3}}

    with pytest.raises(UnfitReaderError):
        restored_cascade(StoredReader(stored.tensors, other))
