"""Validates an uploaded network."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from service.core.catalog.model_validation import ModelValidationParams
from service.core.manifest import InputSpec, ModelFormat, ModelManifest
from workers.methods.model_validation.judgement import (
    manifest_problems,
    output_kind_of,
    size_problems,
)
from workers.programs import Program, ProgramLayer, ProgramRefusedError, read_program
from workers.programs.architectures import build_with_weights
from workers.programs.exporting import export_network
from workers.programs.inspection import ProgramProblem, probe_problems, weight_problems
from workers.programs.recognition import refuse_unless
from workers.torchkit.protocols import Report

_STEPS = 4


class OutputShapeKind(StrEnum):
    """Kind of the first output for one image."""

    VECTOR = "vector"
    MAP = "map"
    SEQUENCE = "sequence"
    OTHER = "other"


@dataclass(frozen=True)
class ModelValidationData:
    """The uploaded ``file``, its ``manifest``, and the folder for a canonical file.

    ``parameter_limit`` is the largest number of parameters that this zoo accepts.
    """

    file: Path
    manifest: ModelManifest
    folder: Path
    parameter_limit: int


@dataclass(frozen=True)
class ModelValidationResult:
    """The contents of the file; with ``problems`` it is rejected and the rest is empty.

    ``program_file`` is the pt2 archive that other methods read: the upload itself, or the export of
    the named architecture with the uploaded weights. ``flops`` counts one image,
    ``batch_norms`` the normalizations with running statistics.
    """

    problems: tuple[ProgramProblem, ...]
    program_file: Path | None = None
    layers: tuple[ProgramLayer, ...] = ()
    feature_layer: str = ""
    parameters: int = 0
    flops: int = 0
    output_kind: OutputShapeKind = OutputShapeKind.OTHER
    output_shape: tuple[int, ...] = ()
    batch_norms: int = 0


def run(
    inputs: ModelValidationData, params: ModelValidationParams, report: Report
) -> ModelValidationResult:
    """The contents of the file, or the problems for which it is rejected."""
    try:
        program_file = _canonical(inputs)
        report(1, _STEPS, "reading the file")
        program = read_program(program_file)
    except ProgramRefusedError as error:
        return ModelValidationResult(
            (ProgramProblem(error.code, error.detail, error.remedy or ""),)
        )
    report(2, _STEPS, "checking weights and manifest")
    problems = (
        size_problems(program.parameter_count, limit=inputs.parameter_limit)
        or weight_problems(program)
        or manifest_problems(program, inputs.manifest)
    )
    report(3, _STEPS, "running a probe")
    problems = problems or probe_problems(program)
    report(_STEPS, _STEPS)
    return (
        ModelValidationResult(problems)
        if problems
        else _accepted(program, program_file, inputs.manifest)
    )


def _canonical(inputs: ModelValidationData) -> Path:
    """The pt2 file that all further steps use."""
    if inputs.manifest.format is ModelFormat.PT2:
        return inputs.file
    refuse_unless(inputs.file, ModelFormat.SAFETENSORS)
    architecture = inputs.manifest.architecture
    if architecture is None:
        raise ProgramRefusedError("unknown_architecture", "the manifest names no architecture")
    network = build_with_weights(architecture, inputs.file)
    out = inputs.folder / "program.pt2"
    export_network(network, _shape(inputs.manifest.input), out)
    return out


def _shape(spec: InputSpec) -> tuple[int, int, int]:
    return spec.channels, spec.height, spec.width


def _accepted(program: Program, file: Path, manifest: ModelManifest) -> ModelValidationResult:
    shape = program.output_shape
    return ModelValidationResult(
        problems=(),
        program_file=file,
        layers=program.layers,
        feature_layer=manifest.feature_layer or program.feature_layer,
        parameters=program.parameter_count,
        flops=program.flops,
        output_kind=OutputShapeKind(output_kind_of(shape)),
        output_shape=shape,
        batch_norms=len(program.batch_norms),
    )
