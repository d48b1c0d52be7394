"""What a training task may add to the report of its training."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable


@runtime_checkable
class HasNumbers(Protocol):
    """A training task that adds numbers of its own to the evaluation."""

    def numbers(self) -> Mapping[str, float]:
        """Numbers by name for the curve, after an evaluation; must not draw from any generator."""
        ...


@runtime_checkable
class HasRecipe(Protocol):
    """A training task that chooses parameters which the request leaves out."""

    def recipe(self) -> Mapping[str, Any]:
        """The chosen values by the names of the parameters, as JSON values."""
        ...


@runtime_checkable
class HasWarnings(Protocol):
    """A training task that found something its user has to know."""

    def warnings(self) -> Sequence[Mapping[str, str]]:
        """Warnings with ``code``, ``detail`` and ``remedy``."""
        ...
