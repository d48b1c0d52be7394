"""What a method of training asks of its teachers: layers, labels, batch statistics."""

import math
from collections.abc import Callable, Iterable
from typing import Any

from service.core.catalog.adversarial_distillation import Preset
from service.core.catalog.dual_gan_amalgamation import DualGanPreset
from service.core.manifest import TaskKind
from service.core.operations.trainings.plans import TrainingPlan, invalid_value, some
from service.core.operations.trainings.teachers import classes_of, task_of
from service.core.tables import ModelRecord

# Presets that compare batch statistics, whatever the teacher, unless their weight is given.
STATISTICAL = frozenset({Preset.DFQ, Preset.FAST_META})

_SPATIAL = 3
_FEWEST_LABELS = 2
_OUTPUT = "output"
Layer = dict[str, Any]
Place = tuple[int, ModelRecord]


def require_method(plan: TrainingPlan) -> None:
    """Let teachers pass that have what the method needs. Raises InvalidRequestError."""
    check = _CHECKS.get(plan.method)
    if check is not None:
        check(plan)


def _distillation(plan: TrainingPlan) -> None:
    layer = _layer_of(plan.teachers[0], plan, "teacher_layer")
    if plan.params["attention_weight"] > 0 and len(layer["shape"]) != _SPATIAL:
        raise invalid_value(
            "/params/attention_weight",
            f"layer {layer['name']} has shape {layer['shape']}, which has no rows and columns",
            code="layer_not_spatial",
            remedy="choose a convolutional layer as teacher_layer, or attention_weight 0",
        )
    if plan.params["label_weight"] > 0:
        _require_taught_labels(plan)


def _require_taught_labels(plan: TrainingPlan) -> None:
    """Labels of the images that are a choice among the teachers' own."""
    kind = task_of(plan.teachers[0])
    if kind is not TaskKind.CLASSIFICATION:
        raise invalid_value(
            "/params/label_weight",
            f"one label for each image cannot teach {kind}",
            code="labels_not_supported",
            remedy="set label_weight to 0",
        )
    labels = (plan.dataset.labels if plan.dataset is not None else None) or []
    known = set(plan.known or ())
    unknown = [label for label in labels if label not in known]
    if unknown or not labels:
        raise invalid_value(
            "/params/label_weight",
            "label_weight needs labels that the teachers know; unknown to them: "
            + (some(unknown) or "none at all"),
            code="unknown_labels",
            remedy="use a set labelled with the teachers' classes, or label_weight 0",
        )


def _common_features(plan: TrainingPlan) -> None:
    """Layers of every teacher, as many of each."""
    _require_layers(plan, "teacher_layers", spatial=False)
    told = plan.params["teacher_layers"]
    if told is None:
        _require_maps(enumerate(plan.teachers))
    elif len(set(map(len, told))) > 1:
        raise invalid_value(
            "/params/teacher_layers",
            f"teacher_layers names {some([str(len(one)) for one in told])} layers",
            code="layer_counts_differ",
            remedy="name as many layers for every teacher",
        )


def _adaptive(plan: TrainingPlan) -> None:
    _require_tasks(plan)
    if plan.params["feature_weight"] == 0:
        return
    _require_layers(plan, "teacher_layers", spatial=True)
    if plan.params["teacher_layers"] is None:
        _require_maps(enumerate(plan.teachers))


def _require_tasks(plan: TrainingPlan) -> None:
    """Tasks all of whose labels one of the teachers knows; who never told is not asked."""
    tasks, labels = plan.params["tasks"] or (), plan.params["student"]["labels"]
    for place, task in enumerate(tasks):
        _require_task(plan, f"/params/tasks/{place}/labels", task)
    together = sorted(label for task in tasks for label in task["labels"])
    if tasks and labels is not None and sorted(labels) != together:
        raise invalid_value(
            "/params/student/labels",
            f"the labels of the tasks are {some(together)}",
            code="labels_do_not_match_tasks",
            remedy="leave student.labels out, or name the labels of all tasks in any order",
        )


def _require_task(plan: TrainingPlan, pointer: str, task: dict[str, Any]) -> None:
    told = [classes_of(one) for one in plan.teachers]
    if not any(known is None or set(task["labels"]) <= set(known) for known in told):
        raise invalid_value(
            pointer,
            f"no teacher knows all labels of the task {task['name']!r}",
            code="unknown_task",
            remedy="choose labels that one teacher knows: "
            + "; ".join(
                f"{one.id} knows {some(known or [])}"
                for one, known in zip(plan.teachers, told, strict=True)
            ),
        )
    choice = task_of(plan.teachers[0]) is TaskKind.CLASSIFICATION
    if choice and len(task["labels"]) < _FEWEST_LABELS:
        raise invalid_value(
            pointer,
            f"the task {task['name']!r} is a choice among one label",
            code="too_few_labels",
            remedy="give every task at least two labels",
        )


