"""A program whose weights are constants: equal values, and gradients of the images at less cost."""

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from workers.programs.fixing import fixed
from workers.programs.nonlinearities import ProgramSlope
from workers.programs.program import Program


class FixedProgram(Program):
    """A program for passes over many images, with the gradient of the images at most.

    For each set of layers that is read, its instructions are rewritten once: normalizations and
    paddings are folded into convolutions, and no call computes the gradient of a weight. Values
    and gradients agree with those of the program up to rounding.
    """

    def __init__(self, program: Program) -> None:
        super().__init__(
            program._listing,
            program._interface,
            program._weights,
            dtype=program.dtype,
            native=program._native,
        )
        self._fixed: dict[tuple[int, ...], Program] = {}

    def interpret(
        self,
        images: Tensor,
        slots: tuple[int, ...],
        slope: ProgramSlope = ProgramSlope.EXACT,
        *,
        weights: Mapping[int, Tensor] | None = None,
    ) -> dict[int, Any]:
        """Values of ``slots``, differentiable in the images.

        Raises:
            ValueError: ``weights`` would replace constants.
            ProgramFailedError: An instruction failed.
        """
        if weights:
            raise ValueError("the weights of a fixed program are constants")
        return self._fixed_for(slots).interpret(images, slots, slope)

    def _fixed_for(self, slots: tuple[int, ...]) -> Program:
        if slots not in self._fixed:
            rewritten = fixed(self._listing, self._weights, slots)
            self._fixed[slots] = Program(
                rewritten.listing, self._interface, rewritten.weights,
                dtype=self.dtype, native=self._native,
            )  # fmt: skip
        return self._fixed[slots]
