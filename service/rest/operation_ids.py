"""Operation ids: the names that generated clients give to the calls."""

import re
from collections.abc import Iterator, Mapping

from fastapi.routing import APIRoute

_PREFIX = "/v1/"
_VERBS: Mapping[str, str] = {
    "GET": "get",
    "POST": "create",
    "PATCH": "update",
    "PUT": "set",
    "DELETE": "delete",
}
# Functions of routes that answer lists.
_LISTS = frozenset({"index", "images", "job_artifacts"})
# Calls whose paths do not say what people call them.
_IDS: Mapping[tuple[str, str], str] = {
    ("GET", "/healthz"): "get_health",
    ("GET", "/readyz"): "get_readiness",
    ("GET", "/v1/keys/self"): "get_own_key",
    ("GET", "/v1/quotas"): "get_quotas",
    ("GET", "/v1/audit"): "export_audit",
    ("PATCH", "/v1/quotas/{project}"): "update_quotas",
    ("PATCH", "/v1/uploads/{upload_id}"): "append_to_upload",
    ("OPTIONS", "/v1/uploads"): "get_upload_options",
    ("POST", "/v1/accuracies"): "create_accuracies",
    ("POST", "/v1/attributions"): "create_attributions",
    ("POST", "/v1/models/{model_id}/attributions"): "create_model_attributions",
}


def operation_id(route: APIRoute) -> str:
    """The id of a route's operation: a verb and nouns, joined by underscores."""
    method = min(route.methods or {"GET"})
    named = _IDS.get((method, route.path))
    if named is not None:
        return named
    return "_".join([_verb(route, method), *_nouns(route.path, method)])


def _verb(route: APIRoute, method: str) -> str:
    custom = re.sub(r"\{.*?\}", "", route.path).partition(":")[2]
    return custom or ("list" if route.name in _LISTS else _VERBS[method])


def _nouns(path: str, method: str) -> Iterator[str]:
    """The nouns of a path: ``model``, ``layers`` for ``/v1/models/{model_id}/layers``."""
    parts = path.removeprefix(_PREFIX).strip("/").split("/")
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        if part.startswith("{"):
            continue
        names_one = following.startswith(("{", "by-")) or (not following and method == "POST")
        noun = part.partition(":")[0]
        yield (_singular(noun) if names_one else noun).replace("-", "_")


def _singular(noun: str) -> str:
    return f"{noun[:-3]}y" if noun.endswith("ies") else noun.removesuffix("s")
