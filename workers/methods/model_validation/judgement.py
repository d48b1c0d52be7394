"""Whether a program is what its manifest says."""

from service.core.manifest import ModelManifest
from workers.programs.inspection import Problem
from workers.programs.program import Program

_KINDS = {1: "vector", 2: "sequence", 3: "map"}


def output_kind_of(shape: tuple[int, ...]) -> str:
    """Word for the shape of one answer: vector (k,), sequence (t, d), map (c, h, w) or other."""
    return _KINDS.get(len(shape), "other")


def size_problems(parameters: int, *, limit: int) -> tuple[Problem, ...]:
    """Whether the network has more weights than the zoo takes."""
    if parameters <= limit:
        return ()
    detail = f"the network has {parameters:,} parameters, this zoo takes at most {limit:,}"
    return (Problem("too_many_parameters", detail, "raise ZOO_MAX_PARAMETERS on the workers"),)


def manifest_problems(program: Program, manifest: ModelManifest) -> tuple[Problem, ...]:
    """Where the manifest contradicts the network."""
    return (
        *_input_problems(program, manifest),
        *_layer_problems(program, manifest),
        *_class_problems(program, manifest),
    )


def _input_problems(program: Program, manifest: ModelManifest) -> tuple[Problem, ...]:
    said = (manifest.input.channels, manifest.input.height, manifest.input.width)
    if said == program.input_shape:
        return ()
    return (
        Problem(
            "input_shape_mismatch",
            f"the network takes (channels, height, width) {program.input_shape}, the manifest says {said}",
            "correct the manifest's input, or export again at that size",
        ),
    )


def _layer_problems(program: Program, manifest: ModelManifest) -> tuple[Problem, ...]:
    known = [layer.name for layer in program.layers]
    if manifest.feature_layer is None or manifest.feature_layer in known:
        return ()
    return (
        Problem(
            "unknown_feature_layer",
            f"the network has no layer {manifest.feature_layer!r}",
            f"leave feature_layer out to use {program.feature_layer!r}, or name one such as {known[-3:]}",
        ),
    )


def _class_problems(program: Program, manifest: ModelManifest) -> tuple[Problem, ...]:
    """Class names of a classifier must match its answers one by one."""
    shape = program.output_shape
    if manifest.classes is None or len(shape) != 1 or len(manifest.classes) == shape[0]:
        return ()
    return (
        Problem(
            "class_count_mismatch",
            f"the network gives {shape[0]} scores, the manifest names {len(manifest.classes)} classes",
            "name every score in order; a background class counts",
        ),
    )
