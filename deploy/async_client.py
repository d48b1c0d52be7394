"""The asynchronous client, from the sources of the client: the same methods, to be awaited."""

import ast
import builtins
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "zooscope" / "client"
MODULE = FOLDER / "async_client.py"
TOP = '''"""The client for programs with an event loop: each method is that of ``ZooClient``, to be awaited.

Generated from the client by `deploy/async_client.py`.
"""
'''
_BUILTINS = frozenset(vars(builtins))


@dataclass(frozen=True)
class ClientModule:
    """A module of the client: its name, its syntax tree, and how its names are imported."""

    name: str
    tree: ast.Module

    @property
    def origins(self) -> Mapping[str, str]:
        """The import statement for each name that is imported or defined here."""
        here = {
            name: f"from {self.name} import {name}"
            for node in self.tree.body
            for name in _defined(node)
        }
        imports = (node for node in self.tree.body if isinstance(node, ast.ImportFrom))
        return here | {
            alias.asname or alias.name: f"from {node.module} import {ast.unparse(alias)}"
            for node in imports
            for alias in node.names
        }


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign):
        yield from (target.id for target in node.targets if isinstance(target, ast.Name))


def pages() -> Mapping[Path, str]:
    """The module and what it should hold."""
    return {MODULE: _formatted(module())}


def module() -> str:
    """The source of the module."""
    client = _source("client")
    zoo_client = next(node for node in client.tree.body if isinstance(node, ast.ClassDef))
    resources = _resources(zoo_client)
    origins: dict[str, str] = {}
    classes: list[str] = []
    for name in resources.values():
        source = _source(client.origins[name].split()[1].rpartition(".")[2])
        origins |= source.origins
        classes.append(_resource_class(_class(source.tree, name)))
    origins |= client.origins
    classes.append(_client_class(zoo_client, resources))
    return "\n\n".join([TOP, _imports("\n\n".join(classes), origins), *classes])


def _source(name: str) -> ClientModule:
    tree = ast.parse((FOLDER / f"{name}.py").read_text())
    return ClientModule(f"zooscope.client.{name}", tree)


def _class(tree: ast.Module, name: str) -> ast.ClassDef:
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return next(node for node in classes if node.name == name)


def _resources(client: ast.ClassDef) -> dict[str, str]:
    """The class of each attribute of the client that is a resource."""
    init = next(method for method in _functions(client) if method.name == "__init__")
    resources = {}
    for node in init.body:
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call):
            target, kind = node.targets[0], node.value.func
            assert isinstance(target, ast.Attribute)
            assert isinstance(kind, ast.Name)
            if not target.attr.startswith("_"):
                resources[target.attr] = kind.id
    return resources


def _functions(node: ast.ClassDef) -> Iterator[ast.FunctionDef]:
    yield from (part for part in node.body if isinstance(part, ast.FunctionDef))


def _resource_class(node: ast.ClassDef) -> str:
    """The class whose methods await those of a resource."""
    methods = [_method(m, "self._resource") for m in _functions(node) if m.name[0] != "_"]
    head = f'class Async{node.name}(AsyncResource[{node.name}]):\n    """{_doc(node)}"""\n\n'
    return head + "\n\n".join(methods)


def _client_class(node: ast.ClassDef, resources: Mapping[str, str]) -> str:
    init = next(method for method in _functions(node) if method.name == "__init__")
    attributes = "\n".join(
        f"        self.{name} = Async{kind}(self._resource.{name}, self._runner)"
        for name, kind in resources.items()
    )
    methods = "\n\n".join(
        _method(method, "self._resource")
        for method in _functions(node)
        if method.name[0] != "_" and method.name != "close"
    )
    return f'''class AsyncZooClient:
    """Client of one zoo for programs with an event loop; its arguments are those of ``ZooClient``.

    ::

        async with AsyncZooClient(key="zoo_…") as zoo:
            ranking = await zoo.rank(dataset="flowers")
            async for model in zoo.models.ls():
                print(model["name"])

    Every call runs in a thread of the client. Cancelling it stops the wait, not the request.
    """

    def __init__({ast.unparse(init.args)}) -> None:
        self._runner = Runner()
        self._resource = ZooClient({_passed(init)})
{attributes}

{methods}

    async def close(self) -> None:
        """Close the connections."""
        await self._runner.run(self._resource.close)
        self._runner.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()
'''


def _method(node: ast.FunctionDef, target: str) -> str:
    """A method that awaits the same one of ``target``; an iterator becomes an asynchronous one."""
    assert node.returns is not None
    returns = ast.unparse(node.returns)
    call = f"{target}.{node.name}"
    arguments = _passed(node)
    comma = f", {arguments}" if arguments else ""
    head = f"def {node.name}({ast.unparse(node.args)})"
    if returns.startswith("Iterator["):
        return f'''    {head} -> Async{returns}:
        """{_doc(node)}"""
        return self._runner.iterate({call}{comma})'''
    statement = f"await self._runner.run({call}{comma})"
    body = statement if returns == "None" else f"return {statement}"
    return f'''    async {head} -> {returns}:
        """{_doc(node)}"""
        {body}'''


def _passed(node: ast.FunctionDef) -> str:
    """The arguments of a call that passes on all parameters but ``self``."""
    passed = [argument.arg for argument in node.args.args[1:]]
    passed += [f"{argument.arg}={argument.arg}" for argument in node.args.kwonlyargs]
    if node.args.kwarg is not None:
        passed.append(f"**{node.args.kwarg.arg}")
    return ", ".join(passed)


def _doc(node: ast.ClassDef | ast.FunctionDef) -> str:
    """The first paragraph of a docstring."""
    return (ast.get_docstring(node) or "").partition("\n\n")[0].replace("\n", "\n    ")


def _imports(source: str, origins: Mapping[str, str]) -> str:
    """The imports of all names that the classes use."""
    tree = ast.parse(source)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    statements = {
        **origins,
        "AsyncIterator": "from collections.abc import AsyncIterator",
        "AsyncResource": "from zooscope.client.async_runtime import AsyncResource",
        "Runner": "from zooscope.client.async_runtime import Runner",
        "TracebackType": "from types import TracebackType",
        "Self": "from typing import Self",
    }
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    names = sorted(used - own - _BUILTINS)
    return "\n".join(statements[name] for name in names if name in statements)


def _formatted(source: str) -> str:
    """The source as the formatter and the linter's import order leave it."""
    for words in (
        ["check", "--select", "I", "--fix", "--quiet", "--exit-zero"],
        ["format"],
    ):
        command = [sys.executable, "-m", "ruff", *words, "--stdin-filename", str(MODULE), "-"]
        source = subprocess.run(
            command, input=source, capture_output=True, text=True, check=True, cwd=ROOT
        ).stdout
    return source
