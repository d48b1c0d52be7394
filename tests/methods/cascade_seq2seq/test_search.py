"""Beam search through all stages merges equal characters and equals greedy search at width 1."""

import math

import pytest
import torch

from service.core.catalog.cascade_seq2seq import CASCADES, PassedTokens
from tests.methods.small_clips import small_clips
from workers.methods.cascade_seq2seq.networks import Cascade
from workers.methods.cascade_seq2seq.reader import CascadeReader
from workers.methods.cascade_seq2seq.search import CascadePath, cascade_paths, merged
from workers.methods.cascade_seq2seq.texts import stage_text
from workers.torchkit.speech.features import CropReader
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.search import Hypothesis
from workers.torchkit.speech.seq2seq import drawn_weights
from workers.torchkit.speech.vocabulary import Vocabulary

CLIPS = small_clips(6)
STAGES = CASCADES[-1]


@pytest.fixture(scope="module")
def reader() -> CascadeReader:
    vocabularies = {
        stage: Vocabulary.of([stage_text(clip, stage) for clip in CLIPS]) for stage in STAGES
    }
    features = CropReader.fitted(CLIPS, rate=25.0, components=6)
    words = {stage: len(vocabulary) for stage, vocabulary in vocabularies.items()}
    network = Cascade(words, features.size, NetworkSize(8))
    drawn_weights(network, torch.Generator().manual_seed(0))
    return CascadeReader(features, network, vocabularies, 0.4, PassedTokens.BEST)


@pytest.mark.parametrize("clip", range(3))
def test_a_beam_of_width_1_is_greedy_search(reader: CascadeReader, clip: int) -> None:
    sequence = reader.features.features(CLIPS[clip])

    path = cascade_paths(reader, sequence.values, width=1)[0]

    greedy = reader.texts([sequence])
    for stage in STAGES:
        words = reader.vocabularies[stage].text(path.texts[stage].tokens)
        assert words == greedy[stage][0]


def test_paths_are_different_texts_best_first(reader: CascadeReader) -> None:
    paths = cascade_paths(reader, reader.features.features(CLIPS[0]).values, width=4)

    texts = [path.texts[STAGES[-1]].tokens for path in paths]
    assert len(set(texts)) == len(texts)
    assert [path.score for path in paths] == sorted((path.score for path in paths), reverse=True)


def test_paths_with_equal_characters_are_merged() -> None:
    last = STAGES[-1]
    text, other = (Hypothesis((token,), (-1.0,), finished=True) for token in (4, 5))
    paths = [
        CascadePath({last: part}, score)
        for part, score in ((text, -2.0), (other, -1.5), (text, -2.0))
    ]

    best, second = merged(paths, last)

    assert best.texts[last] == text
    assert best.score == pytest.approx(-2 + math.log(2))
    assert second.score == -1.5


def test_texts_of_unequal_lengths_are_not_aligned() -> None:
    short, long = (Hypothesis((4,) * length, (-1.0,) * length, finished=True) for length in (1, 2))

    assert CascadePath({STAGES[0]: short, STAGES[1]: short}, 0.0).aligned
    assert not CascadePath({STAGES[0]: short, STAGES[1]: long}, 0.0).aligned
