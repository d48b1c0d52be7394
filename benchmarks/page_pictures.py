"""The pictures of the page in the documentation, and what its views cost a browser.

    python -m benchmarks.page_pictures URL KEY [--folder docs/pictures] [--json results.json]

URL and KEY are those of a running demo; the browser is the distribution's Chromium. Every view is
drawn, those that open a section of the guide light and dark. The figures are the requests of each
view, opened in a new browser without a cache, the time until it shows what it is for, and the weight
of all files of the page with gzip.
"""

import argparse
import gzip
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.documentation_pictures import PROBES, STUDENT, TARGET
from zooscope import ZooClient

WEB = Path(__file__).parents[1] / "service" / "web"
SIZE = {"width": 1280, "height": 860}
NARROW = {"width": 360, "height": 740}
_WAIT_MS = 120_000
_LOOK_MS = 250
_QUIET_LOOKS = 3
_MOST_LOOKS = 240
MEASURED = 6
"""Images on which the page shows heat maps; beyond them, how it offers to measure."""
_NOT_SENT = {".txt", ".json"}


@dataclass(frozen=True)
class View:
    """A view of the page: its address, the text that shows that it is there, and where to scroll."""

    name: str
    path: str
    text: str
    both_themes: bool = False
    scroll_to: str | None = None


@dataclass(frozen=True)
class ViewCost:
    """What opening a view costs: requests, those to the API among them, and seconds until it shows."""

    view: str
    requests: int
    api_requests: int
    seconds: float


def views(zoo: ZooClient) -> list[View]:
    """Every view, on the things of the demo."""
    probes = next(item["id"] for item in zoo.datasets.ls(name=PROBES) if item["name"] == PROBES)
    target = next(item["id"] for item in zoo.datasets.ls(name=TARGET))
    student = next(zoo.models.ls(name=STUDENT))
    ranking = zoo.rank(probes=probes, dataset=target, metric="depara")
    best = [item["model_id"] for item in ranking["items"][:3]]
    zoo.attributions.create(best, dataset_id=probes, indices=range(MEASURED), style="overlay")
    zoo.maps.show(probes, linkage="average")
    selection = zoo.layers.select(best[0], dataset=target, probes=probes)
    return [
        View("zoo", "models", STUDENT, both_themes=True),
        View("model", f"models/{best[0]}?probes={probes}", "Where it looks", both_themes=True),
        View("try", f"models/{best[0]}?part=try", "Drop an image"),
        View("model-layers", f"models/{best[0]}?part=layers", "order of execution"),
        View("neighbors", f"models/{best[0]}?part=neighbors&probes={probes}", "Affinity"),
        View("lineage", f"models/{student['id']}?part=lineage", "knowledge distillation"),
        View("use", f"models/{best[0]}?part=use", "torch.export.load"),
        View("rank", f"rank?dataset={target}&probes={probes}&metric=depara", "Cost"),
        View("ranking", f"rankings/{ranking['id']}", "Start from", both_themes=True),
        View("map", f"map?dataset={probes}&linkage=average", "Stress", both_themes=True),
        View("layers", f"layers/{selection['id']}", "Cut at"),
        View("concepts", f"concepts?probes={probes}", "Images of the concept"),
        View("datasets", "datasets", PROBES),
        View("dataset", f"datasets/{probes}", "Images"),
        View("jobs", "jobs", "knowledge distillation"),
        View("job", f"jobs/{student['job_id']}", "Inputs and parameters"),
        View("new-job", "jobs/new?method=knowledge_distillation", "Teachers"),
        View(
            "compare",
            f"compare?models={','.join(best)}&probes={probes}",
            "How near they are",
            scroll_to="Where they look",
        ),
        View("keys", "keys", "yours"),
    ]


@dataclass(frozen=True)
class Visit:
    """A view as it was shown once, and what that cost."""

    picture: bytes
    cost: ViewCost


