"""``zooscope sign-in`` and ``zooscope whoami``."""

import httpx

from tests.zooscope.cli.shells import Shell


def test_sign_in_prints_a_link_that_signs_one_browser_in(shell: Shell):
    link = shell.output("sign-in").strip()

    address, _, token = link.partition("/#/sign-in/")
    bearer = {"Authorization": f"Bearer {token}"}
    assert httpx.post(f"{address}/v1/sessions", headers=bearer).status_code == 201
    assert httpx.post(f"{address}/v1/sessions", headers=bearer).status_code == 401


def test_whoami_shows_project_and_scopes(shell: Shell):
    who = shell.json("whoami")

    assert who["project"] == "default"
    assert "admin" in who["scopes"]
    assert who["session_expires_at"] is None
