"""Every operation of the OpenAPI document as one schema: path, query, headers and body."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx

from tests.apis.tenancy.answers import ComparedAnswer, of_response
from tests.apis.tenancy.request_shapes import Ids, Schema, inlined, sample

_JOBS = ("post", "/v1/jobs")
_JSON = "application/json"
# A stream that does not end has no answer to compare; tests/rest/test_events.py is about it.
ENDLESS = {"/v1/events"}


@dataclass(frozen=True)
class RestOperation:
    """One operation; ``variant`` tells the bodies of one route apart."""

    method: str
    path: str
    variant: str
    schema: Schema
    media_type: str | None

    @property
    def name(self) -> str:
        """What the operation is called in a report."""
        return f"{self.method.upper()} {self.path} {self.variant}".rstrip()

    @property
    def changes(self) -> bool:
        """Whether a request may change something."""
        return self.method != "get"

    def base(self, ids: Ids) -> Any:
        """The smallest request."""
        return sample(self.schema, "", ids)

    def send(self, client: httpx.Client, request: Any) -> ComparedAnswer:
        """The answer to a request of this schema, in a form to compare."""
        return of_response(self.response(client, request))

    def response(self, client: httpx.Client, request: Any) -> httpx.Response:
        """The response to a request of this schema."""
        path = self.path.format(**{name: str(value) for name, value in request["path"].items()})
        options: dict[str, Any] = {"params": request["query"]}
        headers = {name: str(value) for name, value in request["header"].items()}
        if self.media_type == _JSON:
            options["json"] = request["body"]
        elif self.media_type is not None:
            headers["Content-Type"] = self.media_type
            options["content"] = b"\x89PNG"
        return client.request(self.method, path, headers=headers, **options)


def rest_operations(client: httpx.Client) -> Iterator[RestOperation]:
    """Every operation that the served document has; a job once for each method and spelling.

    HEAD is left out: the route of GET answers it, with nothing in the body that could be compared.
    """
    document = client.get("/openapi.json").json()
    definitions = document["components"]["schemas"]
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method == "head" or path in ENDLESS:
                continue
            described = inlined(operation, definitions)
            media_type, body = _body_of(described)
            if (method, path) == _JOBS:
                for variant, schema in _jobs(client, body):
                    yield _operation(method, path, variant, described, _JSON, schema)
            else:
                yield _operation(method, path, "", described, media_type, body)


def _operation(
    method: str, path: str, variant: str, described: Any, media_type: str | None, body: Schema
) -> RestOperation:
    parts: dict[str, Schema] = {
        part: {"type": "object", "properties": {}, "required": []}
        for part in ("path", "query", "header")
    }
    for parameter in described.get("parameters", ()):
        part = parts[parameter["in"]]
        part["properties"][parameter["name"]] = parameter["schema"]
        if parameter.get("required"):
            part["required"].append(parameter["name"])
    if media_type == _JSON:
        parts["body"] = body
    schema = {"type": "object", "properties": parts, "required": list(parts)}
    return RestOperation(method, path, variant, schema, media_type)


def _body_of(described: Any) -> tuple[str | None, Schema]:
    """The media type of the body, JSON if there is a choice, and its schema."""
    content = described.get("requestBody", {}).get("content", {})
    if _JSON in content:
        return _JSON, content[_JSON]["schema"]
    types = [name for name in content if not name.startswith("multipart/")]
    return (types[0] if types else None), {}


def _jobs(client: httpx.Client, request: Schema) -> Iterator[tuple[str, Schema]]:
    """The body of a job for each method, nested and with the fields at the top level."""
    for method in client.get("/v1/methods").json()["items"]:
        yield from job_bodies(method, request["properties"])


def job_bodies(method: Any, top_level: Schema) -> Iterator[tuple[str, Schema]]:
    """A method's job in both spellings; ``top_level`` are the fields that a request can have."""
    parts = {part: inlined(method[part], method[part].get("$defs", {})) for part in _PARTS}
    name = {"const": method["name"], "type": "string"}
    nested = {"method": name, **parts}
    yield f"{method['name']} nested", _object(nested)
    flat, lists = {"method": name}, {}
    for part, schema in parts.items():
        properties = schema.get("properties", {})
        lifted = {field: value for field, value in properties.items() if field in top_level}
        needed = [field for field in schema.get("required", ()) if field not in lifted]
        flat |= lifted
        lists[part] = {**schema, "properties": properties, "required": needed}
        lists[part]["properties"] = {
            field: value for field, value in properties.items() if field not in lifted
        }
    required = ["method", *_PARTS, *_required_in(parts.values(), flat)]
    yield f"{method['name']} flat", {**_object({**flat, **lists}), "required": required}


_PARTS = ("inputs", "params")


def _object(properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _required_in(parts: Any, names: Schema) -> list[str]:
    return [name for part in parts for name in part.get("required", ()) if name in names]
