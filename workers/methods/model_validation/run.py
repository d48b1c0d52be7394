"""Validates an uploaded network."""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from service.core.catalog.model_validation import ModelValidationParams
from service.core.manifest import InputSpec, ModelFormat, ModelManifest
from service.core.output_scales import OutputScale
from workers.methods.model_validation.judgement import (
    TimeLimit,
    manifest_problems,
    output_kind_of,
    size_problems,
    speed_problems,
)
from workers.methods.model_validation.output_choice import chosen_output
from workers.programs import (
    PassKind,
    Program,
    ProgramLayer,
    ProgramRefusedError,
    read_program,
    without_pickles,
)
from workers.programs.architectures import build_with_weights
from workers.programs.exporting import export_network
from workers.programs.inspection import PROBES, ProgramProblem, probe_problems, weight_problems
from workers.programs.interface import ProgramOutput
from workers.programs.latency import latency_ms
from workers.programs.onnx import convert_onnx, convert_with_fixed_batch
from workers.programs.outputs import measured_scale
from workers.programs.recognition import refuse_unless
from workers.programs.weight_fingerprints import weights_fingerprint
from workers.programs.weight_sketches import WeightSketch, weight_sketch
from workers.torchkit.protocols import Report

_STEPS = 4
_OF_THE_BATCH = {"batch_dependent", "does_not_run"}


class OutputShapeKind(StrEnum):
    """Kind of the first output for one image."""

    VECTOR = "vector"
    MAP = "map"
    SEQUENCE = "sequence"
    OTHER = "other"


@dataclass(frozen=True)
class ModelValidationData:
    """The uploaded ``file``, its ``manifest``, and the folder for a canonical file.

    ``parameter_limit`` is the largest number of parameters that this zoo accepts; ``memory_bytes``
    is what a pass may use and ``time_limit`` what an image may take, None if not limited.
    """

    file: Path
    manifest: ModelManifest
    folder: Path
    parameter_limit: int
    memory_bytes: int | None = None
    time_limit: TimeLimit | None = None


@dataclass(frozen=True)
class ModelValidationResult:
    """The contents of the file; with ``problems`` it is rejected and the rest is empty.

    ``program_file`` is the pt2 archive that other methods read: the upload itself, the upload without
    its pickles, or the export of an ONNX graph or of the named architecture with the uploaded weights. ``flops`` and
    ``peak_bytes`` are those of one image, ``gradient_peak_bytes`` that of the probe with its
    gradient, ``latency_ms`` the measured time of one image; ``batch_norms`` counts the normalizations with running statistics, and ``fixed_batch``
    is the only number of images that it takes at once. ``outputs`` are all that the file returns and
    ``output`` is the name of the one that counts; ``weights_sha256`` identifies the weights and
    ``sketch`` their relatives.
    """

    problems: tuple[ProgramProblem, ...]
    program_file: Path | None = None
    layers: tuple[ProgramLayer, ...] = ()
    feature_layer: str = ""
    parameters: int = 0
    flops: int = 0
    peak_bytes: int = 0
    gradient_peak_bytes: int = 0
    latency_ms: float | None = None
    output_kind: OutputShapeKind = OutputShapeKind.OTHER
    output_shape: tuple[int, ...] = ()
    batch_norms: int = 0
    fixed_batch: int | None = None
    outputs: tuple[ProgramOutput, ...] = ()
    output: str = ""
    output_scale: OutputScale = OutputScale.LOGITS
    weights_sha256: str | None = None
    sketch: WeightSketch | None = None


def run(
    inputs: ModelValidationData, params: ModelValidationParams, report: Report
) -> ModelValidationResult:
    """The contents of the file, or the problems for which it is rejected."""
    try:
        program_file = _canonical(inputs)
        report(1, _STEPS, "reading the file")
        program = read_program(program_file)
        outputs = program.outputs
        program = chosen_output(program, inputs.manifest)
        report(2, _STEPS, "checking weights and manifest")
        problems = _problems_before_running(program, inputs)
        report(3, _STEPS, "running a probe")
        if not problems:
            program, problems = _probed(program, program_file, inputs)
    except ProgramRefusedError as error:
        return ModelValidationResult(
            (ProgramProblem(error.code, error.detail, error.remedy or ""),)
        )
    report(_STEPS, _STEPS)
    return (
        ModelValidationResult(problems)
        if problems
        else _accepted(program, program_file, inputs, outputs)
    )


def _problems_before_running(
    program: Program, inputs: ModelValidationData
) -> tuple[ProgramProblem, ...]:
    return (
        size_problems(program.parameter_count, limit=inputs.parameter_limit)
        or speed_problems(program, inputs.time_limit)
        or weight_problems(program)
        or manifest_problems(program, inputs.manifest)
    )


def _probed(
    program: Program, file: Path, inputs: ModelValidationData
) -> tuple[Program, tuple[ProgramProblem, ...]]:
    """The program and the problems of its output on a probe.

    An ONNX file whose images are independent only in its own batch is converted for that batch.
    """
    problems = probe_problems(program, memory_bytes=inputs.memory_bytes)
    depends = [problem for problem in problems if problem.code in _OF_THE_BATCH]
    is_onnx = inputs.manifest.format is ModelFormat.ONNX
    if not depends or not is_onnx or program.batch is not None:
        return program, problems
    if not convert_with_fixed_batch(inputs.file, _shape(inputs.manifest.input), file):
        return program, problems
    program = chosen_output(read_program(file), inputs.manifest)
    return program, probe_problems(program, memory_bytes=inputs.memory_bytes)


def _canonical(inputs: ModelValidationData) -> Path:
    """The pt2 file that all further steps use, and that the zoo stores: it holds no pickle."""
    out = inputs.folder / "program.pt2"
    if inputs.manifest.format is ModelFormat.PT2:
        return without_pickles(inputs.file, out)
    refuse_unless(inputs.file, inputs.manifest.format)
    if inputs.manifest.format is ModelFormat.ONNX:
        convert_onnx(inputs.file, _shape(inputs.manifest.input), out)
        return out
    architecture = inputs.manifest.architecture
    if architecture is None:
        raise ProgramRefusedError("unknown_architecture", "the manifest names no architecture")
    network = build_with_weights(architecture, inputs.file)
    export_network(network, _shape(inputs.manifest.input), out)
    return out


def _shape(spec: InputSpec) -> tuple[int, int, int]:
    return spec.channels, spec.height, spec.width


def _accepted(
    program: Program,
    file: Path,
    inputs: ModelValidationData,
    outputs: tuple[ProgramOutput, ...],
) -> ModelValidationResult:
    shape, manifest = program.output_shape, inputs.manifest
    return ModelValidationResult(
        problems=(),
        program_file=file,
        layers=program.layers,
        feature_layer=manifest.feature_layer or program.feature_layer,
        parameters=program.parameter_count,
        flops=program.flops,
        peak_bytes=program.peak_bytes(1),
        gradient_peak_bytes=program.peak_bytes(PROBES, PassKind.GRADIENT),
        latency_ms=latency_ms(program),
        output_kind=OutputShapeKind(output_kind_of(shape)),
        output_shape=shape,
        batch_norms=len(program.batch_norms),
        fixed_batch=program.batch,
        outputs=outputs,
        output=program.outputs[0].name,
        output_scale=measured_scale(
            program, task=manifest.task.kind, memory_bytes=inputs.memory_bytes
        ),
        weights_sha256=weights_fingerprint(program),
        sketch=weight_sketch(program),
    )
