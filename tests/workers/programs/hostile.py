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


CASES: dict[str, tuple[Callable[[Members], bytes], str]] = {
    "a pickle": (only(evil_pickle()), "wrong_file_kind"),
    "a protocol 0 pickle": (only(pickle.dumps(Touch(), 0)), "wrong_file_kind"),
    "a legacy checkpoint": (old_checkpoint, "wrong_file_kind"),
    "a zip checkpoint": (checkpoint, "wrong_file_kind"),
    "TorchScript": (only(zipped({"m/code/__torch__.py": b"x", "m/constants.pkl": evil_pickle(), "m/data.pkl": evil_pickle()})), "wrong_file_kind"),
    "Keras h5": (only(b"\x89HDF\r\n\x1a\n" + bytes(1000)), "wrong_file_kind"),
    "Keras archive": (only(zipped({"metadata.json": b"{}", "config.json": b"{}", "model.weights.h5": b"x"})), "wrong_file_kind"),
    "ONNX": (only(b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(200)), "wrong_file_kind"),
    "SavedModel": (only(b"\x08\x01\x12\xa0tensorflow/python" + bytes(200)), "wrong_file_kind"),
    "GGUF": (only(b"GGUF\x03\x00\x00\x00" + bytes(100)), "wrong_file_kind"),
    "text": (only(b"import os\nos.system('true')\n"), "wrong_file_kind"),
    "nothing": (only(b""), "wrong_file_kind"),
    "random bytes": (only(bytes(range(200, 256)) * 50), "wrong_file_kind"),
    "a PNG": (only(b"\x89PNG\r\n\x1a\n" + bytes(100)), "wrong_file_kind"),
    "a gzip": (only(b"\x1f\x8b\x08" + bytes(100)), "wrong_file_kind"),
    "safetensors called pt2": (only((2).to_bytes(8, "little") + b"{}"), "wrong_file_kind"),
    "an archive of 2.8 with pickled weights": (with_member(f"{ROOT}/data/weights/model.pt", evil_pickle()), "wrong_file_kind"),
    "an archive of 2.6": (only(zipped({"serialized_exported_program.json": b"{}", "serialized_state_dict.pt": evil_pickle(), "version": b"1"})), "wrong_file_kind"),
    "a pickled weight": (weight(use_pickle=True), "pickled_weights"),
    "a weight that does not say": (weight(use_pickle=0), "pickled_weights"),
    "a script object": (edited(CONSTANTS, lambda c: c["config"].update(o={"path_name": "custom_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None})), "opaque_constant"),
    "an opaque constant": (edited(CONSTANTS, lambda c: c["config"].update(o={"path_name": "opaque_obj_0", "is_param": False, "use_pickle": True, "tensor_meta": None})), "opaque_constant"),
    "script objects in the graph": (graph(lambda g: g.update(custom_obj_values={"o": {"name": "o", "class_fqn": "x"}})), "script_object"),
    "code as the image's size": (image_sizes(term(EVIL_TERM), *ints(3, 12, 12)), "size_expression_not_allowed"),
    "code as every size": (expression_everywhere(EVIL_TERM), "size_expression_not_allowed"),
    "code as a symbol's value": (graph(lambda g: g["sym_int_values"].update(s9=term(EVIL_TERM))), "size_expression_not_allowed"),
    "code in a symbol's name": (expression_everywhere("Symbol('" + EVIL_TERM.replace("'", '"') + "')"), "size_expression_not_allowed"),
    "a tower of powers": (expression_everywhere("Pow(9, Pow(9, Pow(9, Pow(9, 9))))"), "size_expression_not_allowed"),
    "a tower of stars": (image_sizes(term("9**9**9**9"), *ints(3, 12, 12)), "size_expression_not_allowed"),
    "a product as the image's size": (image_sizes(term("Mul(Integer(2), Symbol('s1'))"), *ints(3, 12, 12)), "size_expression_not_allowed"),
    "a long term": (expression_everywhere("Add(" + "1, " * 5000 + "1)"), "size_expression_not_allowed"),
    "a term that makes patterns slow": (expression_everywhere("1" * 900 + "x"), "size_expression_not_allowed"),
    "a deep term": (expression_everywhere("(" * 20000), "size_expression_not_allowed"),
    "a huge shape": (weight(sizes=ints(2**31, 2**31, 3, 3)), "too_many_parameters"),
    "a large shape": (weight(sizes=ints(60000, 3, 3, 3)), "weight_out_of_bounds"),
    "a repeated element": (weight(sizes=ints(60000, 3, 3, 3), strides=ints(0, 0, 0, 0)), "weight_out_of_bounds"),
    "a negative stride": (weight(strides=ints(-27, 9, 3, 1)), "size_out_of_range"),
    "a negative offset": (weight(storage_offset={"as_int": -4}), "size_out_of_range"),
    "an offset beyond the end": (weight(storage_offset={"as_int": 2**30}), "weight_out_of_bounds"),
    "a stride beyond the end": (weight(strides=ints(2**31, 9, 3, 1)), "weight_out_of_bounds"),
    "nine axes": (weight(sizes=ints(*[1] * 9), strides=ints(*[1] * 9)), "size_out_of_range"),
    "fewer strides than axes": (weight(strides=ints(1)), "weight_out_of_bounds"),
    "a size of 2**40": (weight(sizes=ints(2**40, 1, 1, 1)), "size_out_of_range"),
    "a size of true": (weight(sizes=[{"as_int": True}]), "broken_graph"),
    "an unknown element type": (weight(dtype=99), "dtype_not_allowed"),
    "a complex element type": (weight(dtype=10), "dtype_not_allowed"),
    "a quantised layout": (weight(layout=6), "dtype_not_allowed"),
    "a weight outside the archive": (weight(path_name="../../../../etc/passwd"), "archive_member_missing"),
    "a weight that is the graph": (weight(path_name="nowhere"), "archive_member_missing"),
    "a key twice": (doubled, "broken_json"),
    "deep JSON": (with_member(GRAPH, b"[" * 200_000), "broken_json"),
    "deep objects": (with_member(GRAPH, b'{"a":' * 100_000), "broken_json"),
    "many empty lists": (with_member(GRAPH, b'{"a": [' + b"[]," * 4_000_000 + b"[]]}"), "json_too_large"),
    "many numbers": (with_member(GRAPH, b'{"a": [' + b"1," * 4_000_000 + b"1]}"), "json_too_large"),
    "a huge JSON": (with_member(GRAPH, b'{"a": "' + b"a" * 20_000_000 + b'"}'), "archive_too_large"),
    "a huge integer": (with_member(GRAPH, b'{"a": ' + b"9" * 100_000 + b"}"), "broken_json"),
    "not JSON": (with_member(GRAPH, b"\x80\x04\x95"), "broken_json"),
    "a list for a graph": (with_member(GRAPH, b"[]"), "broken_graph"),
    "an empty graph": (with_member(GRAPH, b"{}"), "broken_graph"),
    "nodes that are numbers": (graph(lambda g: g.update(nodes=[1, 2])), "broken_graph"),
    "print": (first_node(target="builtins.print"), "operator_not_allowed"),
    "eval": (first_node(target="builtins.eval"), "operator_not_allowed"),
    "os.system": (first_node(target="os.system"), "operator_not_allowed"),
    "reading a file": (first_node(target="torch.ops.aten.from_file.default"), "operator_not_allowed"),
    "uninitialised memory": (first_node(target="torch.ops.aten.empty.memory_format"), "operator_not_allowed"),
    "a dunder": (first_node(target="torch.ops.aten.__class__.__init__"), "operator_not_allowed"),
    "another namespace": (first_node(target="torch.ops.quantized.conv2d.default"), "operator_not_allowed"),
    "an attribute walk": (first_node(target="torch.ops.aten.relu.default.__globals__"), "operator_not_allowed"),
    "a higher-order operator": (first_node(target="torch.ops.higher_order.cond"), "operator_not_allowed"),
    "graphs in graphs": (added(nested_graph(40)), "graph_too_large"),
    "an unknown argument": (added(call("torch.ops.aten.relu.default", {"nothing": image()}, "y")), "argument_not_allowed"),
    "no argument": (added(call("torch.ops.aten.relu.default", {}, "y")), "argument_not_allowed"),
    "a custom object as an argument": (added(call("torch.ops.aten.relu.default", {"self": {"as_custom_obj": {"name": "o", "class_fqn": "x"}}}, "y")), "argument_not_allowed"),
    "a missing value": (added(call("torch.ops.aten.relu.default", {"self": {"as_tensor": {"name": "ghost"}}}, "y")), "broken_graph"),
    "a node that reads itself": (self_reading, "broken_graph"),
    "nodes in the wrong order": (cycle, "broken_graph"),
    "a name twice": (added(call("torch.ops.aten.relu.default", {"self": image()}, "conv2d")), "broken_graph"),
    "text for a tensor": (added(call("torch.ops.aten.relu.default", {"self": {"as_string": "x"}}, "y")), "does_not_run"),
    "memory without end": (added(call("torch.ops.aten.zeros.default", {"size": {"as_ints": [2**31, 2**31]}}, "y")), "does_not_run"),
    "a terabyte": (added(call("torch.ops.aten.zeros.default", {"size": {"as_ints": [2**20, 2**20]}}, "y")), "value_too_large"),
    "a repetition": (added(call("torch.ops.aten.repeat.default", {"self": image(), "repeats": {"as_ints": [2**20, 1, 2**10, 1]}}, "y")), "value_too_large"),
    "a billion pieces": (added(call("torch.ops.aten.zeros.default", {"size": {"as_ints": [2**29]}}, "y"), call("torch.ops.aten.unbind.int", {"self": {"as_tensor": {"name": "y"}}}, "z")), "value_too_large"),
    "a billion chunks": (added(call("torch.ops.aten.tensor_split.sections", {"self": image(), "sections": {"as_int": 2**29}}, "z")), "value_too_large"),
    "sizes that square themselves": (bomb(60), "does_not_run"),
    "a write to a weight": (added(call("torch.ops.aten.zero_.default", {"self": {"as_tensor": {"name": "p_conv_weight"}}}, "y")), "mutates_weights"),
    "too many nodes": (graph(lambda g: g.update(nodes=g["nodes"] * 1000)), "graph_too_large"),
    "a long list": (added(call("torch.ops.aten.zeros.default", {"size": {"as_ints": [1] * 5000}}, "y")), "graph_too_large"),
    "five axes": (image_sizes(*ints(1, 3, 12, 12, 12)), "input_not_an_image"),
    "an endless image": (image_sizes(*ints(1, 3, 2**31, 2**31)), "image_too_large"),
    "seven channels": (image_sizes(*ints(1, 7, 12, 12)), "input_not_an_image"),
    "whole numbers as images": (graph(lambda g: g["tensor_values"]["images"].update(dtype=5)), "input_not_an_image"),
    "two models": (with_member(f"{ROOT}/models/other.json", b"{}"), "not_one_model"),
    "no model": (renamed(GRAPH, f"{ROOT}/models/none.txt"), "not_one_model"),
    "no weights": (lambda m: zipped({k: v for k, v in m.items() if k != WEIGHTS}), "weight_missing"),
    "big-endian weights": (with_member(f"{ROOT}/byteorder", b"big"), "byte_order"),
    "a path out of the folder": (with_member(f"{ROOT}/../../etc/cron.d/x", b"x"), "archive_path"),
    "an absolute path": (with_member("/etc/passwd", b"x"), "archive_path"),
    "a Windows path": (with_member(f"{ROOT}/C:/x", b"x"), "archive_path"),
    "a second root": (with_member("other/x", b"x"), "archive_path"),
    "a symbolic link": (symbolic_link, "archive_path"),
    "a member twice": (twice, "archive_path"),
    "a zip in the zip": (lambda m: zipped(m | {GRAPH: zipped(m)}), "broken_json"),
    "a zip bomb": (lambda m: zipped(m | {GRAPH: bytes(200_000_000)}, packing=zipfile.ZIP_DEFLATED), "archive_too_large"),
    "an encrypted member": (encrypted, "broken_archive"),
    "a member under two names": (overlapping, "broken_archive"),
    "a lying directory": (lying_directory, "archive_too_large"),
    "a crowd of members": (crowded, "archive_too_large"),
    "a lost end": (truncated, "broken_archive"),
    "half a file": (tail_lost, "broken_archive"),
}  # fmt: skip
