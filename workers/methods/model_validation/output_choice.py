"""The output of a network that counts, if it returns several."""

from collections.abc import Sequence

from service.core.manifest import ModelManifest, TaskKind
from workers.programs import Program, ProgramRefusedError
from workers.programs.interface import ProgramOutput
from workers.programs.outputs import with_output

_LOGITS = "logits"
_MOST_SHOWN = 12


def chosen_output(program: Program, manifest: ModelManifest) -> Program:
    """The program with the output that counts as its only one.

    The manifest names it, or it is the only one, the one called ``logits``, or the only one with
    one number per class.

    Raises:
        ProgramRefusedError: ``unknown_output``; ``several_outputs``; ``detection_not_supported``.
    """
    outputs = program.outputs
    if manifest.output is not None:
        if manifest.output not in [output.name for output in outputs]:
            raise ProgramRefusedError(
                "unknown_output",
                f"the network has no output {manifest.output!r}; it returns {_listed(outputs)}",
                "set the manifest's `output` to one of these names",
            )
        return with_output(program, manifest.output)
    candidates = (
        outputs,
        [output for output in outputs if output.name.rpartition(".")[2] == _LOGITS],
        [output for output in outputs if _has_classes(output, manifest)],
    )
    for alternatives in candidates:
        if len(alternatives) == 1:
            return with_output(program, alternatives[0].name)
    raise _undecided(program, manifest)


def _has_classes(output: ProgramOutput, manifest: ModelManifest) -> bool:
    """Whether the output has one number, or for segmentation one map, per class."""
    if manifest.classes is None:
        return False
    rank = 3 if manifest.task.kind is TaskKind.SEGMENTATION else 1
    return len(output.shape) == rank and output.shape[0] == len(manifest.classes)


def _undecided(program: Program, manifest: ModelManifest) -> ProgramRefusedError:
    if manifest.task.kind is TaskKind.DETECTION:
        return ProgramRefusedError(
            "detection_not_supported",
            f"a detection network has no single answer: it returns {_listed(program.outputs)}",
            f"upload its backbone, the part up to a layer such as {program.feature_layer!r}, with"
            " the task embedding; or set the manifest's `output` to the output that counts",
        )
    return ProgramRefusedError(
        "several_outputs",
        f"the network returns {_listed(program.outputs)}, and nothing says which of them counts",
        f"set the manifest's `output` to one of these names, such as {program.outputs[0].name!r};"
        " the others are then dropped",
    )


def _listed(outputs: Sequence[ProgramOutput]) -> str:
    """Names and shapes of outputs."""
    shown = [
        f"{output.name} ({' × '.join(map(str, output.shape)) or 'one number'})"
        for output in outputs[:_MOST_SHOWN]
    ]
    more = len(outputs) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
