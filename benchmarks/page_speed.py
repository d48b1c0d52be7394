"""How long the page takes to show the zoo, beside a page of a few lines from the same server.

A private Postgres, the real service and ten thousand models; the distribution's Chromium. Visits
alternate: the page in a new browser, the page again in the same browser, and a style sheet shown as text,
which runs no script. The page is there when the first row of its table is.

    python -m benchmarks.page_speed [--networks 10000] [--visits 11] [--folder DIR]

Writes docs/results/page_speed.json.
"""

import argparse
import json
import os
import shutil
import statistics
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks import scale
from benchmarks.page_pictures import weight_bytes
from benchmarks.real_run import environment
from benchmarks.scale import RESULTS, ROOT
from benchmarks.zoo_scale import filling

ROW = ".zoo-table tbody tr"
_WAIT_MS = 120_000
# Notes when the first row appears, and the longest task until then.
_OBSERVERS = f"""
globalThis.shownAt = null;
globalThis.longest = 0;
new PerformanceObserver((list) => {{
  for (const task of list.getEntries()) globalThis.longest = Math.max(globalThis.longest, task.duration);
}}).observe({{ type: "longtask", buffered: true }});
new MutationObserver(() => {{
  if (globalThis.shownAt === null && document.querySelector("{ROW}")) globalThis.shownAt = performance.now();
}}).observe(document, {{ childList: true, subtree: true }});
"""
_FIGURES = """
() => {
  const loads = performance.getEntriesByType("resource").filter((load) => !load.name.endsWith("/v1/events"));
  return {
    requests: loads.length + 1,
    api_requests: loads.filter((load) => load.name.includes("/v1/")).length,
    bytes: loads.reduce((sum, load) => sum + load.transferSize, performance.getEntriesByType("navigation")[0].transferSize),
    milliseconds: globalThis.shownAt,
    longest_task_milliseconds: globalThis.longest,
  };
}
"""
_LOADED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"


def main() -> None:
    """Measure, print and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--networks", type=int, default=10_000)
    parser.add_argument("--visits", type=int, default=11)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="zoo-page-", dir=options.folder) as folder,
        scale.synthetic_zoo(Path(folder), [], 0) as cluster,
    ):
        filling.add_models(cluster.connection, range(options.networks))
        figures = {
            "surroundings": environment.describe(ROOT),
            "networks": options.networks,
            "visits": options.visits,
            "weight_gzip_bytes": weight_bytes(),
            **measured(str(cluster.client.base_url), cluster.client.headers, options.visits),
        }
    text = json.dumps(figures, indent=1)
    (RESULTS / "page_speed.json").write_text(text + "\n")
    print(text)


def measured(url: str, headers: Any, visits: int) -> dict[str, Any]:
    """Medians over the visits, and the ratios of the page to the text of the same round."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    new, again, texts = [], [], []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        for _ in range(visits):
            texts.append(_text_milliseconds(browser, url))
            context = _signed_in(browser, url, headers["Authorization"])
            new.append(_visit(context, url))
            again.append(_visit(context, url))
            context.close()
    ratios = [visit["milliseconds"] / text for visit, text in zip(new, texts, strict=True)]
    return {
        "text_milliseconds": statistics.median(texts),
        "new_browser": _medians(new),
        "same_browser_again": _medians(again),
        "ratio_to_text": statistics.median(ratios),
    }


def _medians(visits: list[dict[str, float]]) -> dict[str, float]:
    return {name: statistics.median(visit[name] for visit in visits) for name in visits[0]}


def _signed_in(browser: Browser, url: str, authorization: str) -> BrowserContext:
    context = browser.new_context()
    answer = context.request.post(f"{url}/v1/sessions", headers={"Authorization": authorization})
    assert answer.ok, answer.text()
    return context


def _visit(context: BrowserContext, url: str) -> dict[str, float]:
    """What one visit to the zoo costs."""
    page = context.new_page()
    page.add_init_script(_OBSERVERS)
    session = context.new_cdp_session(page)
    session.send("Performance.enable")
    page.goto(f"{url}/#/models")
    page.locator(ROW).first.wait_for(timeout=_WAIT_MS)
    figures: dict[str, float] = page.evaluate(_FIGURES)
    metrics = session.send("Performance.getMetrics")["metrics"]
    seconds = next(item["value"] for item in metrics if item["name"] == "ScriptDuration")
    page.close()
    return {**figures, "script_milliseconds": 1000 * seconds}


def _text_milliseconds(browser: Browser, url: str) -> float:
    """Until a few lines of text are loaded, in a new browser."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{url}/static/pages.css", wait_until="load")
    milliseconds: float = page.evaluate(_LOADED)
    context.close()
    return milliseconds


if __name__ == "__main__":
    main()
