"""The OpenAPI document is one that clients are generated from: names, examples, texts."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from service.core.operations.accuracies.accuracies import NewAccuracies
from service.core.operations.concepts.requests import ConceptSearchRequest
from service.core.operations.families.families import FamilyConfirmation
from service.core.operations.heat_map_requests import HeatMapRequest, ModelHeatMapRequest
from service.core.operations.jobs.requests import JobRequest
from service.core.operations.layers.requests import LayerSelectionRequest
from service.core.operations.maps.requests import NewMapRequest
from service.core.operations.rankings.schemas import RankingRequest
from service.rest.examples import REQUESTS
from service.views.datasets import NewDatasetView
from service.views.keys import NewKeyView
from service.views.models import ModelChangesView, NewModelView
from service.views.quotas import QuotaChangesView
from service.views.uploads import NewUploadView
from tests.rest.served import Served

Document = dict[str, Any]
SHAPES = (
    ConceptSearchRequest,
    FamilyConfirmation,
    HeatMapRequest,
    JobRequest,
    LayerSelectionRequest,
    ModelChangesView,
    ModelHeatMapRequest,
    NewAccuracies,
    NewDatasetView,
    NewKeyView,
    NewMapRequest,
    NewModelView,
    NewUploadView,
    QuotaChangesView,
    RankingRequest,
)


@pytest.fixture(scope="module")
def document(shared: Served) -> Document:
    body: Document = shared.client.get("/openapi.json").json()
    return body


def operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def contents(document: Document) -> Iterator[tuple[str, str, Document]]:
    """Every body and every answer with its media type."""
    for call, operation in operations(document):
        bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
        for body in bodies:
            for media_type, content in body.get("content", {}).items():
                yield call, media_type, content


def test_operation_ids_are_verbs_with_nouns_and_unique(document: Document):
    ids = [operation["operationId"] for _, operation in operations(document)]

    assert len(set(ids)) == len(ids)
    assert {"list_models", "get_model", "cancel_job", "create_ranking", "get_own_key"} <= set(ids)
    assert [i for i in ids if not re.fullmatch(r"[a-z]+(_[a-z]+)+", i)] == []


def test_every_tag_has_a_text(document: Document):
    texts = {tag["name"]: tag["description"] for tag in document["tags"]}
    used = {tag for _, operation in operations(document) for tag in operation["tags"]}

    assert used == set(texts)
    assert all(texts.values())


def test_every_body_and_answer_has_an_example_that_fits_its_schema(document: Document):
    wrong = []
    for call, media_type, content in contents(document):
        if "example" not in content:
            wrong.append(f"{call} {media_type}: no example")
        elif media_type in {"application/json", "application/problem+json"}:
            schema = {**content["schema"], "components": document["components"]}
            errors = jsonschema_rs.validator_for(schema).iter_errors(content["example"])
            wrong += [f"{call} {media_type}: {error.message}" for error in errors]

    assert not wrong, "\n".join(wrong)


def test_every_example_of_a_request_is_one_that_the_service_takes():
    for shape in SHAPES:
        shape.model_validate(REQUESTS[shape.__name__])


def test_examples_of_requests_cover_every_json_body(document: Document):
    named = {
        content["schema"]["$ref"].rpartition("/")[2]
        for _, operation in operations(document)
        for media_type, content in operation.get("requestBody", {}).get("content", {}).items()
        if media_type == "application/json"
    }

    assert named == {shape.__name__ for shape in SHAPES}
