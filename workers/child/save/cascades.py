"""A trained cascade becomes files: its weights, pictures, and a report for programs and people."""

from pathlib import Path
from typing import Any

from workers.child.save.readers import ReaderValues, write_reader
from workers.methods.cascade_seq2seq.run import CascadeResult
from workers.methods.cascade_seq2seq.stored_cascades import stored_cascade
from workers.torchkit.speech.networks import NetworkSize


def save_cascade(result: CascadeResult, out: Path) -> dict[str, Any]:
    """The values of a ``TrainedReader``; weights, pictures and reports lie in ``out``."""
    params = result.params
    stored = stored_cascade(
        result.reader,
        result.first_stage,
        NetworkSize(params["width"], params["layers"], params["dropout"]),
        result.details["pinyin_from"],
    )
    values = ReaderValues(stored, result.reader.network, result.evaluated)
    return write_reader(result, values, out)
