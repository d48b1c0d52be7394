"""Replaces the libraries that the page ships by other releases, or checks the committed files.

python deploy/web_libraries.py write preact@11.2.0 htm@3.1.1    (needs npm)
python deploy/web_libraries.py check
"""

import hashlib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[1] / "service" / "web" / "vendor"
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class ShippedFile:
    """A file of a package under the name that the page loads.

    ``imports`` maps names of packages to the files that stand for them: a page without a build step
    and without inline scripts has no import map, so these names are all that is rewritten.
    """

    source: str
    name: str
    imports: Mapping[str, str]

    def content(self, package: Path) -> bytes:
        """The bytes to ship."""
        text = (package / self.source).read_text()
        for library, file in self.imports.items():
            text = text.replace(f'from"{library}"', f'from"./{file}"')
        # The page ships no source maps, and a browser would ask for them.
        lines = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL")]
        return ("\n".join(lines) + "\n").encode()


FILES: Mapping[str, tuple[ShippedFile, ...]] = {
    "preact": (
        ShippedFile("dist/preact.mjs", "preact.js", {}),
        ShippedFile("hooks/dist/hooks.mjs", "preact-hooks.js", {"preact": "preact.js"}),
        ShippedFile("LICENSE", "preact.LICENSE.txt", {}),
    ),
    "htm": (
        ShippedFile("dist/htm.mjs", "htm.js", {}),
        ShippedFile("LICENSE", "htm.LICENSE.txt", {}),
    ),
}


def write(*releases: str) -> None:
    """Fetch releases such as ``htm@3.1.1`` through npm, keep what the page needs, rewrite the manifest."""
    FOLDER.mkdir(exist_ok=True)
    entries = [_fetched(release) for release in releases]
    (FOLDER / MANIFEST).write_text(json.dumps({"libraries": entries}, indent=2) + "\n")


def _fetched(release: str) -> dict[str, Any]:
    """The entry of a release in the manifest, whose files are now in the folder."""
    with tempfile.TemporaryDirectory() as folder:
        packed = json.loads(_npm("pack", "--json", release, folder=folder))[0]
        with tarfile.open(Path(folder) / packed["filename"]) as archive:
            archive.extractall(folder, filter="data")
        package = Path(folder) / "package"
        shipped = FILES[packed["name"]]
        for file in shipped:
            (FOLDER / file.name).write_bytes(file.content(package))
        return {
            "package": packed["name"],
            "version": packed["version"],
            "license": json.loads((package / "package.json").read_text())["license"],
            "integrity": packed["integrity"],
            "sha256": {file.name: _sha256(FOLDER / file.name) for file in shipped},
        }


def differences() -> Iterator[str]:
    """What the folder holds otherwise than the manifest says."""
    libraries = json.loads((FOLDER / MANIFEST).read_text())["libraries"]
    named = {name: digest for entry in libraries for name, digest in entry["sha256"].items()}
    present = {path.name for path in FOLDER.iterdir()} - {MANIFEST}
    for name in sorted(named.keys() | present):
        if name not in present:
            yield f"{name} is missing"
        elif name not in named:
            yield f"{name} is not in the manifest"
        elif _sha256(FOLDER / name) != named[name]:
            yield f"{name} was changed"


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
    problems = list(differences())
    for problem in problems:
        sys.stderr.write(
            f"{FOLDER.name}: {problem}; run `python {sys.argv[0]} write PACKAGE@VERSION …`\n"
        )
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
