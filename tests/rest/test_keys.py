"""Every request needs a key, and the key's scopes limit what it may do."""

import pytest
from pydantic import ValidationError

from service.core.operations.access import keys
from service.settings import Settings
from tests.rest.served import Served

NEEDS = {
    "read": ("GET", "/v1/models", None),
    "write": ("POST", "/v1/uploads", {"size": 1}),
    "jobs": ("POST", "/v1/jobs", {"method": "nothing"}),
    "admin": ("GET", "/v1/keys", None),
}


@pytest.mark.parametrize("token", [None, "zoo_1_2", "zoo_", "fox", "zoo_01M8_" + "x" * 40])
def test_a_valid_key_is_required(served: Served, token: str | None):
    answer = served.with_token(token).get("/v1/models")

    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("scope", NEEDS)
def test_a_scope_permits_only_its_routes(served: Served, scope: str):
    client = served.with_scopes(scope)

    for needed, (method, path, body) in NEEDS.items():
        status = client.request(method, path, json=body).status_code

        assert (status == 403) == (scope not in (needed, "admin"))


def test_an_issued_key_works_until_it_is_revoked(served: Served):
    issued = served.client.post("/v1/keys", json={"name": "ci", "scopes": ["read"]}).json()
    client = served.with_token(issued["token"])

    before = client.get("/v1/models").status_code
    served.client.delete(f"/v1/keys/{issued['id']}")
    after = client.get("/v1/models").status_code

    assert (before, after) == (200, 401)
    listed = served.client.get("/v1/keys").json()["items"]
    assert listed[0]["revoked_at"] is not None
    assert "token" not in listed[0]


def test_the_first_key_is_shown_once(served: Served):
    with served.zoo.transaction() as session:
        assert keys.issue_first(session) is None


def test_secrets_are_not_stored(served: Served):
    secret = served.token.rpartition("_")[2]

    with served.zoo.transaction() as session:
        stored = session.connection().exec_driver_sql("SELECT keys::text FROM keys").scalars()

        assert all(secret not in row for row in stored)


def test_more_requests_than_allowed_are_refused(served: Served):
    strict = served.zoo.settings.model_copy(update={"rate_limit": "3/day"})
    object.__setattr__(served.zoo, "settings", strict)

    statuses = [served.client.get("/v1/methods").status_code for _ in range(5)]

    assert statuses == [200, 200, 200, 429, 429]


def test_without_keys_only_this_machine_has_access():
    assert Settings(auth=False, host="127.0.0.1").auth is False

    with pytest.raises(ValidationError, match="let anybody in"):
        Settings(auth=False, host="0.0.0.0")
