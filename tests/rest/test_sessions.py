"""A browser signs in with a key or a one-time link, and its cookie is worth no more than that."""

import re
from datetime import timedelta
from http.cookies import SimpleCookie

import httpx
import pytest
from sqlalchemy import func, select, update

from service.core.operations.access import sessions
from service.core.tables import SessionRecord, SignInLinkRecord
from service.scheduler.expiry import remove_expired
from tests.rest.served import Served
from tests.waiting import eventually

NAME = re.compile(r"zooscope_session_\d+")


def sign_in(served: Served, token: str | None = None) -> httpx.Client:
    """A browser that has signed in with a key."""
    browser = served.with_token(None)
    answer = browser.post(
        "/v1/sessions", headers={"Authorization": f"Bearer {token or served.token}"}
    )
    assert answer.status_code == 201, answer.text
    return browser


def cookie_of(answer: httpx.Response) -> SimpleCookie:
    return SimpleCookie(answer.headers["set-cookie"])


def link_token(served: Served) -> str:
    return str(served.client.post("/v1/sign-in-links").json()["url"].rpartition("/")[2])


def with_cookies(served: Served, cookies: dict[str, str]) -> httpx.Client:
    """Somebody who sends these cookies."""
    client = served.with_token(None)
    client.headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in cookies.items())
    return client


def bearer_of(client: httpx.Client) -> str:
    """The key that a client sends."""
    return client.headers["authorization"].removeprefix("Bearer ")


def from_page(served: Served) -> dict[str, str]:
    """The header that a browser adds to what the zoo's own page sends."""
    return {"Origin": served.url}


def test_a_key_becomes_a_cookie_that_no_script_can_read(served: Served):
    browser = served.with_token(None)

    answer = browser.post("/v1/sessions", headers={"Authorization": f"Bearer {served.token}"})

    (name, cookie), *others = cookie_of(answer).items()
    assert not others
    assert NAME.fullmatch(name)
    assert (cookie["httponly"], cookie["samesite"], cookie["path"]) == (True, "Strict", "/")
    assert int(cookie["max-age"]) == served.zoo.settings.session_seconds
    assert cookie.value.startswith(sessions.SESSION_PREFIX)
    assert served.token not in answer.text + answer.headers["set-cookie"]
    assert browser.get("/v1/models").status_code == 200


def test_the_cookie_is_for_encrypted_connections_only_where_a_proxy_says_so(served: Served):
    headers = {"Authorization": f"Bearer {served.token}", "X-Forwarded-Proto": "https"}

    untrusted = served.with_token(None).post("/v1/sessions", headers=headers)
    trusting = served.zoo.settings.model_copy(update={"trusted_proxies": "127.0.0.1"})
    object.__setattr__(served.zoo, "settings", trusting)
    trusted = served.with_token(None).post("/v1/sessions", headers=headers)

    assert "secure" not in untrusted.headers["set-cookie"].lower()
    assert "secure" in trusted.headers["set-cookie"].lower()


def test_whoami_names_project_key_and_scopes(served: Served):
    reader = served.with_scopes("read")

    by_key = reader.get("/v1/whoami").json()
    in_browser = sign_in(served).get("/v1/whoami").json()

    assert (by_key["project"], by_key["scopes"]) == ("default", ["read"])
    assert by_key["session_expires_at"] is None
    assert in_browser["key_name"] == "first key"
    assert set(in_browser["scopes"]) == {"admin", "operator", "read", "write", "jobs"}
    assert in_browser["session_expires_at"] is not None


