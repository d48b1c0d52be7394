"""A reader is rated beside one text that is always the same, in characters and in words."""

import pytest
from torch.testing import assert_close

from workers.torchkit.speech.error_rates import edit_distance
from workers.torchkit.speech.quality import (
    ReadTexts,
    chance_warnings,
    likeliest_text,
    measures,
    overlap_warnings,
)


def test_error_rates_are_those_of_a_plain_loop():
    read = ReadTexts(("set red", "bin blue"), ("set rod", "bin"))

    numbers = measures({"held_out": read}, "set blue")

    characters = sum(map(edit_distance, read.transcripts, read.texts)) / 15
    same = (edit_distance("set red", "set blue") + edit_distance("bin blue", "set blue")) / 15
    assert_close(numbers["held_out_error"], characters)
    assert_close(numbers["held_out_word_error"], 2 / 4)
    assert_close(numbers["held_out_same_text_error"], same)
    assert_close(numbers["held_out_lead_over_same_text"], same - characters)
    assert (
        numbers["held_out_lead_over_same_text_low"]
        <= numbers["held_out_lead_over_same_text"]
        <= numbers["held_out_lead_over_same_text_high"]
    )


def test_transcripts_without_spaces_have_no_words():
    numbers = measures({"held_out": ReadTexts(("看书",), ("看树",))}, "看")

    assert numbers["held_out_error"] == 0.5
    assert "held_out_word_error" not in numbers


@pytest.mark.parametrize(
    ("transcripts", "text"),
    [
        (["看书", "看树", "看鱼书", "看书"], "看书"),
        (["买", "买"], "买"),
        (["abcd", "efgh", "ijkl"], ""),
    ],
)
def test_the_likeliest_text_makes_the_fewest_errors(transcripts: list[str], text: str):
    assert likeliest_text(transcripts) == text


def test_a_reader_that_is_not_better_than_one_text_warns():
    clips = ("看书", "买鱼", "看树", "买书") * 8

    blind = measures({"held_out": ReadTexts(clips, ("看书",) * 32)}, "看书")
    good = measures({"held_out": ReadTexts(clips, clips)}, "看书")

    assert [warning["code"] for warning in chance_warnings(blind)] == ["near_chance"]
    assert chance_warnings(good) == ()
    assert chance_warnings({}) == ()


def test_sentences_that_were_learned_too_warn():
    read = {
        "held_out": ReadTexts(("看书", "买"), ("", "")),
        "unseen_speakers": ReadTexts(("看树",), ("",)),
    }

    (warning,) = overlap_warnings(["看书", "看树"], read)

    assert warning["code"] == "sentences_overlap"
    assert warning["detail"].startswith("2 of 3 clips ")
    assert overlap_warnings(["鱼"], read) == ()
