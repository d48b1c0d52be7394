"""The OpenAPI document: FastAPI's, plus problem documents and the bodies of upload routes."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from service.rest.error_handlers import MEDIA_TYPE, TITLES, ProblemView

_REFERENCES = "#/components/schemas/{model}"
_BODIES: dict[str, type[BaseModel]] = {}
_ALWAYS = (400, 413, 421, 422, 429, 500, 503)
_WITH_KEY = (401, 403)
_OF_THINGS = (404, 409)
_ETAGS = (412, 428)


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
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {"schema": {"$ref": f"#/components/schemas/{shape.__name__}"}},
                "multipart/form-data": {
                    "schema": form,
                    "encoding": {"manifest": {"contentType": "application/json"}},
                },
            },
        }
    }


def document_of(app: FastAPI) -> dict[str, Any]:
    """The document, built once per app."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        _add_shapes(document)
        for path, operations in document["paths"].items():
            for method, operation in operations.items():
                _add_problems(operation, path=path, method=method)
        app.openapi_schema = document
    return app.openapi_schema


def _add_shapes(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    shapes: list[type[BaseModel]] = [ProblemView, *_BODIES.values()]
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
    if "{" in path or method != "get":
        statuses.update(_OF_THINGS)
    if any(p["name"] == "If-Match" for p in operation.get("parameters", ())):
        statuses.update(_ETAGS)
    if any(p["name"] == "If-None-Match" for p in operation.get("parameters", ())):
        responses["304"] = {"description": "The version in If-None-Match is current"}
    for status in sorted(statuses):
        responses.setdefault(str(status), _problem_response(status))


def _problem_response(status: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ProblemView"}
    return {"description": TITLES[status], "content": {MEDIA_TYPE: {"schema": schema}}}
