"""The staged clips of a training become the inputs of its method; runs in the child."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from safetensors.torch import load_file

from service.core.catalog import method_named
from service.core.catalog.lip_by_speech import ClipsAndRecognizer
from service.core.catalog.training import TrainingDevice
from workers.child.load.clips import clips_of
from workers.isolation.training_files import EVAL_CLIPS_FILE, TEACHING_READER
from workers.isolation.workdir import Scratch
from workers.methods.lip_by_speech.run import LipInputs
from workers.torchkit.clips import Clip
from workers.torchkit.speech.inputs import ClipInputs
from workers.torchkit.speech.readers import Reader
from workers.torchkit.speech.stored_readers import StoredReader, restored_reader

Facts = Mapping[str, Any]


def reader_inputs(request: Facts, scratch: Scratch, device: torch.device) -> ClipInputs:
    """Clips to learn from and to evaluate on, and the teacher where the method takes one.

    Without an evaluation set, a share of the sentences, drawn by the seed, evaluates instead of
    training, with all clips in which they are spoken.
    """
    facts, params = request["facts"], request["params"]
    clips = clips_of(facts["dataset"]["clips"], scratch)
    if facts["eval_dataset"] is None:
        sentences = held_out_sentences(
            clips, share=params["validation_fraction"], seed=params["seed"]
        )
        evaluated = [clip for clip in clips if clip.transcript in sentences]
        clips = [clip for clip in clips if clip.transcript not in sentences]
        unseen: set[str | None] = set()
    else:
        evaluated = clips_of(facts["eval_dataset"]["clips"], scratch, EVAL_CLIPS_FILE)
        unseen = {clip.speaker for clip in evaluated} - {clip.speaker for clip in clips} - {None}
    shared: dict[str, Any] = {
        "name": facts["name"],
        "clips": tuple(clips),
        "held_out": tuple(clip for clip in evaluated if clip.speaker not in unseen),
        "unseen_speakers": tuple(clip for clip in evaluated if clip.speaker in unseen),
        "device": torch.device("cpu") if params["device"] == TrainingDevice.CPU else device,
        "recipe": facts["recipe"],
    }
    if issubclass(method_named(request["method"]).inputs, ClipsAndRecognizer):
        return LipInputs(**shared, teacher=_teacher(facts["teachers"], scratch))
    return ClipInputs(**shared)


def _teacher(teachers: Sequence[Facts], scratch: Scratch) -> Reader | None:
    """The recognizer to learn from, if the job names one."""
    if not teachers:
        return None
    tensors = load_file(scratch.inputs / TEACHING_READER)
    return restored_reader(StoredReader(tensors, teachers[0]["reader"]))


def held_out_sentences(clips: Sequence[Clip], *, share: float, seed: int) -> set[str]:
    """A share of the different sentences, at least one of them and never all."""
    sentences = sorted({clip.transcript for clip in clips})
    count = min(max(1, round(share * len(sentences))), len(sentences) - 1)
    order = torch.randperm(len(sentences), generator=torch.Generator().manual_seed(seed))
    return {sentences[index] for index in order[:count].tolist()}
