"""The staged files of a training become the inputs of its method; runs in the child."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from service.core.catalog import TrainingTrait, method_named
from service.core.catalog.dynamic_instance_normalization import LossNetworkAndPictures
from service.core.catalog.training import TeachersOnly, TrainingDevice
from service.core.manifest import InputSpec, TaskKind
from workers.child.load.canonical_frames import canonical_frames
from workers.child.load.programs import program_of, with_logits_of
from workers.isolation.training_files import (
    DATASET,
    EVAL_DATASET,
    EVAL_MASKS,
    MASKS,
    START,
    STYLE_DATASET,
    TEACHER,
)
from workers.isolation.workdir import Scratch
from workers.programs import read_program
from workers.torchkit.training.evaluator import EvaluationSet
from workers.torchkit.training.steps import held_out, held_out_classes
from workers.torchkit.training.task import DataFreeInputs, ImageInputs, PictureInputs
from workers.torchkit.training.teachers import Teacher

Facts = Mapping[str, Any]
_NO_CLASS = 255


def training_inputs(request: Facts, scratch: Scratch, device: torch.device) -> DataFreeInputs:
    """Teachers, and images where the method learns from images.

    Without an evaluation set, a share of the images, drawn by the seed, evaluates instead of
    training.
    """
    facts, params = request["facts"], request["params"]
    if params["device"] == TrainingDevice.CPU:
        device = torch.device("cpu")
    shared: dict[str, Any] = {
        "name": facts["name"],
        "teachers": tuple(
            _teacher(teacher, scratch, TEACHER.format(index), device)
            for index, teacher in enumerate(facts["teachers"])
        ),
        "start": _weights(scratch) if facts["start"] else None,
        "recipe": facts["recipe"],
    }
    evaluation_set = (
        EvaluationSet(
            canonical_frames(scratch.inputs / EVAL_DATASET),
            _truth(facts["eval_dataset"], scratch.inputs / EVAL_MASKS),
            tuple(facts["eval_dataset"]["label_names"]),
        )
        if facts["eval_dataset"]
        else None
    )
    if issubclass(method_named(request["method"]).inputs, TeachersOnly):
        return DataFreeInputs(**shared, evaluation_set=evaluation_set)
    frames, data = canonical_frames(scratch.inputs / DATASET), facts["dataset"]
    labels = _labels(data)
    is_held_out = (
        torch.zeros(len(labels), dtype=torch.bool)
        if evaluation_set
        else _held_out(request["method"], labels, data["label_names"], params)
    )
    if evaluation_set is None:
        truth = _truth(data, scratch.inputs / MASKS)
        evaluation_set = EvaluationSet(
            frames[is_held_out], truth[is_held_out], tuple(data["label_names"])
        )
    shared |= {
        "evaluation_set": evaluation_set,
        "images": frames[~is_held_out],
        "labels": labels[~is_held_out],
        "label_names": tuple(data["label_names"]),
    }
    if not issubclass(method_named(request["method"]).inputs, LossNetworkAndPictures):
        return ImageInputs(**shared)
    styles = canonical_frames(scratch.inputs / STYLE_DATASET)
    aside = _held_out(request["method"], torch.zeros(len(styles), dtype=torch.int64), (), params)
    return PictureInputs(**shared, styles=styles[~aside], held_out_styles=styles[aside])


def _held_out(method: str, labels: Tensor, names: Sequence[str], params: Facts) -> Tensor:
    """Which images evaluate: a share of each label, or all images of some labels.

    Images without a label count as a label of their own; images with several labels are not divided
    by them.
    """
    generator = torch.Generator().manual_seed(params["seed"])
    share = params["validation_fraction"]
    if labels.ndim > 1:
        labels = torch.zeros(len(labels), dtype=torch.int64)
    if TrainingTrait.HOLDS_OUT_CLASSES not in method_named(method).traits:
        return held_out(labels + 1, share=share, generator=generator)
    novel = params["novel_classes"]
    if novel is None:
        return held_out_classes(labels, share=share, generator=generator)
    return torch.isin(labels, torch.tensor([names.index(name) for name in novel]))


def _truth(facts: Facts, masks: Path) -> Tensor:
    """What evaluates: the labels, or the class of every pixel where there are masks; -1 for none."""
    if not facts["masks"]:
        return _labels(facts)
    pixels = canonical_frames(masks).long()
    return pixels.masked_fill(pixels == _NO_CLASS, -1)


def _labels(facts: Facts) -> Tensor:
    """The index of every image's label; where images have several, 1 in the columns of theirs."""
    labels = facts["labels"]
    if not any(isinstance(label, list) for label in labels):
        return torch.tensor(labels, dtype=torch.int64)
    marks = torch.zeros(len(labels), len(facts["label_names"]), dtype=torch.int64)
    for row, indices in enumerate(labels):
        marks[row, indices] = 1
    return marks


def _teacher(facts: Facts, scratch: Scratch, file: str, device: torch.device) -> Teacher:
    program = with_logits_of(facts, program_of(facts, scratch.inputs / file))
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
