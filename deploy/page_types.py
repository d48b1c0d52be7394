"""Checks the types of the page's scripts, which their comments (JSDoc) state.

python deploy/page_types.py

The compiler and the types of the vendored libraries are installed into a folder of the environment.
Without node, or without an answer of a package index, nothing is checked, and the output says so.
"""

import json
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from generated_clients import (
    TYPESCRIPT,
    BrokenClientError,
    NotCheckedError,
    install_node_packages,
    run,
)
from install import ROOT

WEB = ROOT / "service" / "web"
_OPTIONS = {
    "allowJs": True,
    "checkJs": True,
    "noEmit": True,
    "target": "es2024",
    "lib": ["es2024", "dom", "dom.iterable", "dom.asynciterable"],
    "module": "esnext",
    "moduleResolution": "bundler",
    "noFallthroughCasesInSwitch": True,
    "noImplicitThis": True,
    "strictBindCallApply": True,
    "strictFunctionTypes": True,
}
# The vendored files hold no types; those of the packages stand in for them.
_VENDORED = {
    "preact": 'export * from "preact";\n',
    "preact-hooks": 'export * from "preact/hooks";\n',
    "htm": 'export { default } from "htm";\n',
}


def main() -> int:
    """Check the scripts; 1 if one of them does not fit its types."""
    try:
        check()
    except NotCheckedError as reason:
        sys.stdout.write(f"types of the page: not checked: {reason}\n")
        return 0
    except BrokenClientError as error:
        sys.stdout.write(f"types of the page: WRONG\n{error}\n")
        return 1
    sys.stdout.write("types of the page: ok\n")
    return 0


def check() -> None:
    """Compile the scripts without output.

    Raises:
        NotCheckedError: There is no node, or the registry does not answer.
        BrokenClientError: They do not fit their types.
    """
    modules = install_node_packages("page", (TYPESCRIPT, *_libraries()))
    with TemporaryDirectory() as name:
        project = Path(name)
        (project / "node_modules").symlink_to(modules)
        (project / "js").symlink_to(WEB / "js")
        (project / "vendor").mkdir()
        for library, types in _VENDORED.items():
            (project / "vendor" / f"{library}.d.ts").write_text(types)
        settings = {
            "compilerOptions": {**_OPTIONS, "preserveSymlinks": True},
            "include": ["js/**/*.js"],
        }
        (project / "tsconfig.json").write_text(json.dumps(settings))
        run([str(modules / ".bin" / "tsc"), "--project", "."], project)


def _libraries() -> list[str]:
    """The packages that the page has vendored, with their versions."""
    manifest = json.loads((WEB / "vendor" / "manifest.json").read_text())
    return [f"{item['package']}@{item['version']}" for item in manifest["libraries"]]


if __name__ == "__main__":
    raise SystemExit(main())
