"""The staged clips and first stage of a cascade become the inputs of its training; runs in the child."""

from collections.abc import Mapping
from typing import Any

import torch
from safetensors.torch import load_file

from workers.child.load.readers import reader_inputs
from workers.isolation.training_files import FIRST_STAGE
from workers.isolation.workdir import Scratch
from workers.methods.cascade_seq2seq.reader import FirstStage
from workers.methods.cascade_seq2seq.run import CascadeInputs, FirstStageSplit
from workers.methods.cascade_seq2seq.stored_cascades import restored_first_stage
from workers.torchkit.speech.stored_readers import StoredReader

Facts = Mapping[str, Any]


def cascade_inputs(request: Facts, scratch: Scratch, device: torch.device) -> CascadeInputs:
    """Clips to learn from and to evaluate on, and the first stage to share."""
    facts = request["facts"]
    clips = reader_inputs(request, scratch, device)
    return CascadeInputs(
        **vars(clips),
        first_stage=_first_stage(facts["first_stage"], scratch),
        first_stage_split=FirstStageSplit(facts["first_stage_split"]),
        pinyin_from=facts["pinyin_from"],
    )


def _first_stage(head: Facts | None, scratch: Scratch) -> FirstStage | None:
    if head is None:
        return None
    return restored_first_stage(StoredReader(load_file(scratch.inputs / FIRST_STAGE), head))
