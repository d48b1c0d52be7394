"""The reference page of REST, from the OpenAPI document."""

import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from service.container import zoo_from
from service.rest.app import create_app
from service.settings import Settings

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "reference" / "rest.md"
TOP = """# REST

Generated from the OpenAPI document that every server answers at `/openapi.json`; try the calls out
at `/docs`. Send `Authorization: Bearer zoo_…`. Errors are problem documents (RFC 9457) with `code`,
`detail` and often `remedy`; the last column leaves out those that every call can have (400, 401,
403, 408, 413, 421, 422, 429, 431, 500, 503, 507). Every POST but those of keys, sessions and
sign-in links takes an `Idempotency-Key`. HEAD returns the status and the headers of every GET except a stream of events,
among them `ETag` and, where the length is known in advance, `Content-Length`; it sends no body.
"""
_EVERYWHERE = {"400", "401", "403", "408", "413", "421", "422", "429", "431", "500", "503", "507"}


def document() -> dict[str, Any]:
    """The document of an app that is never started."""
    with tempfile.TemporaryDirectory() as home:
        nowhere: Any = {"home": home, "database_url": "postgresql://nowhere/zoo"}
        zoo = zoo_from(Settings(**nowhere))
        return create_app(zoo).openapi()


def pages() -> Mapping[Path, str]:
    """The page and what it should hold."""
    return {PAGE: page(document())}


def page(openapi: Mapping[str, Any]) -> str:
    """The reference page."""
    return "\n".join([TOP, *_calls(openapi), "## Shapes\n", *_shapes(openapi)])


def _calls(openapi: Mapping[str, Any]) -> Iterator[str]:
    """One table for each noun."""
    by_noun = defaultdict(list)
    for path, operations in openapi["paths"].items():
        for method, operation in operations.items():
            if method == "head":
                continue  # As the top says.
            by_noun[operation["tags"][-1]].append(_row(path, method, operation))
    for noun, rows in by_noun.items():
        yield f"## {noun.capitalize()}\n"
        yield "| call | does | query and headers | answers |\n|---|---|---|---|"
        yield "\n".join(rows) + "\n"


def _row(path: str, method: str, operation: Mapping[str, Any]) -> str:
    summary = operation.get("description", operation["summary"]).replace("\n", " ")
    named = ", ".join(
        f"`{p['name']}`" for p in operation.get("parameters", ()) if p["in"] != "path"
    )
    answers = " ".join(s for s in sorted(operation["responses"]) if s not in _EVERYWHERE)
    return f"| `{method.upper()} {path}` | {summary} | {named} | {answers} |"


def _shapes(openapi: Mapping[str, Any]) -> Iterator[str]:
    """One table for each shape with fields."""
    for name, schema in sorted(openapi["components"]["schemas"].items()):
        yield f"### {name}\n"
        if "description" in schema:
            yield schema["description"].strip() + "\n"
        if "properties" not in schema:
            yield f"{_kind(schema)}\n"
            continue
        yield "| field | type | must be sent |\n|---|---|---|"
        needed = schema.get("required", ())
        yield "".join(
            f"| `{field}` | {_kind(content)} | {'yes' if field in needed else ''} |\n"
            for field, content in schema["properties"].items()
        )


def _kind(schema: Mapping[str, Any]) -> str:
    """A few words on what a field holds."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema or "oneOf" in schema:
        return " or ".join(_kind(option) for option in schema.get("anyOf") or schema["oneOf"])
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array" and isinstance(schema.get("items"), dict):
        return f"list of {_kind(schema['items'])}"
    return str(schema.get("type", "anything"))
