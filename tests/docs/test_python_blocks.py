"""Every Python block on a page calls the client and the gRPC stubs by names that exist."""

import ast
import inspect
import re
from collections.abc import Iterator, Mapping
from typing import Any, get_args, get_type_hints

import grpc
import pytest
from google.protobuf.message import Message

from tests.docs.printed import ROOT, PrintedBlock, blocks
from zooscope import ZooClient

BLOCKS = blocks("python")
_OURS = {"zooscope", "service"}


def imported(tree: ast.Module) -> dict[str, Any]:
    """What a block imports from the project, by the names that it uses."""
    ours = [
        node
        for node in tree.body
        if isinstance(node, ast.Import | ast.ImportFrom) and _root(node) in _OURS
    ]
    names: dict[str, Any] = {}
    exec(compile(ast.Module(ours, []), "a page", "exec"), names)
    return names


def _root(node: ast.Import | ast.ImportFrom) -> str:
    module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
    return (module or "").partition(".")[0]


def called(call: ast.Call, names: Mapping[str, Any]) -> Any:
    """The object that a call names by its full path; None if a local variable starts it.

    Raises:
        AttributeError: The path does not exist.
    """
    path: list[str] = []
    node = call.func
    while isinstance(node, ast.Attribute):
        path.insert(0, node.attr)
        node = node.value
    if not isinstance(node, ast.Name) or node.id not in names:
        return None
    target = names[node.id]
    for name in path:
        target = getattr(target, name)
    return target


def require_fitting(call: ast.Call, target: Any) -> None:
    """Raise where the target does not take these arguments."""
    keywords = {keyword.arg for keyword in call.keywords if keyword.arg}
    if isinstance(target, type) and issubclass(target, Message):
        assert keywords <= set(target.DESCRIPTOR.fields_by_name)
        return
    inspect.signature(target).bind(*call.args, **dict.fromkeys(keywords))
    if typed := get_type_hints(target).get("options"):  # **options: Unpack[SomeTypedDict]
        named = inspect.signature(target).parameters.keys()
        assert keywords <= named | get_type_hints(get_args(typed)[0]).keys()


def rpcs_in(tree: ast.Module) -> Iterator[str]:
    """The names of all methods that are called with metadata, as only RPCs are."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in calls:
        named = {keyword.arg for keyword in call.keywords}
        if isinstance(call.func, ast.Attribute) and "metadata" in named:
            yield call.func.attr


def require_existing(text: str) -> None:
    """Raise where the text names something that the client or the stubs do not have."""
    tree = ast.parse(text)
    with ZooClient("http://127.0.0.1:1") as zoo, grpc.insecure_channel("127.0.0.1:1") as channel:
        names = {"zoo": zoo, **imported(tree)}
        stubs = [stub(channel) for name, stub in names.items() if name.endswith("Stub")]

        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and (target := called(node, names)) is not None:
                require_fitting(node, target)

        for rpc in rpcs_in(tree):
            assert not stubs or any(hasattr(stub, rpc) for stub in stubs), rpc


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_calls_of_the_project_exist(block: PrintedBlock):
    require_existing(block.text)


@pytest.mark.parametrize(
    "text",
    [
        "from zooscope.client import Zoo",
        "zoo.records.ls()",
        "zoo.jobs.submit('fine_tune', exam='dst_1')",
        "zoo.rank(target='dst_1')",
        "from service.rpc.stubs.zoo.v1 import job_service_pb2 as jobs\njobs.GetJobRequest(job='job_1')",
    ],
)
def test_a_name_that_does_not_exist_is_noticed(text: str):
    with pytest.raises((AssertionError, AttributeError, ImportError, TypeError)):
        require_existing(text)


def test_the_guide_lists_every_rpc():
    protocol = "\n".join(path.read_text() for path in (ROOT / "proto").rglob("*.proto"))
    services = re.findall(r"^service (\w+) \{(.*?)^\}", protocol, re.MULTILINE | re.DOTALL)
    guide = (ROOT / "docs" / "how-to" / "use-grpc.md").read_text()

    lines = [line for line in guide.splitlines() if line.startswith("| `")]
    rows = {name: rpcs for name, *rpcs in (re.findall(r"`(\w+)`", line) for line in lines)}

    for service, body in services:
        assert sorted(rows[service]) == sorted(re.findall(r"rpc (\w+)", body))
