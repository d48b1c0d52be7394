"""A reader answers a clip in a padded batch as it answers it alone, however it decodes."""

import math
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from workers.torchkit.speech.features import FeatureBatch, FeatureSequence
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.search import Hypothesis, beam_hypotheses
from workers.torchkit.speech.seq2seq import (
    Seq2Seq,
    TextSampling,
    drawn_weights,
    longest_rate,
    most_tokens,
)
from workers.torchkit.speech.texts import (
    TextBatch,
    sampled_previous,
    text_loss,
    text_tokens_only,
    token_losses,
)
from workers.torchkit.speech.vocabulary import END, PAD, START, Vocabulary

CPU = torch.device("cpu")
CLOSE = {"rtol": 0, "atol": 1e-5}
FRAMES = (9, 4, 7)
TEXTS = ([5, 6, 7], [8], [6, 6, 9, 5, 4])


def reader(layers: int = 2, seed: int = 0) -> Seq2Seq:
    network = Seq2Seq(6, 11, NetworkSize(width=8, layers=layers))
    drawn_weights(network, torch.Generator().manual_seed(seed))
    return network


def sequences(frames: Sequence[int] = FRAMES) -> list[FeatureSequence]:
    generator = torch.Generator().manual_seed(3)
    return [
        FeatureSequence(torch.randn(size, 6, generator=generator), torch.arange(size).float())
        for size in frames
    ]


def batch(parts: Sequence[FeatureSequence]) -> FeatureBatch:
    return FeatureBatch.of(parts, CPU)


@pytest.mark.parametrize("clip", range(3))
def test_a_clip_in_a_padded_batch_equals_the_clip_alone(clip: int) -> None:
    network, parts = reader(), sequences()
    together, alone = batch(parts), batch(parts[clip : clip + 1])
    texts, text = TextBatch.of(TEXTS, CPU), TextBatch.of(TEXTS[clip : clip + 1], CPU)

    all_read, read = network.forced(together, texts), network.forced(alone, text)

    losses = token_losses(all_read.decoded.logits, texts)[clip].sum() / texts.mask[clip].sum()
    torch.testing.assert_close(losses, text_loss(read.decoded.logits, text), **CLOSE)
    size, tokens = FRAMES[clip], len(TEXTS[clip]) + 1
    attention = all_read.decoded.attention[0][clip]
    torch.testing.assert_close(attention[:tokens, :size], read.decoded.attention[0][0], **CLOSE)
    torch.testing.assert_close(all_read.encoded.end[clip], read.encoded.end[0], **CLOSE)
    torch.testing.assert_close(all_read.encoded.states[clip, :size], read.encoded.states[0])
    greedy = network.read(together, 0.5)[1].hypotheses()[clip]
    assert greedy.tokens == network.read(alone, 0.5)[1].hypotheses()[0].tokens


def test_attention_sums_to_1_and_is_0_on_padding() -> None:
    attention = reader().forced(batch(sequences()), TextBatch.of(TEXTS, CPU)).decoded.attention[0]

    torch.testing.assert_close(attention.sum(2), torch.ones(3, 6))
    assert attention[1, :, 4:].eq(0).all()


def test_the_end_state_is_that_of_both_directions_of_the_last_layer() -> None:
    encoded = reader(layers=1).forced(batch(sequences()), TextBatch.of(TEXTS, CPU)).encoded

    for clip, size in enumerate(FRAMES):
        expected = torch.cat([encoded.states[clip, size - 1, :8], encoded.states[clip, 0, 8:]])
        torch.testing.assert_close(encoded.end[clip], expected)


def test_one_call_equals_a_loop_over_tokens() -> None:
    network, texts = reader(), TextBatch.of(TEXTS, CPU)
    together = network.forced(batch(sequences()), texts)

    hidden, logits = together.encoded.ends, []
    for token in texts.previous.T:
        step = network.decoder(token[:, None], [together.encoded], hidden)
        hidden = step.hidden
        logits.append(step.logits)

    torch.testing.assert_close(torch.cat(logits, 1), together.decoded.logits, **CLOSE)


