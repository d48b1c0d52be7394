"""An administrator manages the keys of its own project, an operator those of all, over both APIs."""

from datetime import UTC, datetime
from typing import Any

import grpc
import pytest

from service.container import Zoo
from service.core.operations.access import keys
from service.rpc.stubs.zoo.v1 import key_service_pb2 as wire
from service.rpc.stubs.zoo.v1 import key_service_pb2_grpc
from tests.rest.served import client_of, serving
from tests.rpc.channels import channel_to, listening, refusal
from tests.waiting import HANG_SECONDS

LATER = datetime(2100, 1, 2, 3, 4, 5, tzinfo=UTC)


def token_for(zoo: Zoo, *scopes: str, project: str = "default") -> str:
    with zoo.transaction() as session:
        return keys.issue(session, project=project, name="a key", scopes=scopes).token


class Rest:
    """Manages keys over REST."""

    def __init__(self, zoo: Zoo) -> None:
        self._served = serving(zoo)

    def __enter__(self) -> "Rest":
        self._url = self._served.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._served.__exit__(*error)

    def create(self, token: str, **request: Any) -> Any:
        """The new key, or the code of the refusal."""
        if "expires_at" in request:
            request["expires_at"] = request["expires_at"].isoformat()
        return self._json("POST", "", token, json=request)

    def names(self, token: str, **query: Any) -> Any:
        """Names of the keys, or the code of the refusal."""
        answer = self._json("GET", "", token, params=query)
        return answer if isinstance(answer, str) else [item["name"] for item in answer["items"]]

    def revoke(self, token: str, key_id: str) -> Any:
        """None, or the code of the refusal."""
        return self._json("DELETE", f"/{key_id}", token)

    def _json(self, method: str, path: str, token: str, **content: Any) -> Any:
        with client_of(self._url, token) as client:
            answer = client.request(method, f"/v1/keys{path}", **content)
        body = answer.json() if answer.content else None
        return body["code"] if answer.is_error else body


class Rpc:
    """Manages keys over gRPC."""

    def __init__(self, zoo: Zoo) -> None:
        self._listening = listening(zoo)

    def __enter__(self) -> "Rpc":
        self._address = self._listening.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self._listening.__exit__(*error)

    def create(self, token: str, **request: Any) -> Any:
        """The new key, or the code of the refusal."""
        answer = self._call(token, "CreateKey", wire.CreateKeyRequest(**request))
        if isinstance(answer, str):
            return answer
        key = answer.key
        expires = key.expires_at.ToJsonString() if key.HasField("expires_at") else None
        return {
            "id": key.id,
            "name": key.name,
            "project": key.project,
            "scopes": list(key.scopes),
            "expires_at": expires,
            "token": answer.token,
        }

    def names(self, token: str, **query: Any) -> Any:
        """Names of the keys, or the code of the refusal."""
        answer = self._call(token, "ListKeys", wire.ListKeysRequest(**query))
        return answer if isinstance(answer, str) else [item.name for item in answer.items]

    def revoke(self, token: str, key_id: str) -> Any:
        """None, or the code of the refusal."""
        answer = self._call(token, "RevokeKey", wire.RevokeKeyRequest(id=key_id))
        return answer if isinstance(answer, str) else None

    def _call(self, token: str, name: str, request: Any) -> Any:
        with channel_to(self._address, token) as channel:
            call = getattr(key_service_pb2_grpc.KeyServiceStub(channel), name)
            try:
                return call(request, timeout=HANG_SECONDS)
            except grpc.RpcError:
                return refusal(call, request).code


@pytest.fixture(params=[Rest, Rpc])
def api(request: pytest.FixtureRequest, zoo: Zoo):
    with request.param(zoo) as api:
        yield api


def test_an_administrator_creates_keys_of_its_own_project_only(zoo: Zoo, api: Any):
    admin = token_for(zoo, "admin", project="birds")

    own = api.create(admin, name="own", scopes=["read", "jobs"])
    named = api.create(admin, name="named", scopes=["admin"], project="birds")

    assert own["project"] == named["project"] == "birds"
    assert own["scopes"] == ["jobs", "read"]
    assert api.create(admin, name="n", scopes=["read"], project="fish") == "other_project"
    assert api.names(admin) == ["named", "own", "a key"]
    assert api.names(admin, project="fish") == "other_project"


def test_an_administrator_passes_on_only_scopes_that_it_has(zoo: Zoo, api: Any):
    admin = token_for(zoo, "admin")

    assert api.create(admin, name="n", scopes=["operator"]) == "scope_not_held"
    assert api.create(admin, name="n", scopes=["read", "operator"]) == "scope_not_held"


def test_an_operator_manages_the_keys_of_every_project(zoo: Zoo, api: Any):
    operator = token_for(zoo, "operator")

    admin = api.create(operator, name="first of fish", scopes=["admin"], project="fish")
    api.create(admin["token"], name="second", scopes=["read"])

    assert admin["project"] == "fish"
    assert api.names(operator, project="fish") == ["second", "first of fish"]
    assert api.revoke(operator, admin["id"]) is None
    assert api.names(admin["token"]) == "unauthenticated"


def test_an_operator_that_is_nothing_else_reads_no_models(zoo: Zoo):
    with serving(zoo) as url, client_of(url, token_for(zoo, "operator")) as client:
        assert client.get("/v1/models").status_code == 403
        assert client.get("/v1/keys").status_code == 200


def test_a_key_of_another_project_is_none_of_an_administrators(zoo: Zoo, api: Any):
    stranger = token_for(zoo, "admin", project="fish")
    own = api.create(token_for(zoo, "admin"), name="n", scopes=["read"])

    assert api.revoke(stranger, own["id"]) == "key_not_found"
    assert api.revoke(stranger, "key_01KZZZZZZZZZZZZZZZZZZZZZZZ") == "key_not_found"


def test_a_reader_manages_no_keys(zoo: Zoo, api: Any):
    reader = token_for(zoo, "read", "write", "jobs")

    assert api.create(reader, name="n", scopes=["read"]) == "forbidden"
    assert api.names(reader) == "forbidden"
    assert api.revoke(reader, "key_1") == "forbidden"


def test_a_key_may_expire_in_the_future_only(zoo: Zoo, api: Any):
    admin = token_for(zoo, "admin")

    created = api.create(admin, name="n", scopes=["read"], expires_at=LATER)
    past = api.create(admin, name="n", scopes=["read"], expires_at=LATER.replace(year=2001))

    assert created["expires_at"] == "2100-01-02T03:04:05Z"
    assert past == "expires_in_the_past"


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59-12:00", "2100-01-01T00:00:00", "soon"])
def test_a_time_without_a_zone_or_outside_the_calendar_is_refused(zoo: Zoo, time: Any):
    request = {"name": "n", "scopes": ["read"], "expires_at": time}
    with serving(zoo) as url, client_of(url, token_for(zoo, "admin")) as client:
        answer = client.post("/v1/keys", json=request)

    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["errors"][0]["pointer"] == "/body/expires_at"
