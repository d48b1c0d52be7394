"""Every HTTP call on a page is one that the OpenAPI document describes, with a body that fits."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from service.container import zoo_from
from service.rest.app import create_app
from service.settings import Settings
from tests.docs.http_calls import HttpCall, calls_in
from tests.docs.job_requests import require_fitting
from tests.docs.printed import PAGES, ROOT, PrintedBlock, blocks, spans_of

WITH_CALLS = [block for block in blocks("bash", "sh") if list(calls_in(block.text))]
_ROUTE = re.compile(r"(GET|POST|PATCH|PUT|DELETE|HEAD) (/[^\s?]+)")
_SENT_EVERYWHERE = {"Authorization", "Content-Type", "Prefer"}


@pytest.fixture(scope="module")
def openapi(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The document of an app that is never started."""
    home = tmp_path_factory.mktemp("home")
    nowhere: Any = {"home": home, "database_url": "postgresql://nowhere/zoo"}
    return create_app(zoo_from(Settings(**nowhere))).openapi()


def operation_of(openapi: Mapping[str, Any], verb: str, path: str) -> dict[str, Any]:
    """What the document says of a call; placeholders of a page may stand for parts of the path."""
    fitting = [
        template
        for template in openapi["paths"]
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/:]+", template), path)
    ]
    assert fitting, f"no route fits {path}"
    operations = openapi["paths"][min(fitting, key=lambda template: template.count("{"))]
    assert verb in operations, f"{path} takes {', '.join(operations)}, not {verb}"
    return dict(operations[verb])


def require_valid(openapi: Mapping[str, Any], schema: Mapping[str, Any], value: Any) -> None:
    """Raise jsonschema_rs.ValidationError where the value does not fit the schema."""
    jsonschema_rs.validate({**schema, "components": openapi["components"]}, value)


def require_described(openapi: Mapping[str, Any], call: HttpCall) -> None:
    """Raise where the document describes no such call."""
    operation = operation_of(openapi, call.verb, call.path)
    parameters = {each["name"].lower(): each["schema"] for each in operation.get("parameters", ())}
    assert {name.lower() for name in call.headers.keys() - _SENT_EVERYWHERE} <= parameters.keys()
    for name, text in call.query.items():
        assert name in parameters, f"{call.path} has no parameter {name}"
        require_valid(openapi, parameters[name], _value(text))
    content = operation.get("requestBody", {}).get("content", {})
    if call.form:
        properties = content["multipart/form-data"]["schema"]["properties"]
        assert set(call.form) <= properties.keys()
    elif call.body is not None:
        require_valid(openapi, content["application/json"]["schema"], call.body)
    if call.path == "/v1/jobs" and call.body is not None:
        require_fitting(call.body)


def _value(text: str) -> Any:
    """A number where the text is one."""
    try:
        return json.loads(text)
    except ValueError:
        return text


@pytest.mark.parametrize("block", WITH_CALLS, ids=str)
def test_calls_of_a_block_are_described(block: PrintedBlock, openapi: dict[str, Any]):
    for call in calls_in(block.text):
        require_described(openapi, call)


@pytest.mark.parametrize(
    "line",
    [
        "curl $ZOO_URL/v1/records",
        "curl $ZOO_URL/v1/models?pages=1",
        "curl -X PUT $ZOO_URL/v1/models/$MODEL",
        """curl $ZOO_URL/v1/rankings -d '{"target": {"model": "mdl_1"}}'""",
        """curl $ZOO_URL/v1/jobs -d '{"method": "fine_tune", "data": "dst_1"}'""",
    ],
)
def test_a_call_that_is_not_described_is_noticed(line: str, openapi: dict[str, Any]):
    (call,) = calls_in(line)

    with pytest.raises((AssertionError, jsonschema_rs.ValidationError)):
        require_described(openapi, call)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_routes_inside_sentences_exist(page: Path, openapi: dict[str, Any]):
    for span in spans_of(page):
        if route := _ROUTE.match(span):
            operation_of(openapi, route[1].lower(), route[2])
