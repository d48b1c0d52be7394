"""The pages for a browser work without any other host, under a policy that refuses one."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.docs.loads import Page, elsewhere, loads_of_css
from tests.rest.served import Served

ROOT = Path(__file__).parents[2]
PAGES = ("/", "/docs")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_PATH = re.compile(r'data-path="([^"]+)"')


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_what_the_same_server_answers(shared: Served, path: str):
    client = shared.with_token(None)

    page = Page(client.get(path).text)

    assert page.loads
    assert elsewhere(page.loads) == []
    for address in page.loads:
        answer = client.get(urljoin(path, address))
        assert answer.status_code == 200, address
        if address.endswith(".css"):
            assert elsewhere(loads_of_css(answer.text)) == []


@pytest.mark.parametrize("path", PAGES)
def test_a_page_refuses_other_hosts_and_needs_no_inline_script_or_style(shared: Served, path: str):
    answer = shared.with_token(None).get(path)

    policy = answer.headers["content-security-policy"].split("; ")
    assert policy[0] == "default-src 'self'"
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "http" not in answer.headers["content-security-policy"]
    assert Page(answer.text).inline == []


def test_every_link_of_the_front_page_answers(shared: Served):
    client = shared.with_token(None)

    links = Page(client.get("/").text).links

    assert {
        urljoin("/", link): client.get(urljoin("/", link)).status_code for link in links
    } == dict.fromkeys(("/docs", "/openapi.json", "/readyz", "/metrics"), 200)


def test_the_pages_that_the_framework_takes_from_elsewhere_are_off(shared: Served):
    assert shared.client.get("/redoc").status_code == 404


def test_swagger_ui_is_the_release_that_its_manifest_names():
    checked = subprocess.run(
        [sys.executable, ROOT / "deploy" / "swagger_ui.py", "check"],
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stderr


@pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
def test_a_browser_without_internet_shows_every_call(shared: Served, tmp_path: Path):
    paths = shared.client.get("/openapi.json").json()["paths"]
    calls = {(method, path) for path, methods in paths.items() for method in methods}

    shown = subprocess.run(
        [
            str(BROWSER), "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--enable-logging=stderr",
            "--virtual-time-budget=20000", "--dump-dom", f"{shared.url}/docs",
        ],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip

    blocks = shown.stdout.split('class="opblock opblock-')[1:]
    assert {(block.partition('"')[0], _PATH.findall(block)[0]) for block in blocks} == calls
    assert "Content Security Policy" not in shown.stderr, shown.stderr
