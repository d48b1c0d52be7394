"""Long clips are cut at the times that a table gives."""

import pytest
import torch

from tests.clip_files import clip
from tests.methods.dataset_ingestion.test_clips import TakeIn, loaded, read
from tests.methods.dataset_ingestion.uploads import notes_of, reasons

__all__ = ["read"]

LONG = {"talk.mp4": clip(frames=60, sound=2.4)}


def test_rows_with_times_become_clips_of_their_own(read: TakeIn):
    table = (
        "path,start,end,transcript,speaker\ntalk.mp4,1.2,2.4,你好,Wu\ntalk.mp4,0,0:01.2,hello,\n"
    )

    result = read({**LONG, "said.csv": table.encode()})

    assert result.problems == ()
    assert [(c.name, c.transcript, c.pinyin, c.speaker, c.seconds) for c in result.clips] == [
        ("talk.mp4#0000.00-0001.20", "hello", None, None, 1.2),
        ("talk.mp4#0001.20-0002.40", "你好", ("ni3", "hao3"), "Wu", pytest.approx(1.2)),
    ]
    assert len({c.sha256 for c in result.clips}) == 1
    first, second = loaded(result, 0), loaded(result, 1)
    whole = loaded(read({**LONG, "talk.txt": b"all of it"}))
    assert (len(first.crops), len(second.crops)) == (30, 30)
    assert torch.equal(torch.cat([first.crops, second.crops]), whole.crops)
    torch.testing.assert_close(second.crop_times[:2], torch.tensor([0.02, 0.06]))
    torch.testing.assert_close(second.mel_times[0].item(), 0.0025, atol=1e-4, rtol=0)
    both = torch.cat([first.mel, second.mel])
    assert torch.equal(both, whole.mel[: len(both)])
    assert len(both) == 239


def test_times_without_transcripts_cut_too(read: TakeIn):
    table = b"path,begin,end_s\ntalk.mp4,0,1\ntalk.mp4,1.2,2\n"

    result = read({**LONG, "cuts.csv": table})

    assert result.problems == ()
    assert [(c.name, c.transcript) for c in result.clips] == [
        ("talk.mp4#0000.00-0001.00", ""),
        ("talk.mp4#0001.20-0002.00", ""),
    ]
    assert "no_transcripts" in notes_of(result)


BAD = {
    "no time": ("talk.mp4,soon,1,hello", "talk.mp4", "segment_times"),
    "backward": ("talk.mp4,1,1,hello", "talk.mp4", "segment_times"),
    "beyond": ("talk.mp4,1,9,hello", "talk.mp4#0001.00-0009.00", "segment_outside"),
    "short": ("talk.mp4,1,1.1,hello", "talk.mp4#0001.00-0001.10", "clip_too_short"),
    "twice": (
        "talk.mp4,1,2,hello\ntalk.mp4,1.0,2,bye",
        "talk.mp4#0001.00-0002.00",
        "several_transcripts",
    ),
    "one without": ("talk.mp4,1,2,hello\ntalk.mp4,,,bye", "talk.mp4", "several_transcripts"),
}


@pytest.mark.parametrize("case", BAD)
def test_wrong_times_are_named(read: TakeIn, case: str):
    rows, name, code = BAD[case]
    good = {"b.mp4": clip(frames=20), "b.txt": b"yes"}
    table = f"path,start,end,transcript\n{rows}\n".encode()

    result = read({**LONG, **good, "said.csv": table}, on_error="skip")

    assert (name, code) in reasons(result)
    assert result.clips
    assert all(problem.remedy for problem in result.problems if problem.name)
