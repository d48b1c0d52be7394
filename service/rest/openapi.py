"""The OpenAPI document: FastAPI's, plus problem documents and the bodies of upload routes."""

import re
from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service.rest.error_handlers import MEDIA_TYPE, TITLES, ProblemView
from service.rest.examples import add_examples
from service.views.audit import AuditEventView
from service.views.events import ProjectEventView
from service.views.jobs import JobEventView

_REFERENCES = "#/components/schemas/{model}"
_BODIES: dict[str, type[BaseModel]] = {}
_ALWAYS = (400, 408, 413, 421, 422, 429, 431, 500, 503, 507)
_WITH_KEY = (401, 403)
_OF_THINGS = (404, 409)
_ETAGS = (412, 428)
_ETAG = {
    "description": "The version of the resource.",
    "required": True,
    "schema": {"type": "string"},
}
_CONTENT_LENGTH = {
    "description": "Length in bytes of the body that GET sends.",
    "schema": {"type": "integer"},
}


_SENT = {
    "Cache-Control": "How long a client may keep the body.",
    "Content-Digest": "SHA-256 of the body (RFC 9530).",
    "Content-Disposition": "The name under which to save the body.",
}


def body_of(*media_types: str, headers: Sequence[str] = ()) -> dict[int | str, dict[str, Any]]:
    """OpenAPI responses of a GET that answers bytes or text of these media types, with these headers."""
    content = {kind: _schema_of(kind) for kind in media_types}
    named = {name: {"description": _SENT[name], "schema": {"type": "string"}} for name in headers}
    return {200: {"content": content, "headers": named}}


def _schema_of(media_type: str) -> dict[str, Any]:
    """The schema of a body; that of JSON comes from the route's model."""
    if media_type == "application/json":
        return {}
    is_text = media_type.startswith("text/") or media_type.endswith("xml")
    return {"schema": {"type": "string", **({} if is_text else {"format": "binary"})}}


STORED_FILE = body_of("*/*", headers=("Content-Digest", "Content-Disposition", "Cache-Control"))
"""OpenAPI responses of a GET that answers a stored file with the media type of that file."""

CONTENT_DIGEST: dict[str, Any] = {
    "name": "Content-Digest",
    "in": "header",
    "required": False,
    "description": "Digest of this body (RFC 9530): sha-256 or sha-512; others are ignored.",
    "schema": {"type": "string"},
}


def creation_body(shape: type[BaseModel], manifest: type[BaseModel]) -> dict[str, Any]:
    """OpenAPI request body of a route that accepts JSON with an upload_id, or a form with files."""
    _BODIES[shape.__name__] = shape
    _BODIES[manifest.__name__] = manifest
    form = {
        "type": "object",
        "properties": {
            "manifest": {"$ref": f"#/components/schemas/{manifest.__name__}"},
            "file": {"type": "string", "format": "binary"},
            "files": {"type": "array", "items": {"type": "string", "format": "binary"}},
        },
        "required": ["manifest"],
    }
    if shape.__name__ == "NewModelView":
        form["properties"].pop("files")  # type: ignore[attr-defined]
        form["required"] = ["manifest", "file"]
    return {
        "parameters": [CONTENT_DIGEST],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}},
                "multipart/form-data": {
                    "schema": form,
                    "encoding": {"manifest": {"contentType": "application/json"}},
                },
            },
        },
    }


def document_of(app: FastAPI) -> dict[str, Any]:
    """The document, built once per app."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            description=app.description,
            routes=app.routes,
            tags=app.openapi_tags,
        )
        _add_shapes(document)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _add_problems(operation, path=path, method=method)
                _leave_out_null(operation)
        add_examples(document)
        for operations in document["paths"].values():
            if "get" in operations and not _is_stream(operations["get"]):
                operations["head"] = _head_of(operations["get"])
        app.openapi_schema = document
    return app.openapi_schema


def _add_shapes(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    shapes: list[type[BaseModel]] = [
        ProblemView,
        JobEventView,
        ProjectEventView,
        AuditEventView,
        *_BODIES.values(),
    ]
    for shape in shapes:
        schema = shape.model_json_schema(ref_template=_REFERENCES)
        schemas.update(schema.pop("$defs", {}))
        schemas[shape.__name__] = schema
    for surplus in ("HTTPValidationError", "ValidationError"):
        schemas.pop(surplus, None)


def _add_problems(operation: dict[str, Any], *, path: str, method: str) -> None:
    """Add every error status that the operation can return."""
    responses = operation["responses"]
    responses.pop("422", None)
    statuses = {*_ALWAYS, *(_WITH_KEY if operation.get("security") else ())}
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "{" in path or method != "get" or "project" in names:
        statuses.update(_OF_THINGS)
    if "last-event-id" in names:
        statuses.add(409)
    if "If-Match" in names:
        statuses.update(_ETAGS)
    if any(p["name"] == "Tus-Resumable" for p in operation.get("parameters", ())):
        statuses.add(412)
    if "If-None-Match" in names:
        responses["304"] = {"description": "The version in If-None-Match is current"}
        for status in responses.keys() & {"200", "304"}:
            responses[status].setdefault("headers", {})["ETag"] = _ETAG
    for status in sorted(statuses):
        responses.setdefault(str(status), _problem_response(status))


def _leave_out_null(operation: dict[str, Any]) -> None:
    """A body that may be left out is never null."""
    for content in operation.get("requestBody", {}).get("content", {}).values():
        schema = content.get("schema", {})
        if {"type": "null"} in schema.get("anyOf", ()):
            content["schema"] = schema["anyOf"][0]


def _is_stream(operation: dict[str, Any]) -> bool:
    """Whether the response continues as things happen."""
    return "text/event-stream" in operation["responses"]["200"].get("content", {})


def _head_of(get: dict[str, Any]) -> dict[str, Any]:
    """HEAD beside a GET: the same statuses and headers, and no body."""
    responses = {status: _without_content(answer) for status, answer in get["responses"].items()}
    return {
        **{name: get[name] for name in ("tags", "parameters", "security") if name in get},
        "summary": f"Headers of: {get['summary']}",
        "description": "The status and headers of GET without the body. Content-Length is the"
        " length of the body of GET, and absent where it is not known in advance.",
        "operationId": f"{get['operationId']}_head",
        "responses": responses,
    }


def _without_content(response: dict[str, Any]) -> dict[str, Any]:
    headers = {**response.get("headers", {}), "Content-Length": _CONTENT_LENGTH}
    media_types = [kind for kind in response.get("content", {}) if kind != "*/*"]
    if "content" in response:
        headers["Content-Type"] = {
            "description": "Media type of the body that GET sends.",
            "schema": {"type": "string", **_one_of(media_types)},
        }
    return {"description": response["description"], "headers": headers}


def _one_of(media_types: list[str]) -> dict[str, str]:
    """The pattern of a header that names one of these types, with or without parameters."""
    if not media_types:
        return {}
    # JSON schemas follow ECMA-262, where the `\-` that re.escape writes is an error.
    kinds = "|".join(re.sub(r"[.+]", r"\\\g<0>", kind) for kind in media_types)
    return {"pattern": f"^({kinds})(;.*)?$"}


def _problem_response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemView"}
    return {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
