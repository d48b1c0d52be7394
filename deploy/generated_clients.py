"""Checks that clients generated from the OpenAPI document compile, in TypeScript and in Python.

python deploy/generated_clients.py

The generators are installed into a folder of the environment, with the versions below. Without node,
or without an answer of a package index, a client is not checked, and the output says so.
"""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import rest_page
from install import NO_ANSWER, ROOT

TOOLS = ROOT / ".venv" / "client-generators"
TYPESCRIPT = "typescript@5.9.3"
NODE_PACKAGES = ("openapi-typescript@7.13.0", "openapi-fetch@0.17.0", TYPESCRIPT)
PYTHON_PACKAGES = ("openapi-python-client==0.29.1", "mypy==2.4.1")
USAGE = """import createClient from "openapi-fetch";
import type { paths } from "./schema";

const zoo = createClient<paths>({ baseUrl: "http://127.0.0.1:8080" });

export async function names(): Promise<string[]> {
  const { data, error } = await zoo.GET("/v1/models", {
    params: { query: { sort: "name", include: ["total"] } },
  });
  if (error) throw new Error(error.code);
  return data.items.map((model) => model.name);
}

export async function rank(dataset: string): Promise<number | undefined> {
  const { data } = await zoo.POST("/v1/rankings", {
    body: { target: { dataset_id: dataset }, metric: "logme" },
  });
  return data?.items[0]?.score;
}
"""
_OPTIONS = {
    "strict": True,
    "noEmit": True,
    "target": "es2022",
    "lib": ["es2022", "dom"],
    "module": "esnext",
    "moduleResolution": "bundler",
}
_NODE_NO_ANSWER = r"ENOTFOUND|ETIMEDOUT|ECONNREFUSED|ECONNRESET|EAI_AGAIN|E404|network"
_LAST_LINES = 30


class NotCheckedError(Exception):
    """A client cannot be checked here; the text says why."""


class BrokenClientError(Exception):
    """A generated client does not compile; the text is the tool's output."""


def main() -> int:
    """Check both clients; 1 if one of them does not compile."""
    document = json.dumps(rest_page.document())
    status = 0
    for name, check in (("TypeScript", check_typescript), ("Python", check_python)):
        status |= _reported(name, check, document)
    return status


def _reported(name: str, check: Callable[[Path], None], document: str) -> int:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "openapi.json"
        path.write_text(document)
        try:
            check(path)
        except NotCheckedError as reason:
            sys.stdout.write(f"client in {name}: not checked: {reason}\n")
            return 0
        except BrokenClientError as error:
            lines = str(error).strip().splitlines()[-_LAST_LINES:]
            sys.stdout.write("\n".join([f"client in {name}: DOES NOT COMPILE", *lines, ""]))
            return 1
    sys.stdout.write(f"client in {name}: ok\n")
    return 0


def check_typescript(document: Path) -> None:
    """Generate types from the document, and compile a program that uses them.

    Raises:
        NotCheckedError: There is no node, or the registry does not answer.
        BrokenClientError: It does not compile.
    """
    modules = install_node_packages("node", NODE_PACKAGES)
    project = document.parent
    (project / "node_modules").symlink_to(modules)
    (project / "client.ts").write_text(USAGE)
    settings = {"compilerOptions": _OPTIONS, "files": ["client.ts", "schema.d.ts"]}
    (project / "tsconfig.json").write_text(json.dumps(settings))
    binaries = modules / ".bin"
    # A field with a default may be left out of a request.
    options = ["--default-non-nullable=false", "-o", "schema.d.ts"]
    run([str(binaries / "openapi-typescript"), document.name, *options], project)
    run([str(binaries / "tsc"), "--project", "."], project)


def install_node_packages(folder: str, packages: Sequence[str]) -> Path:
    """The folder ``node_modules`` that holds these packages.

    Raises:
        NotCheckedError: There is no node, or the registry does not answer.
    """
    npm = shutil.which("npm")
    if npm is None:
        raise NotCheckedError("this machine has no node")
    tools = TOOLS / folder
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", str(tools), *packages]
    _install(tools, packages, command, no_answer=_NODE_NO_ANSWER)
    return tools / "node_modules"


def check_python(document: Path) -> None:
    """Generate a client from the document, and check its types.

    Raises:
        NotCheckedError: The index does not answer.
        BrokenClientError: It does not compile.
    """
    tools = TOOLS / "python"
    python = tools / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    _install(
        tools,
        PYTHON_PACKAGES,
        [str(python), "-m", "pip", "install", "--no-input", *PYTHON_PACKAGES],
        no_answer=NO_ANSWER,
    )
    generate = [str(tools / "bin" / "openapi-python-client"), "generate", "--meta", "none"]
    project = document.parent
    run([*generate, "--path", document.name, "--output-path", "zoo_client"], project)
    _require_every_operation(document, project / "zoo_client" / "api")
    run([str(python), "-m", "compileall", "-q", "zoo_client"], project)
    run([str(python), "-m", "mypy", "zoo_client"], project)


def _require_every_operation(document: Path, folder: Path) -> None:
    """Require a module for every operation id.

    The generator knows no images and no lines of JSON; it leaves out such answers, not the calls.

    Raises:
        BrokenClientError: The generator has skipped a call.
    """
    paths = json.loads(document.read_text())["paths"].values()
    ids = {operation["operationId"] for methods in paths for operation in methods.values()}
    skipped = ids - {module.stem for module in folder.rglob("*.py")}
    if skipped:
        raise BrokenClientError(f"skipped: {', '.join(sorted(skipped))}")


def _install(
    folder: Path, packages: Sequence[str], command: Sequence[str], *, no_answer: str
) -> None:
    """Run the command unless these packages are already in the folder.

    Raises:
        NotCheckedError: The index does not answer.
    """
    stamp = folder / "packages.json"
    if stamp.exists() and json.loads(stamp.read_text()) == list(packages):
        return
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 and re.search(no_answer, done.stdout + done.stderr):
        raise NotCheckedError("the package index does not answer")
    if done.returncode != 0:
        raise BrokenClientError(done.stdout + done.stderr)
    stamp.write_text(json.dumps(list(packages)))


def run(command: Sequence[str], folder: Path) -> str:
    """What a tool prints. Raises BrokenClientError if it fails."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BrokenClientError(done.stdout + done.stderr)
    return done.stdout + done.stderr


if __name__ == "__main__":
    raise SystemExit(main())
