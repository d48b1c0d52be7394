"""What pydantic finds wrong with a value, in plain words."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

_TOO_SHORT = "too_short"
_OWN_WORDS = "Value error, "
_COUNT = re.compile(r"\w+ should have at least (\d+) items? after validation, not (\d+)")


def without_consequences(findings: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The findings but for lists that are too short only because their items were refused."""
    findings = list(findings)
    locations = [tuple(finding["loc"]) for finding in findings]
    return [
        finding
        for finding, location in zip(findings, locations, strict=True)
        if finding["type"] != _TOO_SHORT
        or not any(other != location and other[: len(location)] == location for other in locations)
    ]


def reason_of(finding: Mapping[str, Any]) -> str:
    """Why a value was refused, without the validator's own terms."""
    text = str(finding["msg"]).removeprefix(_OWN_WORDS)
    return _COUNT.sub(r"needs at least \1, has \2", text)
