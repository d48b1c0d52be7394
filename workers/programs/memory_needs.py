"""Whether a network fits the memory of a job, asked before it runs."""

from collections.abc import Iterator

from service.core.byte_sizes import in_words
from service.core.counts import counted
from workers.programs.liveness import PassKind
from workers.programs.program import Program
from workers.programs.refusal import NotEnoughMemoryError

_REMEDY = (
    "use a smaller network or smaller images, or raise ZOO_JOB_MEMORY_BYTES on a larger machine"
)


def images_at_once(
    program: Program, *, most: int, least: int, kind: PassKind, limit_bytes: int | None
) -> int:
    """The number of images, halved from ``most`` down to ``least``, whose pass fits the limit.

    Args:
        limit_bytes: Bytes that weights and values may take; None if memory is not limited.

    Raises:
        NotEnoughMemoryError: Not even ``least`` images fit.
    """
    if limit_bytes is None:
        return most
    for images in _halved(most, least):
        if program.peak_bytes(images, kind) <= limit_bytes:
            return images
    raise NotEnoughMemoryError(_detail(program, least, kind, limit_bytes), remedy=_REMEDY)


def images_that_fit(reader: object, *, most: int, kind: PassKind, limit_bytes: int | None) -> int:
    """The same down to one image, which is tried in any case: the peak is an upper bound.

    A reader that is no program was built here, and its peak is not known: it takes ``most``.
    """
    if not isinstance(reader, Program):
        return most
    try:
        return images_at_once(reader, most=most, least=1, kind=kind, limit_bytes=limit_bytes)
    except NotEnoughMemoryError:
        return 1


def _halved(most: int, least: int) -> Iterator[int]:
    """``most`` and its halves, down to ``least``."""
    images = most
    while images > least:
        yield images
        images //= 2
    yield least


def _detail(program: Program, images: int, kind: PassKind, limit_bytes: int) -> str:
    """Why the pass does not fit, in numbers."""
    peak, limit = in_words(program.peak_bytes(images, kind)), in_words(limit_bytes)
    batch = counted(images, "image")
    gradient = " with its gradient" if kind is PassKind.GRADIENT else ""
    return f"a pass over {batch}{gradient} needs {peak} at its peak, and a job may use {limit}"
