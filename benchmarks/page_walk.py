"""A newcomer's walk over the page, from the link alone to a student, and the clicks that it takes.

    python -m benchmarks.page_walk LINK FOLDER

LINK is a one-time link of ``zooscope sign-in``; FOLDER holds a network with its manifest
(``digits-mlp.pt2``) and labeled images (``target.zip``), as the demo leaves them. Files are chosen
in a dialog of the browser, which costs the click that opens it; dropped files need none.
"""

import argparse
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

MODEL = "digits-mlp"
IMAGES = "target.zip"
STEPS = 30
_PATIENCE_MS = 300_000


@dataclass
class Newcomer:
    """Somebody at the page, and what they have clicked and typed."""

    page: Any
    clicks: list[str] = field(default_factory=list)
    typed: list[str] = field(default_factory=list)

    def click(self, role: str, name: str, *, exact: bool = True, inside: Any = None) -> None:
        """Click the button or link with a name."""
        where = self.page if inside is None else inside
        where.get_by_role(role, name=name, exact=exact).first.click()
        self.clicks.append(name)

    def choose(self, *files: Path) -> None:
        """Choose files in the dialog of the browser."""
        with self.page.expect_file_chooser() as chooser:
            self.click("button", "Add a model or images")
        chooser.value.set_files(files)

    def fill(self, label: str, text: str) -> None:
        """Type into a field."""
        self.page.get_by_label(label).first.fill(text)
        self.typed.append(label)

    def see(self, text: str) -> None:
        """Wait for a text."""
        self.page.get_by_text(text).filter(visible=True).first.wait_for()


def walk(newcomer: Newcomer, link: str, folder: Path) -> None:
    """From the link to a student."""
    page = newcomer.page
    page.goto(link)
    page.get_by_role("heading", name="Zoo", exact=True).wait_for()
    dialog = page.get_by_role("dialog")
    newcomer.choose(folder / f"{MODEL}.pt2", folder / f"{MODEL}.manifest.json")
    dialog.wait_for()
    newcomer.click("button", "Add", inside=dialog)
    newcomer.see("The model is ready")
    newcomer.click("button", "Close", inside=dialog)
    newcomer.choose(folder / IMAGES)
    newcomer.click("button", "Add", inside=dialog)
    newcomer.see("The dataset is ready")
    newcomer.click("link", "Open ", exact=False, inside=dialog)
    newcomer.click("link", "Rank networks for it")
    newcomer.see("Cost")
    newcomer.click("button", "Rank ", exact=False)
    newcomer.see("Start from")
    newcomer.click("button", "Distill it")
    newcomer.fill("Steps", str(STEPS))
    newcomer.click("button", "Run")
    newcomer.see("Inputs and parameters")
    newcomer.click("link", "Open the model")
    newcomer.see("Where it looks")


def main() -> None:
    """Walk, and print every click."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("link")
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_context().new_page()
        page.set_default_timeout(_PATIENCE_MS)
        newcomer = Newcomer(page)
        try:
            walk(newcomer, options.link, options.folder)
        finally:
            print(f"{len(newcomer.clicks)} clicks: {', '.join(newcomer.clicks)}")
            print(f"typed into: {', '.join(newcomer.typed) or 'nothing'}")
            print(f"ended at {page.url}")


if __name__ == "__main__":
    main()
