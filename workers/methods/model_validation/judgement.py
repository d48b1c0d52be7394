"""Checks of a program against its manifest."""

from service.core.manifest import ModelManifest
from workers.programs.inspection import ProgramProblem
from workers.programs.program import Program

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


def manifest_problems(program: Program, manifest: ModelManifest) -> tuple[ProgramProblem, ...]:
    """Contradictions between manifest and network."""
    return (
        *_input_problems(program, manifest),
        *_layer_problems(program, manifest),
        *_class_problems(program, manifest),
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
    shape = program.output_shape
    if manifest.classes is None or len(shape) != 1 or len(manifest.classes) == shape[0]:
        return ()
    return (
        ProgramProblem(
            "class_count_mismatch",
            f"the network has {shape[0]} outputs, the manifest lists {len(manifest.classes)} classes",
            "list a class for every output in order, including a background class",
        ),
    )
