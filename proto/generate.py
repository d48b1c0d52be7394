"""Writes the gRPC stubs from the ``.proto`` files, or checks that the committed ones are current.

python proto/generate.py write
python proto/generate.py check
"""

import re
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from shutil import copytree, rmtree

from grpc_tools import protoc

PROTO = Path(__file__).resolve().parent
STUBS = PROTO.parent / "service" / "rpc" / "stubs"
PACKAGE = "service.rpc.stubs"
_DOCSTRING = '"""Generated from proto/ by `make proto`; never edited."""\n'


def generate(folder: Path) -> None:
    """Make ``folder`` a package of the stubs, importable as ``PACKAGE``."""
    folder.mkdir()
    _run_protoc("*.proto", f"--python_out={folder}", f"--pyi_out={folder}")
    _run_protoc("*_service.proto", f"--grpc_python_out={folder}")
    for path in [*folder.rglob("*.py"), *folder.rglob("*.pyi")]:
        path.write_text(_importable(path.read_text()))
    for package in [folder, *(path for path in folder.rglob("*") if path.is_dir())]:
        (package / "__init__.py").write_text(_DOCSTRING)


def _run_protoc(sources: str, *outputs: str) -> None:
    """Let protoc read the files that fit the pattern ``sources``; end when it refuses them."""
    known_types = files("grpc_tools") / "_proto"
    paths = sorted(str(path) for path in PROTO.rglob(sources))
    if protoc.main(
        ["protoc", f"--proto_path={PROTO}", f"--proto_path={known_types}", *outputs, *paths]
    ):
        sys.exit("protoc refused the .proto files, see above")


def _importable(source: str) -> str:
    """Undo that protoc writes ``from zoo.v1 import …``, which exists only below our package."""
    return re.sub(r"^from zoo\.", f"from {PACKAGE}.zoo.", source, flags=re.MULTILINE)


def _contents(folder: Path) -> dict[str, bytes]:
    """Every generated file of a folder by its path."""
    paths = [path for path in folder.rglob("*") if path.suffix in {".py", ".pyi"}]
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def write() -> None:
    """Replace the committed stubs."""
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name) / "stubs")
        rmtree(STUBS, ignore_errors=True)
        copytree(Path(name) / "stubs", STUBS)


def check() -> None:
    """End with an error when the committed stubs are not those of the ``.proto`` files."""
    with tempfile.TemporaryDirectory() as name:
        generate(Path(name) / "stubs")
        fresh, committed = _contents(Path(name) / "stubs"), _contents(STUBS)
    names = fresh.keys() | committed.keys()
    stale = sorted(name for name in names if fresh.get(name) != committed.get(name))
    if stale:
        sys.exit(f"stubs are not up to date: {', '.join(stale)}; run `make proto`")


if __name__ == "__main__":
    {"write": write, "check": check}[sys.argv[1] if len(sys.argv) > 1 else "check"]()
