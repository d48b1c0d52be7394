"""Checks of a program against its manifest."""

from dataclasses import dataclass

from service.core.counts import counted
from service.core.manifest import ModelManifest, TaskKind
from workers.programs.inspection import ProgramProblem
from workers.programs.program import Program
from workers.torchkit.stylization.painting import UnfitStylizerError, content_path_of


@dataclass(frozen=True)
class TimeLimit:
    """The longest time of one image, and the speed of the machine that will compute it."""

    seconds: float
    flops_per_second: float
    bytes_per_second: float


_CLASSIFYING = (TaskKind.CLASSIFICATION, TaskKind.MULTI_LABEL)
_KINDS = {1: "vector", 2: "sequence", 3: "map"}


def output_kind_of(shape: tuple[int, ...]) -> str:
    """Kind of the output for one image: vector (k,), sequence (t, d), map (c, h, w) or other."""
    return _KINDS.get(len(shape), "other")


def size_problems(parameters: int, *, limit: int) -> tuple[ProgramProblem, ...]:
    """The problem of a network with more parameters than the limit; empty if within it."""
    if parameters <= limit:
        return ()
    detail = f"the network has {parameters:,} parameters, this zoo accepts at most {limit:,}"
    return (
        ProgramProblem("too_many_parameters", detail, "raise ZOO_MAX_PARAMETERS on the workers"),
    )


def speed_problems(program: Program, limit: TimeLimit | None) -> tuple[ProgramProblem, ...]:
    """The problem of a network that takes too long for one image; empty without a limit."""
    if limit is None:
        return ()
    seconds = program.seconds_per_image(
        flops_per_second=limit.flops_per_second, bytes_per_second=limit.bytes_per_second
    )
    if seconds <= limit.seconds:
        return ()
    return (
        ProgramProblem(
            "too_slow",
            f"one image takes {program.flops:.2e} operations, about {seconds:,.0f} s on this machine, "
            f"and a prediction may take {limit.seconds:,.0f} s",
            "use a smaller network or smaller images, or raise ZOO_PREDICT_TIMEOUT_SECONDS",
        ),
    )


def manifest_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    """Contradictions between manifest and network."""
    return (
        *_input_problems(program, manifest),
        *_layer_problems(program, manifest),
        *_class_problems(program, manifest),
        *_answer_problems(program, manifest),
        *_few_shot_problems(program, manifest),
        *_stylizer_problems(program, manifest),
    )


def _input_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    declared_shape = (manifest.input.channels, manifest.input.height, manifest.input.width)
    if declared_shape == program.input_shape:
        return ()
    return (
        ProgramProblem(
            "input_shape_mismatch",
            f"the network takes (channels, height, width) {program.input_shape}, the manifest says {declared_shape}",
            "correct the manifest's input, or export again at that size",
        ),
    )


def _layer_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    layer_names = [layer.name for layer in program.layers]
    if manifest.feature_layer is None or manifest.feature_layer in layer_names:
        return ()
    return (
        ProgramProblem(
            "unknown_feature_layer",
            f"the network has no layer {manifest.feature_layer!r}",
            f"omit feature_layer to use {program.feature_layer!r}, or name one such as {layer_names[-3:]}",
        ),
    )


def _class_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    """The problem of a classifier whose class names do not match its outputs one by one."""
    shape, kind = program.output_shape, manifest.task.kind
    names_outputs = len(shape) == 1 or (
        kind is TaskKind.SEGMENTATION and output_kind_of(shape) == "map"
    )
    if manifest.classes is None or not names_outputs or len(manifest.classes) == shape[0]:
        return ()
    return (
        ProgramProblem(
            "class_count_mismatch",
            f"the network has {counted(shape[0], 'output')}, the manifest lists"
            f" {counted(len(manifest.classes), 'class')}",
            "list a class for every output in order, including a background class",
        ),
    )


def _answer_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    """The problem of a classifier whose output is not one number per class."""
    shape, kind = program.output_shape, manifest.task.kind
    if kind not in _CLASSIFYING or len(shape) == 1:
        return ()
    size = " × ".join(map(str, shape)) or "one number"
    remedy = (
        "set the task to segmentation if every pixel has a class; otherwise append pooling and"
        " flatten(1) to the network, so that it returns one number per class"
    )
    return (
        ProgramProblem(
            "classifier_output_not_vector",
            f"a classifier returns one number per class; this network returns {size} per image",
            remedy,
        ),
    )


def _few_shot_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    """The problem of a few-shot learner whose output is not features and decoded features."""
    if manifest.few_shot is None or program.output_shape == (2 * manifest.few_shot.units,):
        return ()
    return (
        ProgramProblem(
            "few_shot_mismatch",
            f"the network has the output shape {program.output_shape}, and a learner with"
            f" {manifest.few_shot.units} features needs {2 * manifest.few_shot.units} outputs",
            "omit few_shot, or upload a learner as class_regularization made it",
        ),
    )


def _stylizer_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    """The problem of a stylizer without the content path or the style layer that it states."""
    if manifest.stylizer is None:
        return ()
    try:
        content_path_of(program, manifest.stylizer)
    except UnfitStylizerError as error:
        return (ProgramProblem(error.code, error.detail, error.remedy or ""),)
    return ()
