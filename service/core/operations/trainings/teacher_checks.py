"""Checks of what each training method needs of its teachers: layers, labels, batch statistics."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from service.core.catalog.adaptive_amalgamation import AdaptiveAmalgamationParams
from service.core.catalog.adversarial_distillation import AdversarialDistillationParams, Preset
from service.core.catalog.class_regularization import ClassRegularizationParams
from service.core.catalog.common_feature_amalgamation import (
    FEWEST_IMAGES,
    CommonFeatureAmalgamationParams,
)
from service.core.catalog.dual_gan_amalgamation import DualGanAmalgamationParams, DualGanPreset
from service.core.catalog.knowledge_distillation import KnowledgeDistillationParams
from service.core.catalog.training import (
    STUDENT_BLOCKS,
    StudentArchitecture,
    TransferTrainingConfig,
)
from service.core.counts import counted
from service.core.manifest import TaskKind
from service.core.operations.error_pointers import invalid_value
from service.core.operations.trainings.plans import TrainingPlan, abbreviated
from service.core.operations.trainings.task_checks import require_tasks
from service.core.operations.trainings.teachers import (
    classes_of,
    task_of,
    why_not_transferable,
)
from service.core.tables import LabelKind, ModelRecord

# Presets that compare batch statistics, whatever the teacher, unless a weight is set.
STATISTICAL = frozenset({Preset.DFQ, Preset.FAST_META})

_SPATIAL_DIMENSIONS = 3
_FEWEST_LABELS = 2
_OUTPUT = "output"
Layer = dict[str, Any]
LayerLists = Sequence[Sequence[str]]
NumberedModel = tuple[int, ModelRecord]


def require_method(plan: TrainingPlan) -> None:
    """Accept teachers that have what the method needs. Raises InvalidRequestError."""
    match plan.params:
        case KnowledgeDistillationParams() as params:
            _check_distillation(plan, params)
        case AdversarialDistillationParams() as params:
            _check_adversarial(plan, params)
        case CommonFeatureAmalgamationParams() as params:
            _check_common_features(plan, params)
        case AdaptiveAmalgamationParams() as params:
            _check_adaptive(plan, params)
        case DualGanAmalgamationParams() as params:
            _check_dual_gan(plan, params)
        case ClassRegularizationParams() as params:
            _require_source(plan, params)
        case TransferTrainingConfig() as params:
            _check_transfer(plan, params)


def _check_distillation(plan: TrainingPlan, params: KnowledgeDistillationParams) -> None:
    layer = _layer_of(plan.teachers[0], params.teacher_layer, "/params/teacher_layer")
    if params.attention_weight > 0 and len(layer["shape"]) != _SPATIAL_DIMENSIONS:
        raise invalid_value(
            "/params/attention_weight",
            f"layer {layer['name']} has shape {layer['shape']}, which has no rows and columns",
            code="layer_not_spatial",
            remedy="choose a convolutional layer as teacher_layer, or set attention_weight to 0",
        )
    if params.label_weight > 0:
        _require_teacher_labels(plan)


def _require_teacher_labels(plan: TrainingPlan) -> None:
    """Accept images whose labels are all labels of a classifying teacher."""
    kind = task_of(plan.teachers[0])
    if kind is not TaskKind.CLASSIFICATION:
        raise invalid_value(
            "/params/label_weight",
            f"one label per image cannot train {kind}",
            code="labels_not_supported",
            remedy="set label_weight to 0",
        )
    if plan.dataset is not None and plan.dataset.label_kind in (
        LabelKind.MULTIPLE,
        LabelKind.MASK,
    ):
        raise invalid_value(
            "/params/label_weight",
            f"the images of {plan.dataset.id} have several labels or masks, and the student learns"
            " one label of each",
            code="several_labels",
            remedy="set label_weight to 0, or use images with one label each",
        )
    labels = _image_labels(plan)
    teacher_labels = set(plan.teacher_labels or ())
    unknown = [label for label in labels if label not in teacher_labels]
    if unknown or not labels:
        raise invalid_value(
            "/params/label_weight",
            "label_weight needs images with the teachers' labels; "
            + (f"no teacher has {abbreviated(unknown)}" if unknown else "these have no labels"),
            code="unknown_labels",
            remedy="use a dataset labeled with the teachers' classes, or set label_weight to 0",
        )


def _image_labels(plan: TrainingPlan) -> list[str]:
    return (plan.dataset.labels if plan.dataset is not None else None) or []


def _check_common_features(plan: TrainingPlan, params: CommonFeatureAmalgamationParams) -> None:
    """Accept layers of every teacher, the same number of each."""
    images = 0 if plan.dataset is None else plan.dataset.images or 0
    if images < FEWEST_IMAGES:
        raise invalid_value(
            "/inputs/dataset_id",
            f"the dataset has {counted(images, 'image')}; {plan.method} needs {FEWEST_IMAGES}",
            code="too_few_images",
            remedy=f"use a dataset of at least {FEWEST_IMAGES} images",
        )
    if params.teacher_layers is None:
        _require_feature_maps(enumerate(plan.teachers))
        return
    for _ in _layers_of_all(plan, params.teacher_layers, "/params/teacher_layers"):
        pass
    counts = [len(names) for names in params.teacher_layers]
    if len(set(counts)) > 1:
        raise invalid_value(
            "/params/teacher_layers",
            f"teacher_layers lists {abbreviated([str(count) for count in counts])} layers",
            code="layer_counts_differ",
            remedy="list the same number of layers for every teacher",
        )
    _require_blocks(plan, counts[0], "/params/teacher_layers", "layers of each teacher")


def _require_blocks(plan: TrainingPlan, count: int, pointer: str, what: str) -> None:
    """Accept as many blocks or layers as the student has blocks."""
    architecture = plan.student.architecture
    if not isinstance(architecture, StudentArchitecture):
        return
    blocks = STUDENT_BLOCKS[architecture]
    if count > blocks:
        raise invalid_value(
            pointer,
            f"{count} {what} are more than the {blocks} blocks of a {architecture} student",
            code="too_many_blocks",
            remedy=f"ask for at most {blocks}, or choose another architecture",
        )


def _check_adaptive(plan: TrainingPlan, params: AdaptiveAmalgamationParams) -> None:
    require_tasks(plan, params)
    if params.feature_weight == 0:
        return
    if params.teacher_layers is None:
        _require_feature_maps(enumerate(plan.teachers))
    else:
        _require_spatial_layers(plan, params.teacher_layers, "/params/teacher_layers")


def _check_dual_gan(plan: TrainingPlan, params: DualGanAmalgamationParams) -> None:
    """Accept teachers that share labels with the student; the method ignores all others."""
    labels = plan.student_labels
    contributing = [
        (index, teacher)
        for index, teacher in enumerate(plan.teachers)
        if labels is None or set(labels) & set(classes_of(teacher) or ())
    ]
    if (params.bn_weight or 0) > 0:
        _require_batch_norms(contributing)
    if params.preset is not DualGanPreset.DFKA:
        return
    _require_blocks(plan, params.blocks or 1, "/params/blocks", "blocks")
    if params.cuts is not None:
        _require_spatial_layers(plan, params.cuts, "/params/cuts")
    elif params.blocks != 1:
        _require_feature_maps(contributing)


def _check_adversarial(plan: TrainingPlan, params: AdversarialDistillationParams) -> None:
    weight = params.batch_norm_weight
    if params.preset in STATISTICAL if weight is None else weight > 0:
        _require_batch_norms(enumerate(plan.teachers))


def _require_batch_norms(teachers: Iterable[NumberedModel]) -> None:
    """Accept teachers with batch statistics; networks checked by old releases have no count."""
    for index, teacher in teachers:
        if teacher.batch_norms == 0:
            raise invalid_value(
                f"/inputs/teachers/{index}",
                f"{teacher.id} has no batch normalization, so it has no statistics to match",
                code="teacher_without_batch_norm",
                remedy="set the weight of batch statistics to 0, or choose another teacher",
            )


def _require_feature_maps(teachers: Iterable[NumberedModel]) -> None:
    """Accept teachers with a layer that has rows and columns."""
    for index, teacher in teachers:
        shapes = [layer["shape"] for layer in teacher.layers]
        if not any(
            len(shape) == _SPATIAL_DIMENSIONS and math.prod(shape[1:]) > 1 for shape in shapes
        ):
            raise invalid_value(
                f"/inputs/teachers/{index}",
                f"{teacher.id} has no layer with channels, rows and columns",
                code="teacher_without_maps",
                remedy="choose another teacher, such as a convolutional network",
            )


def _layers_of_all(
    plan: TrainingPlan, lists: LayerLists, pointer: str
) -> Iterator[tuple[str, ModelRecord, Layer]]:
    """The layers listed for every teacher, each with its pointer and its teacher."""
    if len(lists) != len(plan.teachers):
        raise invalid_value(
            pointer,
            f"there are {len(lists)} lists of layers for {counted(len(plan.teachers), 'teacher')}",
            code="layer_list_count_mismatch",
            remedy="give one list of layers for each teacher, in their order",
        )
    for index, (teacher, names) in enumerate(zip(plan.teachers, lists, strict=True)):
        for number, name in enumerate(names):
            position = f"{pointer}/{index}/{number}"
            yield position, teacher, _layer_named(teacher, name, position)


def _require_spatial_layers(plan: TrainingPlan, lists: LayerLists, pointer: str) -> None:
    """Accept layers of every teacher that have channels, rows and columns."""
    for position, teacher, layer in _layers_of_all(plan, lists, pointer):
        if len(layer["shape"]) != _SPATIAL_DIMENSIONS:
            raise invalid_value(
                position,
                f"layer {layer['name']} of {teacher.id} has shape {layer['shape']}",
                code="layer_not_spatial",
                remedy="choose a layer with channels, rows and columns",
            )


def _require_source(plan: TrainingPlan, params: TransferTrainingConfig) -> None:
    """Accept a source of any batch size that has the layer of the cut."""
    problem = why_not_transferable(plan.teachers[0])
    if problem is not None:
        raise invalid_value(
            "/inputs/source_model_id", problem.detail, code=problem.code, remedy=problem.remedy
        )
    _layer_of(plan.teachers[0], params.layer, "/params/layer")


def _check_transfer(plan: TrainingPlan, params: TransferTrainingConfig) -> None:
    _require_source(plan, params)
    labels = _image_labels(plan)
    if len(labels) < _FEWEST_LABELS:
        raise invalid_value(
            "/inputs/dataset_id",
            f"the dataset has {counted(len(labels), 'label')}; transfer needs at least {_FEWEST_LABELS}",
            code="target_unlabeled",
            remedy="use a dataset with images of at least two labels",
        )


def _layer_of(model: ModelRecord, requested: str | None, pointer: str) -> Layer:
    """The requested layer, or else the feature layer; the output counts as a layer."""
    name = requested or model.feature_layer or _OUTPUT
    if name == _OUTPUT:
        return {"name": _OUTPUT, "shape": model.output_shape or []}
    return _layer_named(model, name, pointer)


def _layer_named(model: ModelRecord, name: str, pointer: str) -> Layer:
    layers: list[Layer] = model.layers
    for layer in layers:
        if layer["name"] == name:
            return layer
    raise invalid_value(
        pointer,
        f"{model.id} has no layer {name!r}",
        code="layer_not_found",
        remedy=f"choose one of the layers under GET /v1/models/{model.id}/layers",
    )
