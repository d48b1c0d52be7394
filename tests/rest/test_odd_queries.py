"""No query parameter, empty or odd, leads to a server error; generated from the OpenAPI document."""

from collections.abc import Iterable, Iterator
from typing import Any

import pytest

from tests.rest.served import PROJECT, Served, a_dataset, a_model

TEXTS = (
    "", " ", "\n", "\0", "\x1f", "%", "'", '"', "\\", "a\nb", "a" * 401, "a" * 20_000, "é", "東京", "😀",
    "\u202e", "cafe\u0301", "-1", "9" * 30, "null", "[]", "{}", "../..", "mdl_0\n", "conv", "output",
)  # fmt: skip
NUMBERS = (
    "", " ", "\0", "9" * 30, "NaN", "Infinity", "-Infinity", "1e308", "1e-310", "1e999", "-1", "0",
    "1.5", "true", "null", "conv",
)  # fmt: skip
"""To a parameter that is a number all other texts are alike."""


@pytest.fixture(scope="module")
def ids(shared: Served) -> dict[str, str]:
    """Ids of things that exist, by the name of the path parameter."""
    with shared.zoo.transaction() as session:
        model, dataset = a_model(session), a_dataset(shared.zoo, session)
        return {"model_id": model.id, "dataset_id": dataset.id, "index": "0", "project": PROJECT}


def parameters(
    document: dict[str, Any], kind: str
) -> Iterator[tuple[str, str, str, Iterable[str]]]:
    """Method, path, name and odd values of every parameter of a kind: ``query`` or ``header``."""
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            # The events of a job go on, and HEAD is served as GET is.
            if method == "head" or path.endswith("/events"):
                continue
            for parameter in operation.get("parameters", ()):
                if parameter["in"] == kind:
                    values = NUMBERS if _is_number(parameter["schema"]) else TEXTS
                    if kind == "header":
                        values = tuple(filter(_fits_a_header, values))
                    yield method, path, parameter["name"], values


def _is_number(schema: dict[str, Any]) -> bool:
    """Whether nothing but a number, or nothing at all, is valid."""
    kinds = {branch.get("type") for branch in schema.get("anyOf", (schema,))}
    return kinds <= {"integer", "number", "null"}


@pytest.mark.parametrize("kind", ["query", "header"])
def test_no_value_of_any_parameter_is_a_server_error(
    shared: Served, ids: dict[str, str], kind: str
):
    document = shared.client.get("/openapi.json").json()
    wrong = []
    for method, path, name, values in parameters(document, kind):
        url = path.format_map(_Existing(ids))
        for value in values:
            # An earlier parameter that is required may not hide this one, nor may a missing image.
            needed = {"dataset": ids["dataset_id"]} if path.endswith("/neighbors") else {}
            params = needed | ({name: value} if kind == "query" else {})
            headers = {"Content-Type": "image/png"} | ({name: value} if kind == "header" else {})
            body = b"image" if path.endswith(":predict") else b""
            answer = shared.client.request(
                method, url, params=params, headers=headers, content=body
            )
            if answer.status_code >= 500 and answer.json()["code"] not in FORESEEN:
                wrong.append(f"{method} {path} {name}={value[:20]!r}: {answer.text[:200]}")

    assert not wrong, "\n".join(wrong)


def _fits_a_header(value: str) -> bool:
    return (
        value.isascii() and value.isprintable() and value == value.strip() and len(value) < 10_000
    )


# No worker and no broker runs here.
FORESEEN = {"no_prediction_worker"}


class _Existing(dict[str, str]):
    """The ids that exist, and for anything else one that does not."""

    def __missing__(self, name: str) -> str:
        return f"{name[:3]}_0"


def test_there_are_query_parameters_to_try(shared: Served):
    document = shared.client.get("/openapi.json").json()

    names = {name for _, _, name, _ in parameters(document, "query")}

    assert {"layer", "page_token", "edge_weight", "top_k", "challenge", "dataset"} <= names
