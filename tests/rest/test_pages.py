"""The pages for a browser work without any other host, under a policy that refuses one."""

import gzip
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urljoin

import pytest

from tests.docs.loads import PageLoads, elsewhere, loads_of_css
from tests.rest.served import Served, client_of, serving
from tests.waiting import HANG_SECONDS

ROOT = Path(__file__).parents[2]
WEB = ROOT / "service" / "web"
MOST_BYTES = 600_000
PAGES = ("/", "/docs")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
_IMPORT = re.compile(r'^(?:im|ex)port\b[^;]*?from\s?"([^"]+)"', re.MULTILINE)
_PATH = re.compile(r'data-path="([^"]+)"')


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_only_what_the_same_server_answers(shared: Served, path: str):
    client = shared.with_token(None)

    page = PageLoads(client.get(path).text)

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
    assert PageLoads(answer.text).inline == []


def test_every_link_of_the_front_page_answers(shared: Served):
    client = shared.with_token(None)

    links = PageLoads(client.get("/").text).links

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


def test_the_libraries_of_the_page_are_the_releases_that_their_manifest_names():
    checked = subprocess.run(
        [sys.executable, ROOT / "deploy" / "web_libraries.py", "check"],
        capture_output=True,
        text=True,
    )

    assert checked.returncode == 0, checked.stderr


def test_the_page_with_all_its_views_is_light():
    files = [path for path in WEB.rglob("*") if path.is_file()]

    weight = sum(len(gzip.compress(path.read_bytes())) for path in files)

    assert len(files) > 30
    assert weight <= MOST_BYTES, f"{weight} bytes"


def imported_by(module: Path, modules: dict[Path, None]) -> dict[Path, None]:
    """The modules that a module imports before it runs, directly or not."""
    if module not in modules:
        modules[module] = None
        for address in _IMPORT.findall(module.read_text()):
            imported_by((module.parent / address).resolve(), modules)
    return modules


def test_the_page_asks_for_all_modules_of_its_first_view_at_once():
    first = imported_by(WEB / "js" / "main.js", {})
    first = imported_by(WEB / "js" / "views" / "zoo.js", first)

    loads = PageLoads((WEB / "index.html").read_text()).loads

    named = {f"web/{module.relative_to(WEB)}" for module in first}
    assert named == {load for load in loads if load.endswith(".js")} - {"web/js/early_theme.js"}


def test_a_page_is_checked_before_it_is_used_again_and_its_parts_are_kept(shared: Served):
    client = shared.with_token(None)
    front = client.get("/")

    part = client.get(main_of(front.text))

    for path in ("/", "/static/docs.js"):
        assert client.get(path).headers["cache-control"] == "no-cache"
    assert client.get("/", headers={"If-None-Match": front.headers["etag"]}).status_code == 304
    assert part.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert part.headers["content-encoding"] == "gzip"
    assert part.content == (WEB / "js" / "main.js").read_bytes()


def test_a_part_of_another_version_is_not_there(shared: Served):
    client = shared.with_token(None)
    version = main_of(client.get("/").text).split("/")[2]

    other = "0" * len(version)

    for path in (f"/web/{other}/js/main.js", "/web/js/main.js", f"/web/{version}/../settings.py"):
        assert client.get(path).status_code == 404


def main_of(front: str) -> str:
    """The path of the page's first module."""
    return next("/" + load for load in PageLoads(front).loads if load.endswith("/main.js"))


ANSWERS = (
    "/",
    "/docs",
    "/static/docs.js",
    "/v1/models",
    "/v1/models/mdl_0",
    "/nothing",
    "/metrics",
)


@pytest.mark.parametrize("path", ANSWERS)
def test_every_answer_tells_a_browser_what_it_may_do(shared: Served, path: str):
    headers = shared.client.get(path).headers

    assert headers["content-security-policy"].startswith("default-src 'self'")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "strict-transport-security" not in headers


def test_behind_tls_a_browser_stays_with_tls(served: Served):
    trusting = served.zoo.settings.model_copy(update={"trusted_proxies": "127.0.0.1"})
    object.__setattr__(served.zoo, "settings", trusting)
    with serving(served.zoo) as url, client_of(url) as client:
        answer = client.get("/", headers={"X-Forwarded-Proto": "https"})

    assert answer.headers["strict-transport-security"] == "max-age=31536000"


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
        capture_output=True, text=True, timeout=HANG_SECONDS,
    )  # fmt: skip

    blocks = shown.stdout.split('class="opblock opblock-')[1:]
    assert {(block.partition('"')[0], _PATH.findall(block)[0]) for block in blocks} == calls
    assert "Content Security Policy" not in shown.stderr, shown.stderr
