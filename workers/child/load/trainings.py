"""The staged files of a training become what its room takes; runs in the child."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from service.core.catalog.training import TrainingDevice
from service.core.manifest import InputSpec, TaskKind
from workers.child.load.canonical_frames import canonical_frames
from workers.isolation.training_files import DATASET, EVAL_DATASET, START, TEACHER
from workers.isolation.workdir import Scratch
from workers.methods import method_package
from workers.programs import read_program
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.steps import held_out
from workers.torchkit.training.task import DataFreeInputs, ImageInputs
from workers.torchkit.training.teachers import Teacher

Facts = Mapping[str, Any]


def training_inputs(request: Facts, scratch: Scratch, device: torch.device) -> DataFreeInputs:
    """Teachers, and images where the method learns from images.

    Without an evaluation dataset, a share of the images judges instead of teaching; the course's seed draws it.
    """
    facts, params = request["facts"], request["params"]
    if params["device"] == TrainingDevice.CPU:
        device = torch.device("cpu")
    given = {
        "name": facts["name"],
        "teachers": tuple(
            _teacher(one, scratch, TEACHER.format(place), device)
            for place, one in enumerate(facts["teachers"])
        ),
        "start": _weights(scratch) if facts["start"] else None,
    }
    evaluation_set = (
        _evaluation_set(facts["eval_dataset"], canonical_frames(scratch.inputs / EVAL_DATASET))
        if facts["eval_dataset"]
        else None
    )
    if not issubclass(method_package(request["method"]).Inputs, ImageInputs):
        return DataFreeInputs(**given, evaluation_set=evaluation_set)
    frames, data = canonical_frames(scratch.inputs / DATASET), facts["dataset"]
    labels = torch.tensor(data["labels"], dtype=torch.int64)
    kept = torch.zeros(len(labels), dtype=torch.bool) if evaluation_set else _kept(labels, params)
    if evaluation_set is None:
        evaluation_set = EvaluationSet(frames[kept], labels[kept], tuple(data["label_names"]))
    return ImageInputs(
        **given,
        evaluation_set=evaluation_set,
        images=frames[~kept],
        labels=labels[~kept],
        label_names=tuple(data["label_names"]),
    )


def _kept(labels: Tensor, params: Facts) -> Tensor:
    """Which images judge; those without a label count as a label of their own."""
    generator = torch.Generator().manual_seed(params["seed"])
    return held_out(labels + 1, share=params["validation_fraction"], generator=generator)


def _evaluation_set(facts: Facts, frames: Tensor) -> EvaluationSet:
    labels = torch.tensor(facts["labels"], dtype=torch.int64)
    return EvaluationSet(frames, labels, tuple(facts["label_names"]))


def _teacher(facts: Facts, scratch: Scratch, file: str, device: torch.device) -> Teacher:
    program = read_program(scratch.inputs / file)
    if facts["feature_layer"] is not None:
        program = program.with_interface(feature_layer=facts["feature_layer"])
    outputs = program.output_shape[0]
    made_up = tuple(f"{facts['outputs_called']} {place}" for place in range(outputs))
    return Teacher(
        id=facts["id"],
        name=facts["name"],
        program=program.to(device),
        input=InputSpec.model_validate(facts["input"]),
        task=TaskKind(facts["task"]),
        classes=made_up if facts["classes"] is None else tuple(facts["classes"]),
    )


def _weights(scratch: Scratch) -> dict[str, Tensor]:
    """Weights to start from, by their names in the export."""
    return dict(read_program(scratch.inputs / START).named_weights())
