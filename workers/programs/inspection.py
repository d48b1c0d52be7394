"""Checks that a network has finite outputs and gradients and treats images independently."""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.programs.exporting import example_images
from workers.programs.liveness import PassKind
from workers.programs.memory_needs import images_at_once
from workers.programs.program import OUTPUT, Program
from workers.programs.refusal import NotEnoughMemoryError, ProgramFailedError

PROBES = 8
FEWEST_PROBES = 2
TOLERANCE = 1e-4
_FINITE = "check the weights for NaN, and logarithms, roots and divisions for values near 0"


@dataclass(frozen=True)
class ProgramProblem:
    """One reason why a network cannot be used."""

    code: str
    detail: str
    remedy: str = ""


def probe_problems(
    program: Program, *, memory_bytes: int | None = None
) -> tuple[ProgramProblem, ...]:
    """Problems of the output on a fixed probe; empty if there are none.

    Checks: the pass fits the memory, the output is finite, the gradient with respect to the images
    is finite and not all zero, and an image alone has the same output as in a batch.

    Args:
        memory_bytes: What weights and values may take; the probe has fewer images if eight do not
            fit. None if memory is not limited.
    """
    try:
        count = images_at_once(
            program,
            most=PROBES,
            least=FEWEST_PROBES,
            kind=PassKind.GRADIENT,
            limit_bytes=memory_bytes,
        )
    except NotEnoughMemoryError as error:
        return (ProgramProblem(error.code, error.detail, error.remedy or ""),)
    images = example_images(count, program.input_shape).requires_grad_()
    try:
        answer = program.read(images, [OUTPUT])[OUTPUT]
        problems = _answer_problems(answer, images)
        return problems or _dependence_problems(program, images.detach(), answer.detach())
    except ProgramFailedError as error:
        return (
            ProgramProblem(
                "does_not_run", error.detail, "run the exported network on your machine"
            ),
        )


def weight_problems(program: Program) -> tuple[ProgramProblem, ...]:
    """Problems of weights: non-finite parameters, or NaN in buffers and constants (masks)."""
    trained = {id(tensor) for tensor in program.parameters()}
    for name, tensor in program.named_weights():
        if not tensor.is_floating_point():
            continue
        is_invalid = (
            not bool(tensor.isfinite().all())
            if id(tensor) in trained
            else bool(tensor.isnan().any())
        )
        if is_invalid:
            return (
                ProgramProblem(
                    "non_finite_weights",
                    f"{name[:80]} holds NaN or infinity",
                    "upload a checkpoint from before the training broke down",
                ),
            )
    return ()


def _answer_problems(answer: Tensor, images: Tensor) -> tuple[ProgramProblem, ...]:
    if not answer.is_floating_point():
        return (
            ProgramProblem("integer_output", "the output is not a floating-point tensor",
                    "return scores instead of decisions (no argmax in forward)"),
        )  # fmt: skip
    if not answer.isfinite().all():
        return (
            ProgramProblem(
                "non_finite_output", "the output on a fixed probe is NaN or infinite", _FINITE
            ),
        )
    if not answer.requires_grad:
        return (_no_gradient("the output does not depend differentiably on the image"),)
    generator = torch.Generator().manual_seed(1)
    weighting = torch.randn(answer.shape, generator=generator)
    (gradient,) = torch.autograd.grad((answer * weighting).sum(), images)
    if not gradient.isfinite().all():
        return (
            ProgramProblem(
                "non_finite_gradient", "the gradient of the image is NaN or infinite", _FINITE
            ),
        )
    if not gradient.any():
        return (_no_gradient("the gradient of the image is zero everywhere"),)
    return ()


def _no_gradient(detail: str) -> ProgramProblem:
    remedy = "export without no_grad, detach and rounding, with trained weights"
    return ProgramProblem("no_gradient", detail, remedy)


def _dependence_problems(
    program: Program, images: Tensor, batch_output: Tensor
) -> tuple[ProgramProblem, ...]:
    single_output = program.read(images[:1], [OUTPUT])[OUTPUT]
    distance = (single_output - batch_output[:1]).norm() / batch_output[:1].norm().clamp_min(1e-12)
    if distance <= TOLERANCE:
        return ()
    return (
        ProgramProblem(
            "batch_dependent",
            f"the output of an image differs alone and in a batch of {len(images)} (relative {float(distance):.1e})",
            "call .eval() before exporting, and keep statistics over the batch out of forward",
        ),
    )
