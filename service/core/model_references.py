"""What stands for a model without being its name: an id, ``name:version``, ``name@alias``."""

import re

from service.core.ids import IdKind

ALIAS_PATTERN = r"^[A-Za-z][A-Za-z0-9_.-]{0,63}$"
VERSION_OF_A_NAME = re.compile(r"(?P<name>.+):(?P<version>[0-9]{1,9})")
ALIAS_OF_A_NAME = re.compile(r"(?P<name>.+)@(?P<alias>[A-Za-z][A-Za-z0-9_.-]{0,63})")
_ID = re.compile(rf"(?:{'|'.join(IdKind)})_[0-9A-Za-z_]{{1,60}}")


def is_id(reference: str) -> bool:
    """Whether a text has the form of an id, of whatever kind."""
    return _ID.fullmatch(reference) is not None


def refers(text: str) -> bool:
    """Whether a text, used as a reference, means something else than a model of this name."""
    forms = (_ID, VERSION_OF_A_NAME, ALIAS_OF_A_NAME)
    return any(form.fullmatch(text) is not None for form in forms)
