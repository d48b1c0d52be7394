"""Remedies that name the request to make."""

import json
from collections.abc import Mapping
from typing import Any


def post(path: str, body: Mapping[str, Any]) -> str:
    """The POST that creates what a GET did not find."""
    return f"create it with POST {path} {json.dumps(dict(body), ensure_ascii=False)}"
