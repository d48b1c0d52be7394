"""Every route refuses query parameters that it does not take; generated from the OpenAPI document."""

from collections.abc import Iterator
from typing import Any

from tests.rest.served import Served


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, list[str]]]:
    """Method, path and query parameters of every operation."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            if method != "head":
                names = [p["name"] for p in operation.get("parameters", ()) if p["in"] == "query"]
                yield method, path, names


def test_every_route_refuses_an_unknown_query_parameter(shared: Served):
    document = shared.client.get("/openapi.json").json()
    checked, wrong = 0, []
    for method, path, _ in operations(document):
        url = path.format_map(_Anything())
        answer = shared.client.request(method, url, params={"colour": "red"})
        pointers = [e["pointer"] for e in answer.json().get("errors", ())]
        checked += 1
        if answer.status_code != 422 or pointers != ["/query/colour"]:
            wrong.append(f"{method} {path}: {answer.status_code} {answer.text[:200]}")

    assert checked > 40
    assert not wrong, "\n".join(wrong)


def test_every_documented_parameter_is_known_to_its_route(shared: Served):
    document = shared.client.get("/openapi.json").json()
    wrong = []
    for method, path, names in operations(document):
        url = path.format_map(_Anything())
        for name in names:
            answer = shared.client.request(method, url, params={name: "1"})
            if "unknown query parameters" in answer.text:
                wrong.append(f"{method} {path}?{name}")

    assert not wrong, "\n".join(wrong)


def test_a_near_parameter_is_suggested(shared: Served):
    problem = shared.client.get("/v1/models?pagesize=3").json()

    assert "did you mean page_size" in problem["errors"][0]["reason"]


class _Anything(dict[str, str]):
    """A value for every path parameter, by which nothing exists."""

    def __missing__(self, name: str) -> str:
        return {"index": "0", "project": "default", "name": "depara"}.get(
            name, f"{name[:3]}_01J00000000000000000000000"
        )
