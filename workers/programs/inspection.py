"""Does a network answer, does it have a gradient, and does it treat every image alone?"""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.programs.exporting import example_images
from workers.programs.program import OUTPUT, Program
from workers.programs.refusal import ProgramFailedError

PROBES = 8
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Problem:
    """One reason why a network cannot be used."""

    code: str
    detail: str
    remedy: str = ""


def probe_problems(program: Program) -> tuple[Problem, ...]:
    """What is wrong with the answers on a fixed probe; empty when all is well.

    Checks: the answer is finite, the gradient toward the images is finite and not all zero, and
    an image alone gets the answer that it gets among eight.
    """
    images = example_images(PROBES, program.input_shape).requires_grad_()
    try:
        answer = program.read(images, [OUTPUT])[OUTPUT]
        found = _answer_problems(answer, images)
        return found or _dependence_problems(program, images.detach(), answer.detach())
    except ProgramFailedError as error:
        return (Problem("does_not_run", error.detail, "run the exported network on your machine"),)


def weight_problems(program: Program) -> tuple[Problem, ...]:
    """Parameters must be finite; buffers and constants may be infinite (masks) but not NaN."""
    trained = {id(tensor) for tensor in program.parameters()}
    for name, tensor in program.named_weights():
        if not tensor.is_floating_point():
            continue
        bad = (
            not bool(tensor.isfinite().all())
            if id(tensor) in trained
            else bool(tensor.isnan().any())
        )
        if bad:
            return (
                Problem(
                    "non_finite_weights",
                    f"{name[:80]} holds NaN or infinity",
                    "upload a checkpoint from before the training broke down",
                ),
            )
    return ()


def _answer_problems(answer: Tensor, images: Tensor) -> tuple[Problem, ...]:
    if not answer.is_floating_point():
        return (
            Problem("integer_output", "the answer is not a floating-point number",
                    "return scores instead of decisions (no argmax in forward)"),
        )  # fmt: skip
    if not answer.isfinite().all():
        return (Problem("non_finite_output", "the answer to a fixed probe is NaN or infinite"),)
    if not answer.requires_grad:
        return (_no_gradient("the answer does not depend on the image in a differentiable way"),)
    generator = torch.Generator().manual_seed(1)
    weighting = torch.randn(answer.shape, generator=generator)
    (gradient,) = torch.autograd.grad((answer * weighting).sum(), images)
    if not gradient.isfinite().all():
        return (
            Problem("non_finite_gradient", "the gradient toward the image is NaN or infinite"),
        )
    if not gradient.any():
        return (_no_gradient("the gradient toward the image is zero everywhere"),)
    return ()


def _no_gradient(detail: str) -> Problem:
    remedy = "export without no_grad, detach and rounding, with trained weights"
    return Problem("no_gradient", detail, remedy)


def _dependence_problems(
    program: Program, images: Tensor, among_eight: Tensor
) -> tuple[Problem, ...]:
    alone = program.read(images[:1], [OUTPUT])[OUTPUT]
    distance = (alone - among_eight[:1]).norm() / among_eight[:1].norm().clamp_min(1e-12)
    if distance <= TOLERANCE:
        return ()
    return (
        Problem(
            "batch_dependent",
            f"an image alone gets another answer than among eight (relative {float(distance):.1e})",
            "call .eval() before exporting, and keep statistics over the batch out of forward",
        ),
    )
