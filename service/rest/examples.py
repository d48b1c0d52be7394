"""Examples of the OpenAPI document: one for every body and every answer.

Requests are written by hand, because their fields depend on each other. Answers follow from their
schemas, with values that fit the names of the fields.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

Schema = Mapping[str, Any]

_ULID = "01JQ6X0V8Q4N7Z2M5B9C3D1EFG"
_TIME = "2030-01-31T12:00:00Z"
_SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_REFERENCE = "#/components/schemas/"

_MANIFEST = {
    "name": "resnet18",
    "format": "pt2",
    "task": {"kind": "classification"},
    "input": {
        "height": 224,
        "width": 224,
        "mean": [0.485, 0.456, 0.406],
        "std": [0.229, 0.224, 0.225],
    },
    "tags": ["convnet"],
}
_DATASET = {"name": "flowers", "layout": "folders"}
REQUESTS: Mapping[str, Any] = {
    "NewModelView": {**_MANIFEST, "upload_id": f"upl_{_ULID}"},
    "ModelManifest": _MANIFEST,
    "NewDatasetView": {**_DATASET, "upload_id": f"upl_{_ULID}"},
    "DatasetManifest": _DATASET,
    "ModelChangesView": {"tags": ["convnet", "small"], "license": "apache-2.0"},
    "NewUploadView": {"size": 46827520, "filename": "resnet18.pt2"},
    "ConceptSearchRequest": {"dataset_id": "my-cats", "probe_set_id": "probes"},
    "RankingRequest": {"target": {"dataset_id": "flowers"}, "metric": "logme"},
    "LayerSelectionRequest": {
        "source_model_id": "resnet18",
        "target": {"dataset_id": "flowers"},
        "data": "scarce",
    },
    "NewMapRequest": {"dataset_id": "probes", "metric": "depara"},
    "HeatMapRequest": {
        "model_ids": ["resnet18"],
        "dataset_id": "flowers",
        "indices": [0, 1, 2],
        "method": "gxi",
    },
    "ModelHeatMapRequest": {"dataset_id": "flowers", "indices": {"start": 0, "stop": 8}},
    "JobRequest": {
        "method": "fine_tune",
        "source_model_id": "resnet18",
        "dataset_id": "flowers",
        "budget": {"steps": 500},
    },
    "NewAccuracies": {"accuracies": [{"model": "resnet18", "dataset": "flowers", "value": 0.91}]},
    "NewKeyView": {"name": "the reader", "scopes": ["read"], "expires_at": _TIME},
    "QuotaChangesView": {"models": 1000},
    "FamilyConfirmation": {"relative_id": "resnet18", "descent": "ancestor"},
}
TEXTS: Mapping[str, str] = {
    "text/plain": "zooscope_requests_total 12\n",
    "text/csv": "name,resnet18,vit_tiny\nresnet18,1,0.4\nvit_tiny,0.4,1\n",
    "application/x-ndjson": '{"seq": 1, "action": "models.create"}\n',
    "application/xml": "<graphml></graphml>",
    "image/svg+xml": '<svg xmlns="http://www.w3.org/2000/svg"></svg>',
}
_BYTES = "the bytes of the file"
_VALUES: Mapping[str, Any] = {
    "name": "resnet18",
    "project": "default",
    "filename": "resnet18.pt2",
    "task": {"kind": "classification"},
    "format": "pt2",
    "metric": "logme",
    "method": "fine_tune",
    "etag": '"1"',
    "sha256": _SHA256,
    "cache_key": _SHA256,
    "token": f"zoo_{_ULID}_secret",
    "scopes": ["read"],
    "held_scopes": ["read"],
    "tags": ["convnet"],
    "labels": ["daisy", "rose"],
    "media_type": "image/png",
    "code": "model_not_found",
    "detail": "no model has the name 'resnet19'",
    "remedy": "did you mean resnet18?",
    "instance": "/v1/models/resnet19",
    "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    "layer": "layer4",
    "error": None,
}
_IDS = {
    "model": "mdl",
    "dataset": "dst",
    "probe_set": "dst",
    "job": "job",
    "upload": "upl",
    "ranking": "rnk",
    "map": "map",
    "layout": "map",
    "artifact": "art",
    "key": "key",
    "selection": "lay",
    "search": "cps",
}
_OWN_IDS = {
    "ModelView": "mdl",
    "DatasetView": "dst",
    "JobView": "job",
    "UploadProgressView": "upl",
    "RankingView": "rnk",
    "RankingSummaryView": "rnk",
    "LayerSelectionView": "lay",
    "LayerSelectionSummaryView": "lay",
    "ConceptSearchView": "cps",
    "ConceptSearchSummaryView": "cps",
    "MapView": "map",
    "MapSnapshotView": "map",
    "ArtifactView": "art",
    "AccuracyView": "acc",
}
_DEEPEST = 6


def add_examples(document: dict[str, Any]) -> None:
    """Every body and answer of the document has an example."""
    schemas = document["components"]["schemas"]
    for operations in document["paths"].values():
        for operation in operations.values():
            bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
            for body in bodies:
                for media_type, content in body.get("content", {}).items():
                    if "example" not in content:
                        schema = content.get("schema", {})
                        content["example"] = _example(media_type, schema, schemas)
    for status, problem in _problems(document):
        problem["example"] = {**problem["example"], "status": status}


def _problems(document: Schema) -> list[tuple[int, dict[str, Any]]]:
    return [
        (int(status), content)
        for operations in document["paths"].values()
        for operation in operations.values()
        for status, response in operation["responses"].items()
        for media_type, content in response.get("content", {}).items()
        if media_type == "application/problem+json"
    ]


def _example(media_type: str, schema: Schema, schemas: Schema) -> Any:
    if media_type in TEXTS:
        return TEXTS[media_type]
    if media_type == "multipart/form-data":
        return {
            name: REQUESTS[part["$ref"].removeprefix(_REFERENCE)] if "$ref" in part else _BYTES
            for name, part in schema["properties"].items()
            if name in schema["required"]
        }
    if schema.get("format") == "binary" or not schema:
        return _BYTES
    return example_of(schema, schemas)


def example_of(schema: Schema, schemas: Schema, *, name: str = "", depth: int = 0) -> Any:
    """A value that fits a schema.

    Args:
        schema: The schema.
        schemas: All schemas by name.
        name: Name of the field that holds the value.
        depth: Number of schemas around this one.
    """
    if "$ref" in schema:
        return _of_named(schema["$ref"].removeprefix(_REFERENCE), schemas, depth=depth)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            options = [option for option in schema[choice] if option.get("type") != "null"]
            return example_of(options[0], schemas, name=name, depth=depth)
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum", [None]))))
    kind = schema.get("type")
    if kind == "object":
        return _object(schema, schemas, depth=depth)
    if kind == "array":
        return _array(schema, schemas, name=name, depth=depth)
    return _scalar(schema, name)


def _of_named(name: str, schemas: Schema, *, depth: int) -> Any:
    if name in REQUESTS:
        return REQUESTS[name]
    schema = schemas[name]
    value = example_of(schema, schemas, depth=depth + 1)
    if isinstance(value, dict) and "id" in value and name in _OWN_IDS:
        value["id"] = f"{_OWN_IDS[name]}_{_ULID}"
    return value


def _object(schema: Schema, schemas: Schema, *, depth: int) -> dict[str, Any]:
    """The required fields, and the optional ones that this module knows a value for."""
    required = schema.get("required", ())
    values = {}
    for name, field in schema.get("properties", {}).items():
        if name in required or (name in _VALUES and depth < _DEEPEST):
            values[name] = _field(name, field, schemas, depth=depth)
    return values


def _field(name: str, schema: Schema, schemas: Schema, *, depth: int) -> Any:
    value = _VALUES.get(name)
    if value is not None and _allows(schema, value, schemas):
        return value
    if depth >= _DEEPEST and _allows(schema, None, schemas):
        return None
    return example_of(schema, schemas, name=name, depth=depth + 1)


def _array(schema: Schema, schemas: Schema, *, name: str, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        parts: Sequence[Schema] = schema["prefixItems"]
        return [example_of(part, schemas, name=name, depth=depth + 1) for part in parts]
    if depth >= _DEEPEST and not schema.get("minItems"):
        return []
    count = max(1, schema.get("minItems", 0))
    item = schema.get("items", {})
    return [example_of(item, schemas, name=name.removesuffix("s"), depth=depth + 1)] * count


def _scalar(schema: Schema, name: str) -> Any:
    match schema.get("type"):
        case "integer":
            return max(1, schema.get("minimum", 1))
        case "number":
            return min(0.5, schema.get("maximum", 0.5))
        case "boolean":
            return True
        case "string":
            return _string(schema, name)
        case _:
            return None


def _string(schema: Schema, name: str) -> str:
    if schema.get("format") == "date-time":
        return _TIME
    stem = re.sub(r"^(target|source|typical)_|_id$", "", name)
    if name.endswith("_id") and stem in _IDS:
        return f"{_IDS[stem]}_{_ULID}"
    value = _VALUES.get(name)
    return value if isinstance(value, str) else name or "text"


def _allows(schema: Schema, value: Any, schemas: Schema) -> bool:
    """Whether a value has a type that a schema allows; details are not looked at."""
    if "$ref" in schema:
        target = schemas[schema["$ref"].removeprefix(_REFERENCE)]
        return _allows(target, value, schemas)
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return any(_allows(option, value, schemas) for option in options)
    if "enum" in schema or "const" in schema:
        return value in schema.get("enum", [schema.get("const")])
    kinds: Mapping[str, type] = {"string": str, "array": list, "object": dict, "null": type(None)}
    kind = kinds.get(str(schema.get("type")))
    if kind is None or not isinstance(value, kind):
        return False
    items = schema.get("items")
    if items is None or not isinstance(value, list):
        return True
    return all(_allows(items, item, schemas) for item in value)
