"""Distinguishes faults of the machine from faults of an input.

A full disk, a missing permission or exhausted memory says nothing about an upload. Code that turns
exceptions into a verdict on an input calls ``raise_machine_fault`` first.
"""

import errno

import torch

from service.core.machine_faults import as_machine_fault, chain_of

# The system's answer to an impossible position in a file, which comes from numbers in the upload.
_INPUT_ERRORS = frozenset({errno.EINVAL})


def raise_machine_fault(error: BaseException) -> None:
    """Raise the fault of the machine that ``error`` is or that led to it; else do nothing."""
    for link in chain_of(error):
        if is_machine_fault(link):
            raise link


def is_machine_fault(error: BaseException) -> bool:
    """Whether the system refused a call, or memory ran out.

    Decoders raise ``OSError`` for damaged files, too; without an error number, because no system
    call failed. Libraries report some refusals in words only.
    """
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno not in _INPUT_ERRORS
    return is_out_of_memory(error) or as_machine_fault(error) is not None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, in any of the ways torch and Python report it."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    if isinstance(error, OSError):
        # Pillow has an error without a number for it.
        return error.errno == errno.ENOMEM or "out of memory" in str(error)
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)