@pytest.mark.parametrize("seed", range(6))
def test_beam_search_of_width_1_is_greedy_search(seed: int) -> None:
    network, part = reader(seed=seed), sequences((9,))

    greedy = network.read(batch(part), 0.9)[1].hypotheses()[0]
    beam = network.searched(part[0].values, 0.9, width=1)[0]

    assert beam.tokens == greedy.tokens
    assert beam.finished == greedy.finished
    assert beam.log_probabilities == pytest.approx(greedy.log_probabilities, abs=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_a_wider_beam_is_never_worse_than_greedy_search(seed: int) -> None:
    network, part = reader(seed=seed), sequences((9,))

    scores = [network.searched(part[0].values, 0.9, width=width)[0] for width in (1, 5)]

    assert scores[1].finished >= scores[0].finished
    if scores[0].finished == scores[1].finished:
        assert scores[1].score() >= scores[0].score() - 1e-6


def two_letter_language(tokens: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """p(a) .6, p(b) .4; after a: a .35, b .35, end .3; after b: end .9."""
    a, b = 4, 5
    chances = {
        START: {a: 0.6, b: 0.4},
        a: {a: 0.35, b: 0.35, END: 0.3},
        b: {END: 0.9, a: 0.05, b: 0.05},
    }
    rows = torch.full((len(tokens), 6), -torch.inf)
    for row, token in enumerate(tokens.tolist()):
        for word, chance in chances[token].items():
            rows[row, word] = math.log(chance)
    return rows, hidden[:, :1].expand(-1, len(tokens), -1)


def searched(width: int, longest: int = 6) -> list[Hypothesis]:
    hidden = torch.zeros(1, 1, 1)
    return beam_hypotheses(
        two_letter_language, hidden, width=width, longest=longest, normalization=0.0
    )


def test_a_beam_of_2_finds_what_greedy_search_misses() -> None:
    assert searched(1)[0].tokens[0] == 4
    assert searched(2)[0].tokens == (5,)
    assert math.exp(searched(2)[0].score(0.0)) == pytest.approx(0.36)


def test_a_text_without_end_is_returned_as_unfinished() -> None:
    text = searched(1, longest=1)[0]

    assert (text.tokens, text.finished) == ((4,), False)
    assert text.log_probabilities == pytest.approx((math.log(0.6),))


def test_scores_are_normalized_by_length_with_the_end_token() -> None:
    text = Hypothesis((4, 5), (-1.0, -1.0, -2.0), finished=True)

    assert text.score(1.0) == pytest.approx(-4 / 3)
    assert text.score(0.0) == -4


def test_texts_end_with_the_end_token_and_begin_with_the_start_token() -> None:
    texts = TextBatch.of([[5, 6], [7]], CPU)

    assert texts.targets.tolist() == [[5, 6, END], [7, END, PAD]]
    assert texts.previous.tolist() == [[START, 5, 6], [START, 7, PAD]]
    assert texts.lengths.tolist() == [2, 1]


def test_sampling_at_rate_0_is_teacher_forcing_and_at_rate_1_takes_own_tokens() -> None:
    network, texts = reader(), TextBatch.of(TEXTS, CPU)
    logits = network.forced(batch(sequences()), texts).decoded.logits

    drawn = {
        rate: sampled_previous(logits, texts, rate=rate, generator=torch.Generator())
        for rate in (0.0, 1.0)
    }

    assert drawn[0.0].equal(texts.previous)
    own = text_tokens_only(logits).argmax(2)
    for clip, text in enumerate(TEXTS):
        assert drawn[1.0][clip, 1 : len(text) + 1].equal(own[clip, : len(text)])
    assert drawn[1.0][:, 0].eq(START).all()


def test_without_dropout_sampling_at_rate_0_changes_nothing() -> None:
    network = Seq2Seq(6, 11, NetworkSize(width=8, dropout=0.0))
    drawn_weights(network, torch.Generator().manual_seed(0))
    parts, texts = batch(sequences()), TextBatch.of(TEXTS, CPU)

    sampled = network.forced(parts, texts, TextSampling(0.0, torch.Generator()))

    assert sampled.decoded.logits.equal(network.forced(parts, texts).decoded.logits)


def test_texts_have_no_start_padding_or_unknown_tokens() -> None:
    texts = reader().read(batch(sequences()), 2.0)[1]

    for text in texts.hypotheses():
        assert all(token > END + 1 for token in text.tokens)


def test_the_longest_text_follows_the_largest_rate_of_training() -> None:
    rate = longest_rate([10, 20], [4, 4])

    assert rate == 0.5
    assert most_tokens(torch.tensor([9, 4]), rate).tolist() == [7, 4]


def test_vocabularies_number_tokens_after_the_special_ones() -> None:
    words = Vocabulary.of(["看书", "书"])

    assert words.numbers("书看砍") == [4, 5, 3]
    assert words.text([5, 4, END]) == ["看", "书"]
    assert len(words) == 6
    assert words.missing("砍书") == {"砍"}
