"""Replaces the Swagger UI that the service ships by another release, or checks the committed files.

python deploy/swagger_ui.py write 5.35.0    (needs npm)
python deploy/swagger_ui.py check
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "service" / "rest" / "pages" / "swagger-ui"
MANIFEST = "manifest.json"
PACKAGE = "swagger-ui-dist"
FILES = (
    "LICENSE",
    "NOTICE",
    "favicon-32x32.png",
    "swagger-ui-bundle.js",
    "swagger-ui-bundle.js.LICENSE.txt",
    "swagger-ui.css",
)


def write(version: str) -> None:
    """Fetch a release through npm, keep what a page needs, and rewrite the manifest."""
    with tempfile.TemporaryDirectory() as folder:
        packed = json.loads(_npm("pack", "--json", f"{PACKAGE}@{version}", folder=folder))[0]
        with tarfile.open(Path(folder) / packed["filename"]) as archive:
            archive.extractall(folder, filter="data")
        package = Path(folder) / "package"
        FOLDER.mkdir(exist_ok=True)
        for name in FILES:
            (FOLDER / name).write_bytes((package / name).read_bytes())
        manifest = {
            "package": PACKAGE,
            "version": packed["version"],
            "license": json.loads((package / "package.json").read_text())["license"],
            "integrity": packed["integrity"],
            "sha256": {name: _sha256(FOLDER / name) for name in FILES},
        }
    (FOLDER / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")


def differences() -> list[str]:
    """What the folder holds otherwise than the manifest says; empty when all is as released."""
    manifest: Mapping[str, Any] = json.loads((FOLDER / MANIFEST).read_text())
    named = manifest["sha256"]
    present = {path.name for path in FOLDER.iterdir()} - {MANIFEST}
    missing = [f"{name} is missing" for name in sorted(named.keys() - present)]
    extra = [f"{name} is not in the manifest" for name in sorted(present - named.keys())]
    changed = [
        f"{name} was changed"
        for name in sorted(named.keys() & present)
        if _sha256(FOLDER / name) != named[name]
    ]
    return [*missing, *extra, *changed]


def _npm(*arguments: str, folder: str) -> str:
    done = subprocess.run(
        ["npm", *arguments], cwd=folder, check=True, stdout=subprocess.PIPE, text=True
    )
    return done.stdout


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def main(action: str, *words: str) -> int:
    """Run the action; the exit status."""
    if action == "write":
        write(*words)
        return 0
    for difference in differences():
        sys.stderr.write(
            f"{FOLDER.name}: {difference}; run `python {sys.argv[0]} write VERSION`\n"
        )
    return 1 if differences() else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
