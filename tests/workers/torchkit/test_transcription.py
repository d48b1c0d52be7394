"""A stored reader reads as before, and its texts say when each token is spoken."""

import json

import pytest
import torch

from tests.methods.small_clips import small_clips
from workers.torchkit.speech.features import CropReader, MelReader
from workers.torchkit.speech.networks import NetworkSize
from workers.torchkit.speech.readers import Reader, clip_features
from workers.torchkit.speech.seq2seq import Seq2Seq, drawn_weights
from workers.torchkit.speech.stored_readers import (
    StoredReader,
    UnfitReaderError,
    restored_reader,
    stored_reader,
)
from workers.torchkit.speech.transcription import attention_spans, transcriptions
from workers.torchkit.speech.vocabulary import Vocabulary

CLIPS, SIZE = small_clips(6), NetworkSize(8)


def reader_of(features: CropReader | MelReader) -> Reader:
    vocabulary = Vocabulary.of([clip.transcript for clip in CLIPS])
    network = Seq2Seq(features.size, len(vocabulary), SIZE)
    drawn_weights(network, torch.Generator().manual_seed(0))
    return Reader(features, network, vocabulary, 0.5)


def lip_reader() -> Reader:
    return reader_of(CropReader.fitted(CLIPS, rate=25.0, components=6))


@pytest.mark.parametrize("reader", [lip_reader(), reader_of(MelReader(80))], ids=["lips", "sound"])
def test_a_stored_reader_reads_as_before(reader: Reader) -> None:
    stored = stored_reader(reader, SIZE)

    again = restored_reader(StoredReader(stored.tensors, json.loads(json.dumps(stored.facts))))

    texts = [part.texts(clip_features(part.features, CLIPS)) for part in (reader, again)]
    assert texts[0] == texts[1]


def test_weights_of_another_size_are_refused() -> None:
    stored = stored_reader(lip_reader(), SIZE)
    facts = {**stored.facts, "vocabulary": ["买"]}

    with pytest.raises(UnfitReaderError):
        restored_reader(StoredReader(stored.tensors, facts))


def test_texts_have_a_score_and_a_time_for_every_token() -> None:
    reader = lip_reader()

    texts = transcriptions(reader, CLIPS[0], width=3)

    assert [text.score for text in texts] == sorted((text.score for text in texts), reverse=True)
    for text in texts:
        assert "".join(token.text for token in text.tokens) == text.text
        assert all(token.start_seconds <= token.end_seconds for token in text.tokens)
        torch.testing.assert_close(text.attention.sum(1), torch.ones(len(text.tokens)))


def test_spans_are_the_center_of_attention_with_its_spread() -> None:
    attention = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.0, 0.5]])

    spans = attention_spans(attention, torch.tensor([0.0, 1.0, 2.0]))

    assert spans[0] == pytest.approx((1.0, 1.0))
    assert spans[1] == pytest.approx((0.0, 2.0))