@pytest.mark.parametrize("origin", [None, "http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_of_another_origin_changes_nothing_with_the_cookie(
    served: Served, origin: str | None
):
    browser = sign_in(served)
    headers = {} if origin is None else {"Origin": origin}

    answer = browser.post("/v1/uploads", json={"size": 1}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "cross_origin")
    assert browser.post("/v1/uploads", json={"size": 1}, headers=from_page(served)).is_success


def test_a_key_needs_no_origin(served: Served):
    answer = served.client.post(
        "/v1/uploads", json={"size": 1}, headers={"Origin": "http://elsewhere.example"}
    )

    assert answer.status_code == 201


def test_signing_in_never_adopts_a_token_that_the_browser_brought(served: Served):
    planted = dict(sign_in(served, bearer_of(served.with_scopes("read"))).cookies)
    victim = with_cookies(served, planted)

    answer = victim.post("/v1/sessions", headers={"Authorization": f"Bearer {served.token}"})

    new = next(iter(cookie_of(answer).values())).value
    assert new not in planted.values()
    assert with_cookies(served, planted).get("/v1/whoami").json()["scopes"] == ["read"]


def test_a_session_expires(served: Served):
    short = served.zoo.settings.model_copy(update={"session_seconds": 1.0})
    object.__setattr__(served.zoo, "settings", short)
    browser = with_cookies(served, dict(sign_in(served).cookies))

    eventually(lambda: browser.get("/v1/models").status_code == 401)

    assert browser.get("/v1/models").json()["code"] == "session_ended"


def test_signing_out_ends_the_session_at_once(served: Served):
    browser = sign_in(served)
    stolen = dict(browser.cookies)

    answer = browser.delete("/v1/sessions", headers=from_page(served))

    assert answer.status_code == 204
    assert int(next(iter(cookie_of(answer).values()))["max-age"]) == 0
    refused = with_cookies(served, stolen).get("/v1/models")
    assert (refused.status_code, refused.json()["code"]) == (401, "session_ended")


def test_a_stolen_cookie_is_worthless_once_its_key_is_revoked(served: Served):
    key = served.client.post("/v1/keys", json={"name": "desk", "scopes": ["read"]}).json()
    stolen = dict(sign_in(served, key["token"]).cookies)
    thief = with_cookies(served, stolen)
    before = thief.get("/v1/models").status_code

    served.client.delete(f"/v1/keys/{key['id']}")
    after = thief.get("/v1/models")

    assert before == 200
    assert (after.status_code, after.json()["code"]) == (401, "session_ended")


def test_a_link_signs_one_browser_in_once(served: Served):
    token = link_token(served)
    first, second = served.with_token(None), served.with_token(None)

    won = first.post("/v1/sessions", headers={"Authorization": f"Bearer {token}"})
    replayed = second.post("/v1/sessions", headers={"Authorization": f"Bearer {token}"})

    assert won.status_code == 201
    assert first.get("/v1/whoami").json()["key_name"] == "first key"
    assert (replayed.status_code, replayed.json()["code"]) == (401, "link_not_valid")
    assert second.get("/v1/models").status_code == 401


def test_a_link_does_nothing_else(served: Served):
    bearer = {"Authorization": f"Bearer {link_token(served)}"}
    holder = served.with_token(None)

    assert holder.get("/v1/models", headers=bearer).status_code == 403
    assert holder.post("/v1/sign-in-links", headers=bearer).json()["code"] == "key_required"
    assert holder.post("/v1/sessions", headers=bearer).status_code == 201


def test_a_link_expires_and_ends_with_its_key(served: Served):
    old = link_token(served)
    with served.zoo.transaction() as session:
        session.execute(
            update(SignInLinkRecord).values(
                expires_at=func.clock_timestamp() - timedelta(seconds=1)
            )
        )
    key = served.client.post("/v1/keys", json={"name": "desk", "scopes": ["read"]}).json()
    holder = served.with_token(key["token"])
    orphan = str(holder.post("/v1/sign-in-links").json()["url"].rpartition("/")[2])
    served.client.delete(f"/v1/keys/{key['id']}")

    for token in (old, orphan):
        answer = served.with_token(None).post(
            "/v1/sessions", headers={"Authorization": f"Bearer {token}"}
        )
        assert answer.json()["code"] == "link_not_valid"


def test_a_session_cannot_prolong_itself(served: Served):
    browser = sign_in(served)

    for path in ("/v1/sessions", "/v1/sign-in-links"):
        answer = browser.post(path, headers=from_page(served))
        assert (answer.status_code, answer.json()["code"]) == (403, "key_required")


def test_the_token_of_a_session_is_no_key_and_a_key_no_session(served: Served):
    browser = sign_in(served)
    ((name, token),) = dict(browser.cookies).items()

    as_key = served.with_token(token).get("/v1/models")
    as_cookie = with_cookies(served, {name: served.token}).get("/v1/models")

    assert (as_key.status_code, as_cookie.status_code) == (401, 401)


def test_ended_sessions_do_not_lock_their_address_out(served: Served):
    strict = served.zoo.settings.model_copy(update={"wrong_key_limit": "1/day"})
    object.__setattr__(served.zoo, "settings", strict)
    browser = sign_in(served)
    stale = dict(browser.cookies)
    browser.delete("/v1/sessions", headers=from_page(served))

    for _ in range(5):
        assert with_cookies(served, stale).get("/v1/models").status_code == 401

    assert sign_in(served).get("/v1/models").status_code == 200


def test_only_digests_are_stored(served: Served):
    link = link_token(served)
    token = next(iter(dict(sign_in(served).cookies).values()))

    with served.zoo.transaction() as session:
        text = session.connection().exec_driver_sql(
            "SELECT sessions::text FROM sessions UNION ALL SELECT l::text FROM sign_in_links l"
        )
        rows = list(text.scalars())

    assert len(rows) == 2
    assert all(link not in row and token not in row for row in rows)


def test_sessions_and_links_that_expired_long_ago_are_deleted(served: Served):
    sign_in(served)
    link_token(served)
    with served.zoo.transaction() as session:
        for table in (SessionRecord, SignInLinkRecord):
            session.execute(
                update(table).values(expires_at=func.clock_timestamp() - timedelta(days=8))
            )

    remove_expired(served.zoo)

    with served.zoo.transaction() as session:
        for table in (SessionRecord, SignInLinkRecord):
            assert session.scalar(select(func.count()).select_from(table)) == 0


def test_without_keys_nobody_needs_to_sign_in(served: Served):
    open_zoo = served.zoo.settings.model_copy(update={"auth": False})
    object.__setattr__(served.zoo, "settings", open_zoo)
    browser = served.with_token(None)

    assert browser.get("/v1/whoami").json()["key_id"] is None
    assert browser.post("/v1/sessions").json()["code"] == "keys_not_required"