def _dual_gan(plan: TrainingPlan) -> None:
    """Teachers that know no wanted label are left out, and nothing is asked of them."""
    wanted = set(plan.wanted or ())
    kept = [
        (place, one)
        for place, one in enumerate(plan.teachers)
        if plan.wanted is None or wanted & set(classes_of(one) or ())
    ]
    if (plan.params["bn_weight"] or 0) > 0:
        _require_batch_norms(kept)
    if plan.params["preset"] == DualGanPreset.DFKA:
        _require_layers(plan, "cuts", spatial=True)
        if plan.params["cuts"] is None and plan.params["blocks"] != 1:
            _require_maps(kept)


def _adversarial(plan: TrainingPlan) -> None:
    weight: float | None = plan.params["batch_norm_weight"]
    if plan.params["preset"] in STATISTICAL if weight is None else weight > 0:
        _require_batch_norms(enumerate(plan.teachers))


def _require_batch_norms(teachers: Iterable[Place]) -> None:
    """Teachers that remember batch statistics; of networks of earlier checks nobody knows."""
    for place, one in teachers:
        if one.batch_norms == 0:
            raise invalid_value(
                f"/inputs/teachers/{place}",
                f"{one.id} has no batch normalisation whose statistics images could be compared"
                " with",
                code="teacher_without_batch_norm",
                remedy="set the weight of batch statistics to 0, or choose another teacher",
            )


def _require_maps(teachers: Iterable[Place]) -> None:
    """Teachers with a layer that has rows and columns."""
    for place, one in teachers:
        shapes = [layer["shape"] for layer in one.layers]
        if not any(len(shape) == _SPATIAL and math.prod(shape[1:]) > 1 for shape in shapes):
            raise invalid_value(
                f"/inputs/teachers/{place}",
                f"{one.id} has no layer with channels, rows and columns",
                code="teacher_without_maps",
                remedy="choose another teacher, such as a convolutional network",
            )


def _require_layers(plan: TrainingPlan, knob: str, *, spatial: bool) -> None:
    """For every teacher a list of layers that it has, if lists are given at all."""
    told = plan.params[knob]
    if told is None:
        return
    if len(told) != len(plan.teachers):
        raise invalid_value(
            f"/params/{knob}",
            f"{knob} has {len(told)} lists for {len(plan.teachers)} teachers",
            code="layer_list_count_mismatch",
            remedy="give one list of layers for each teacher, in their order",
        )
    for place, (one, names) in enumerate(zip(plan.teachers, told, strict=True)):
        for number, name in enumerate(names):
            pointer = f"/params/{knob}/{place}/{number}"
            layer = _layer_named(one, name, pointer)
            if spatial and len(layer["shape"]) != _SPATIAL:
                raise invalid_value(
                    pointer,
                    f"layer {name} of {one.id} has shape {layer['shape']}",
                    code="layer_not_spatial",
                    remedy="choose a layer with channels, rows and columns",
                )


def _transfer(plan: TrainingPlan) -> None:
    _layer_of(plan.teachers[0], plan, "layer")
    labels = (plan.dataset.labels if plan.dataset is not None else None) or []
    if len(labels) < _FEWEST_LABELS:
        raise invalid_value(
            "/inputs/dataset_id",
            f"the data has {len(labels)} labels",
            code="target_unlabeled",
            remedy="give a set with images of at least two labels",
        )


def _layer_of(model: ModelRecord, plan: TrainingPlan, knob: str) -> Layer:
    """The layer that a parameter names, or the feature layer; the answer counts as one."""
    name: str = plan.params[knob] or model.feature_layer or _OUTPUT
    if name == _OUTPUT:
        return {"name": _OUTPUT, "shape": model.output_shape or []}
    return _layer_named(model, name, f"/params/{knob}")


def _layer_named(model: ModelRecord, name: str, pointer: str) -> Layer:
    for layer in model.layers:
        if layer["name"] == name:
            found: Layer = layer
            return found
    raise invalid_value(
        pointer,
        f"{model.id} has no layer {name!r}",
        code="layer_not_found",
        remedy=f"choose one of the layers under GET /v1/models/{model.id}/layers",
    )


_CHECKS: dict[str, Callable[[TrainingPlan], None]] = {
    "knowledge_distillation": _distillation,
    "adversarial_distillation": _adversarial,
    "common_feature_amalgamation": _common_features,
    "adaptive_amalgamation": _adaptive,
    "dual_gan_amalgamation": _dual_gan,
    "fine_tune": _transfer,
    "linear_probe": _transfer,
}
