"""Files that were made to hurt, each from an honest archive with one thing changed."""

import io
import json
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from tests.workers.programs.networks import Plain, made, write_archive

CANARY = "zooscope_canary"
ROOT = "net"
GRAPH = f"{ROOT}/models/model.json"
WEIGHTS = f"{ROOT}/data/weights/model_weights_config.json"
CONSTANTS = f"{ROOT}/data/constants/model_constants_config.json"
SAMPLES = f"{ROOT}/data/sample_inputs/model.pt"
EVIL_TERM = f"__import__('os').system('touch {CANARY}')"
Members = dict[str, bytes]


class Touch:
    """Unpickling this leaves a file behind: proof that something ran."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.system, (f"touch {CANARY}",)


def evil_pickle() -> bytes:
    return pickle.dumps(Touch())


def honest_members(folder: Path) -> Members:
    """Members of an archive that is read without complaint."""
    path = write_archive(made(Plain), folder / "net.pt2")
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def zipped(members: Members, *, packing: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def edited(member: str, change: Callable[[Any], object]) -> Callable[[Members], bytes]:
    """A maker: one JSON member with ``change`` made in place."""

    def make(members: Members) -> bytes:
        content = json.loads(members[member])
        change(content)
        return zipped(members | {member: json.dumps(content).encode()})

    return make


def graph(change: Callable[[Any], object]) -> Callable[[Members], bytes]:
    return edited(GRAPH, lambda content: change(content["graph_module"]["graph"]))


def weight(**fields: Any) -> Callable[[Members], bytes]:
    """A maker: fields of the first weight's entry replaced."""

    def change(content: Any) -> None:
        entry = content["config"]["conv.weight"]
        for key, value in fields.items():
            (entry if key in entry else entry["tensor_meta"])[key] = value

    return edited(WEIGHTS, change)


def ints(*values: int) -> list[dict[str, int]]:
    return [{"as_int": value} for value in values]


def term(text: str) -> dict[str, Any]:
    return {"as_expr": {"expr_str": text, "hint": {"as_int": 2}}}


def call(target: str, arguments: dict[str, Any], *outputs: str) -> dict[str, Any]:
    """One node of a graph."""
    return {
        "target": target,
        "inputs": [{"name": name, "arg": value, "kind": 1} for name, value in arguments.items()],
        "outputs": [{"as_tensor": {"name": name}} for name in outputs],
        "metadata": {},
        "name": outputs[0] if outputs else "none",
    }


def image() -> dict[str, Any]:
    return {"as_tensor": {"name": "images"}}


def added(*nodes: dict[str, Any]) -> Callable[[Members], bytes]:
    """A maker: nodes put at the end of the graph."""
    return graph(lambda content: content["nodes"].extend(nodes))


def first_node(**fields: Any) -> Callable[[Members], bytes]:
    return graph(lambda content: content["nodes"][0].update(fields))


def with_member(name: str, data: bytes, **kwargs: int) -> Callable[[Members], bytes]:
    return lambda members: zipped(members | {name: data}, **kwargs)


def renamed(old: str, new: str) -> Callable[[Members], bytes]:
    return lambda members: zipped({new if k == old else k: v for k, v in members.items()})


def only(data: bytes) -> Callable[[Members], bytes]:
    return lambda _: data


def doubled(members: Members) -> bytes:
    """The weights are configured twice, differently."""
    text = members[WEIGHTS].decode()
    return zipped(members | {WEIGHTS: (text[:-1] + ', "config": {}}').encode()})


def truncated(members: Members) -> bytes:
    return zipped(members)[:-2000]


