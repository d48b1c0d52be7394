"""The staged files of a training become the inputs of its method; runs in the child."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from service.core.catalog import method_named
from service.core.catalog.training import TeachersOnly, TrainingDevice
from service.core.manifest import InputSpec, TaskKind
from workers.child.load.canonical_frames import canonical_frames
from workers.isolation.training_files import DATASET, EVAL_DATASET, START, TEACHER
from workers.isolation.workdir import Scratch
from workers.programs import read_program
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.steps import held_out
from workers.torchkit.training.task import DataFreeInputs, ImageInputs
from workers.torchkit.training.teachers import Teacher

Facts = Mapping[str, Any]


def training_inputs(request: Facts, scratch: Scratch, device: torch.device) -> DataFreeInputs:
    """Teachers, and images where the method learns from images.

    Without an evaluation set, a share of the images, drawn by the seed, evaluates instead of
    training.
    """
    facts, params = request["facts"], request["params"]
    if params["device"] == TrainingDevice.CPU:
        device = torch.device("cpu")
    shared = {
        "name": facts["name"],
        "teachers": tuple(
            _teacher(teacher, scratch, TEACHER.format(index), device)
            for index, teacher in enumerate(facts["teachers"])
        ),
        "start": _weights(scratch) if facts["start"] else None,
    }
    evaluation_set = (
        _evaluation_set(facts["eval_dataset"], canonical_frames(scratch.inputs / EVAL_DATASET))
        if facts["eval_dataset"]
        else None
    )
    if issubclass(method_named(request["method"]).inputs, TeachersOnly):
        return DataFreeInputs(**shared, evaluation_set=evaluation_set)
    frames, data = canonical_frames(scratch.inputs / DATASET), facts["dataset"]
    labels = torch.tensor(data["labels"], dtype=torch.int64)
    is_held_out = (
        torch.zeros(len(labels), dtype=torch.bool) if evaluation_set else _held_out(labels, params)
    )
    if evaluation_set is None:
        evaluation_set = EvaluationSet(
            frames[is_held_out], labels[is_held_out], tuple(data["label_names"])
        )
    return ImageInputs(
        **shared,
        evaluation_set=evaluation_set,
        images=frames[~is_held_out],
        labels=labels[~is_held_out],
        label_names=tuple(data["label_names"]),
    )


def _held_out(labels: Tensor, params: Facts) -> Tensor:
    """Which images evaluate; those without a label count as a label of their own."""
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
    made_up = tuple(f"{facts['outputs_called']} {index}" for index in range(outputs))
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
