"""For any request, the server does not crash and conforms to its OpenAPI document."""

import logging
from collections.abc import Iterator

import pytest
from schemathesis import GenerationMode

from service.embedded.postgres import PrivatePostgres
from tests.rest.fuzz.requests import Fuzzer, with_values
from tests.rest.fuzz.seeds import seeded_zoo

CASES = 2_000
EXAMPLES = {GenerationMode.POSITIVE: 20, GenerationMode.NEGATIVE: 7}
SEED = 1
WITHOUT_SUCCESS = {
    "POST /v1/models/{model_id}:predict": "no worker answers",
    "PATCH /v1/uploads/{upload_id}": "its offset moves with the first bytes",
}

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::ResourceWarning")]


@pytest.fixture(scope="module")
def fuzzer(
    postgres: PrivatePostgres, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fuzzer]:
    """A fuzzer that has sent its requests."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    with seeded_zoo(postgres, tmp_path_factory.mktemp("fuzzed")) as zoo:
        fuzzer = Fuzzer(zoo, EXAMPLES)
        fuzzer.run(cases=CASES, first_seed=SEED)
        yield fuzzer


def test_the_server_conforms_to_its_openapi_document(fuzzer: Fuzzer):
    assert not fuzzer.broken, "\n\n".join(map(": ".join, fuzzer.broken.items()))
    assert sum(fuzzer.sent.values()) >= CASES


def test_requests_with_ids_ask_for_what_exists(fuzzer: Fuzzer):
    with_ids = [label for label in fuzzer.sent if "{" in label]

    unmet = [label for label in with_ids if fuzzer.successes(label) == 0]

    assert len(with_ids) > 20
    assert set(unmet) <= set(WITHOUT_SUCCESS), unmet


def test_ids_of_the_zoo_replace_those_in_a_body():
    values = {"model_id": "mdl_1", "model_ids": ["mdl_1", "mdl_2"]}
    body = {"inputs": [{"model_id": "x", "top": 3}], "model_ids": [], "other": {"model_id": None}}

    assert with_values(body, values) == {
        "inputs": [{"model_id": "mdl_1", "top": 3}],
        "model_ids": ["mdl_1", "mdl_2"],
        "other": {"model_id": None},
    }