def tail_lost(members: Members) -> bytes:
    data = zipped(members)
    return data[: len(data) // 2]


def symbolic_link(members: Members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        link = zipfile.ZipInfo(f"{ROOT}/data/weights/link")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    return buffer.getvalue()


def twice(members: Members) -> bytes:
    data = bytearray(zipped(members | {f"{ROOT}/models/model.jsoX": members[GRAPH]}))
    return bytes(data.replace(b"models/model.jsoX", b"models/model.json"))


def encrypted(members: Members) -> bytes:
    data = bytearray(zipped(members))
    (at,) = struct.unpack_from("<L", data, data.rfind(b"PK\x05\x06") + 16)
    data[at + 8] |= 1
    return bytes(data)


def overlapping(members: Members) -> bytes:
    """Two directory entries for the same bytes."""
    data = zipped(members)
    (at,) = struct.unpack_from("<L", data, data.rfind(b"PK\x05\x06") + 16)
    end = data.rfind(b"PK\x05\x06")
    names, extra, note = struct.unpack_from("<3H", data, at + 28)
    entry = data[at : at + 46 + names + extra + note]
    size, offset = struct.unpack_from("<2L", data, end + 12)
    tail = bytearray(data[end:])
    struct.pack_into("<2L", tail, 12, size + len(entry), offset)
    # The copy carries another name of the same length; the local header then disagrees.
    other = bytearray(entry)
    other[46 + len(ROOT) + 1] ^= 1
    return data[:end] + bytes(other) + bytes(tail)


def lying_directory(members: Members) -> bytes:
    data = bytearray(zipped(members))
    struct.pack_into("<2L", data, data.rfind(b"PK\x05\x06") + 12, 2**31, 0)
    return bytes(data)


def crowded(members: Members) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(21_000):
            archive.writestr(f"r/{number}", b"")
    return buffer.getvalue()


def old_checkpoint(_: Members) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2)}, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def checkpoint(_: Members) -> bytes:
    buffer = io.BytesIO()
    torch.save({"a": torch.ones(2)}, buffer)
    return buffer.getvalue()


def bomb(nodes: int) -> Callable[[Members], bytes]:
    """Arithmetic on sizes that squares itself."""
    size = call("torch.ops.aten.sym_size.int", {"self": image(), "dim": {"as_int": 1}})
    size["outputs"] = [{"as_sym_int": {"as_name": "n0"}}]
    steps = [size]
    for number in range(nodes):
        value = {"as_sym_int": {"as_name": f"n{number}"}}
        step = call("_operator.mul", {"a": value, "b": value})
        step["outputs"] = [{"as_sym_int": {"as_name": f"n{number + 1}"}}]
        steps.append(step)
    return added(*steps)


def self_reading(members: Members) -> bytes:
    def change(content: Any) -> None:
        for argument in content["nodes"][0]["inputs"]:
            if argument["name"] == "input":
                argument["arg"] = {"as_tensor": {"name": content["nodes"][0]["name"]}}

    return graph(change)(members)


def cycle(members: Members) -> bytes:
    return graph(lambda content: content["nodes"].reverse())(members)


def nested_graph(depth: int) -> dict[str, Any]:
    nodes: list[Any] = []
    for _ in range(depth):
        argument = {"as_graph": {"name": "g", "graph": {
            "inputs": [], "outputs": [], "nodes": nodes, "tensor_values": {}, "sym_int_values": {},
            "sym_bool_values": {}}}}  # fmt: skip
        nodes = [call("torch.ops.higher_order.wrap_with_autocast", {"": argument}, "x")]
    return nodes[0]


def expression_everywhere(text: str) -> Callable[[Members], bytes]:
    def change(content: Any) -> None:
        for meta in content["tensor_values"].values():
            meta["sizes"][:1] = [term(text)]

    return graph(change)


def image_sizes(*sizes: Any) -> Callable[[Members], bytes]:
    return graph(lambda content: content["tensor_values"]["images"].update(sizes=list(sizes)))


def overwriting(count: int) -> Callable[[Members], bytes]:
    """One tensor overwritten again and again while every older name of it is read at last."""
    start = call("torch.ops.aten.neg.default", {"self": image()}, "w0")
    target = {"as_tensor": {"name": "w0"}}
    writes = [
        call("torch.ops.aten.relu_.default", {"self": target}, f"w{number}")
        for number in range(1, count)
    ]
    names = [{"name": f"w{number}"} for number in range(count)]
    return added(
        start,
        *writes,
        call("torch.ops.aten.cat.default", {"tensors": {"as_tensors": names}}, "all"),
    )


def endless_modules(members: Members) -> bytes:
    """Every call claims to lie a hundred thousand modules deep."""

    def change(content: Any) -> None:
        for node in content["nodes"]:
            node["metadata"]["nn_module_stack"] = ";".join(f"k,{n},M" for n in range(100_000))

    return graph(change)(members)