class ZooPage:
    """The page of a zoo in a browser."""

    def __init__(self, browser: Browser, url: str, key: str) -> None:
        self._browser = browser
        self._url = url
        self._key = key

    def visit(self, view: View, look: Mapping[str, Any]) -> Visit:
        """The view in a new browser, as far as the window shows it."""
        context = self._signed_in(look)
        page = context.new_page()
        addresses: list[str] = []
        page.on("request", lambda request: addresses.append(request.url))
        open_requests = _open_requests(page)
        began = time.perf_counter()
        page.goto(f"{self._url}/#/{view.path}")
        page.get_by_text(view.text).filter(visible=True).first.wait_for(timeout=_WAIT_MS)
        seconds = round(time.perf_counter() - began, 3)
        page.wait_for_load_state("load")
        if view.scroll_to is not None:
            heading = page.get_by_role("heading", name=view.scroll_to)
            heading.evaluate("(node) => scrollTo(0, node.getBoundingClientRect().top - 90)")
        _wait_until_quiet(page, open_requests)
        picture = page.screenshot()
        context.close()
        to_api = [address for address in addresses if "/v1/" in address]
        return Visit(picture, ViewCost(view.name, len(addresses), len(to_api), seconds))

    def _signed_in(self, look: Mapping[str, Any]) -> BrowserContext:
        context = self._browser.new_context(**look)
        answer = context.request.post(
            f"{self._url}/v1/sessions", headers={"Authorization": f"Bearer {self._key}"}
        )
        assert answer.ok, answer.text()
        return context


def _open_requests(page: Any) -> set[Any]:
    """The requests of a page that are not answered yet, but for its stream of events."""
    waiting: set[Any] = set()

    def begin(request: Any) -> None:
        if not request.url.endswith("/v1/events"):
            waiting.add(request)

    def end(request: Any) -> None:
        waiting.discard(request)

    for event, note in (("request", begin), ("requestfinished", end), ("requestfailed", end)):
        page.on(event, note)
    return waiting


def _wait_until_quiet(page: Any, waiting: set[Any]) -> None:
    """Wait until nothing has been on its way for a moment, and what came is drawn."""
    quiet = 0
    for _ in range(_MOST_LOOKS):
        page.wait_for_timeout(_LOOK_MS)
        quiet = 0 if waiting else quiet + 1
        if quiet >= _QUIET_LOOKS:
            break
    page.evaluate("Promise.allSettled([...document.images].map((image) => image.decode()))")
    page.wait_for_timeout(_LOOK_MS)


def weight_bytes() -> int:
    """The bytes of all files of the page, each packed with gzip."""
    files = [path for path in WEB.rglob("*") if path.is_file() and path.suffix not in _NOT_SENT]
    return sum(len(gzip.compress(path.read_bytes(), mtime=0)) for path in files)


def drawn(page: ZooPage, all_views: list[View], folder: Path) -> Iterator[ViewCost]:
    """Draw every view; what each cost in its light variant."""
    for view in all_views:
        for theme in ("light", "dark") if view.both_themes else ("light",):
            suffix = f"-{theme}" if view.both_themes else ""
            path = folder / f"page-{view.name}{suffix}.png"
            visit = page.visit(view, {"viewport": SIZE, "color_scheme": theme})
            path.write_bytes(visit.picture)
            print(f"{path.name}  {len(visit.picture) / 1000:.0f} kB", flush=True)
            if theme == "light":
                print(visit.cost, flush=True)
                yield visit.cost


def main() -> None:
    """Draw the pictures and print what the views cost."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("url")
    parser.add_argument("key")
    parser.add_argument("--folder", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--narrow", type=Path, help="also draw every view dark, 360 pixels wide")
    parser.add_argument("--only", nargs="*", help="names of the views to draw; all by default")
    parser.add_argument("--json", type=Path, help="write the figures there")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with ZooClient(options.url, key=options.key) as zoo:
        all_views = [
            view for view in views(zoo) if options.only is None or view.name in options.only
        ]
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        page = ZooPage(browser, options.url, options.key)
        costs = list(drawn(page, all_views, options.folder))
        for view in all_views if options.narrow else ():
            look = {"viewport": NARROW, "color_scheme": "dark"}
            options.narrow.mkdir(parents=True, exist_ok=True)
            (options.narrow / f"{view.name}.png").write_bytes(page.visit(view, look).picture)
    figures = {"weight_gzip_bytes": weight_bytes(), "views": [asdict(cost) for cost in costs]}
    text = json.dumps(figures, indent=2)
    print(text)
    if options.json:
        options.json.write_text(text + "\n")


if __name__ == "__main__":
    main()
