"""The JSON graph of an export as plain, checked records: nodes, inputs, outputs."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch

from workers.programs import limits
from workers.programs.arguments import NAMES_ONLY, Ref, read_argument, read_dtype, tensor_name
from workers.programs.bounded_json import checked, field, union
from workers.programs.output_names import leaf_names
from workers.programs.refusal import ProgramRefusedError
from workers.programs.sizes import Axis, check_term, read_axis


@dataclass(frozen=True)
class Subgraph:
    """A graph inside an argument: the body of a region such as ``autocast``."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    nodes: tuple["ProgramNode", ...]


@dataclass(frozen=True)
class ProgramNode:
    """One call: ``target`` on ``arguments`` (name, value), giving ``outputs``.

    ``outputs`` has one name per result; ``many`` means that the call returns a list.
    ``modules`` is the stack of enclosing modules: (path, class name), outermost first.
    """

    name: str
    target: str
    arguments: tuple[tuple[str, Any], ...]
    outputs: tuple[str, ...]
    many: bool
    modules: tuple[tuple[str, str], ...]
    function: str = ""


@dataclass(frozen=True)
class Placeholder:
    """An input of the graph: a weight (``payload`` names it), the image, or an unused constant."""

    name: str
    payload: str | None
    role: str


@dataclass(frozen=True)
class ProgramGraph:
    """A whole network: ``image`` is the name of the user's input, ``axes`` its shape.

    ``outputs`` are values of the graph, ``output_names`` how the network's author calls them.
    """

    placeholders: tuple[Placeholder, ...]
    nodes: tuple[ProgramNode, ...]
    outputs: tuple[str, ...]
    image: str
    axes: tuple[Axis, ...]
    dtype: torch.dtype
    batch_range: tuple[int, int]
    output_names: tuple[str, ...]


def read_graph(program: dict[str, Any]) -> ProgramGraph:
    """The graph in ``models/model.json``.

    Raises:
        ProgramRefusedError: The file is not a plain graph of tensors.
    """
    module = field(program, "graph_module", dict)
    graph, signature = field(module, "graph", dict), field(module, "signature", dict)
    if graph.get("custom_obj_values"):
        raise ProgramRefusedError("script_object", "the graph holds script objects", NAMES_ONLY)
    shapes = field(graph, "tensor_values", dict)
    _check_terms(graph)
    nodes = tuple(_read_nodes(field(graph, "nodes", list), depth=0))
    placeholders = tuple(_placeholder(spec) for spec in field(signature, "input_specs", list))
    images = [placeholder.name for placeholder in placeholders if placeholder.role == "image"]
    if len(images) != 1:
        raise ProgramRefusedError(
            "not_one_image_input",
            f"the network takes {len(images)} inputs",
            "wrap the network so that forward(images) takes one batch of images",
        )
    meta = field(shapes, images[0], dict)
    axes = tuple(read_axis(axis) for axis in field(meta, "sizes", list))
    if any(axis.symbol == "?" for axis in axes):
        raise ProgramRefusedError(
            "size_expression_not_allowed",
            "the size of the image input is a term",
            "export with fixed height and width and at most a free batch axis",
        )
    outputs = dict(_outputs_of(signature))
    names = leaf_names(module, count=len(field(signature, "output_specs", list)))
    return ProgramGraph(
        placeholders, nodes, tuple(outputs.values()), images[0], axes,
        read_dtype(field(meta, "dtype", int)), _batch_range(program, axes),
        tuple(names[position] for position in outputs),
    )  # fmt: skip


def _check_terms(graph: dict[str, Any]) -> None:
    """Checks every size term of the graph against the grammar, used or not."""
    for meta in field(graph, "tensor_values", dict).values():
        for entry in [*field(meta, "sizes", list), *field(meta, "strides", list)]:
            if "as_expr" in checked(entry, dict, what="a size"):
                check_term(field(entry["as_expr"], "expr_str", str))
    for group in ("sym_int_values", "sym_bool_values", "sym_float_values"):
        for entry in checked(graph.get(group, {}), dict, what=group).values():
            if "as_expr" in checked(entry, dict, what="a size"):
                check_term(field(entry["as_expr"], "expr_str", str))


def _batch_range(program: dict[str, Any], axes: tuple[Axis, ...]) -> tuple[int, int]:
    """Smallest and largest batch of a free batch axis; equal for a fixed one."""
    if not axes or axes[0].symbol is None:
        size = axes[0].size if axes else 1
        return (size or 1, size or 1)
    constraints = checked(program.get("range_constraints", {}), dict, what="range_constraints")
    constraint = checked(constraints.get(axes[0].symbol, {}), dict, what="a range")
    low, high = constraint.get("min_val"), constraint.get("max_val")
    least = low if isinstance(low, int) else 1
    greatest = high if isinstance(high, int) else limits.DIMENSION
    if not 0 <= least <= min(greatest, limits.LIST_ITEMS):
        raise ProgramRefusedError("size_out_of_range", "the range of the batch axis is invalid")
    return (max(least, 1), min(greatest, limits.DIMENSION))


def _placeholder(spec: Any) -> Placeholder:
    """One entry of the input signature."""
    tag, value = union(spec)
    if tag == "user_input":
        kind, argument = union(field(value, "arg", dict))
        return Placeholder(tensor_name(argument) if kind == "as_tensor" else "", None, "image" if kind == "as_tensor" else "unused")  # fmt: skip
    keys = {
        "parameter": "parameter_name",
        "buffer": "buffer_name",
        "tensor_constant": "tensor_constant_name",
    }
    if tag in keys:
        name = tensor_name(field(value, "arg", dict))
        return Placeholder(name, field(value, keys[tag], str), tag)
    if tag == "constant_input":
        return Placeholder(field(value, "name", str), None, "unused")
    raise ProgramRefusedError("script_object", f"an input of kind {tag[:40]}", NAMES_ONLY)


def _outputs_of(signature: dict[str, Any]) -> Iterator[tuple[int, str]]:
    """Positions and names of the tensors among the values that the network returns."""
    count = 0
    for position, spec in enumerate(field(signature, "output_specs", list)):
        tag, value = union(spec)
        if tag != "user_output":
            raise ProgramRefusedError(
                "mutates_weights",
                f"the graph writes to its weights or inputs ({tag[:40]})",
                "call .eval() before exporting",
            )
        kind, argument = union(field(value, "arg", dict))
        if kind == "as_tensor":
            count += 1
            yield position, tensor_name(argument)
    if not count:
        raise ProgramRefusedError("no_tensor_output", "the network returns no tensor")


def _read_nodes(records: list[Any], *, depth: int) -> Iterator[ProgramNode]:
    if len(records) > limits.GRAPH_NODES or depth > limits.GRAPH_DEPTH:
        raise ProgramRefusedError("graph_too_large", "too many nodes, or nested too deeply")
    for record in records:
        metadata = field(record, "metadata", dict)
        outputs, many = _node_outputs(field(record, "outputs", list))
        name = record.get("name")
        yield ProgramNode(
            name=checked(name, str, what="name") if name is not None else (outputs or ("",))[0],
            target=field(record, "target", str),
            arguments=tuple(_arguments(field(record, "inputs", list), depth=depth)),
            outputs=outputs,
            many=many,
            modules=_module_path(metadata.get("nn_module_stack", "")),
            function=str(metadata.get("torch_fn", ""))[:200],
        )


def _node_outputs(records: list[Any]) -> tuple[tuple[str, ...], bool]:
    """Names of a node's results, and whether it returns several."""
    names: list[str] = []
    many = len(records) > 1
    for record in records:
        tag, value = union(record)
        if tag in {"as_tensor", "as_sym_int", "as_sym_bool", "as_sym_float"}:
            names.append(field(value, "name" if tag == "as_tensor" else "as_name", str))
        elif tag == "as_tensors":
            many = True
            names.extend(tensor_name(tensor) for tensor in checked(value, list, what="tensors"))
        elif tag != "as_none":
            raise ProgramRefusedError("broken_graph", f"a node returns {tag[:40]}", NAMES_ONLY)
    return tuple(names), many


def _module_path(text: Any) -> tuple[tuple[str, str], ...]:
    """``key,path,class;…`` as (path, short class name), outermost first."""
    steps: list[tuple[str, str]] = []
    for step in checked(text, str, what="nn_module_stack").split(";", limits.MODULE_DEPTH):
        parts = step.split(",")
        if len(parts) >= 3 and parts[1] and parts[2].replace("_", "").replace(".", "").isalnum():  # noqa: PLR2004
            steps.append((parts[1][:300], parts[2].rpartition(".")[2][:100]))
    return tuple(steps)


def _arguments(records: list[Any], *, depth: int) -> Iterator[tuple[str, Any]]:
    for record in records:
        name = checked(record, dict, what="an argument").get("name", "")
        yield checked(name, str, what="name"), _argument(field(record, "arg", dict), depth)


def _argument(record: dict[str, Any], depth: int) -> Any:
    tag, value = union(record)
    return _subgraph(value, depth + 1) if tag == "as_graph" else read_argument(record)


def _subgraph(value: Any, depth: int) -> Subgraph:
    graph = field(value, "graph", dict)
    _check_terms(graph)
    return Subgraph(
        inputs=tuple(tensor_name(union(argument)[1]) for argument in field(graph, "inputs", list)),
        outputs=tuple(
            tensor_name(union(argument)[1]) for argument in field(graph, "outputs", list)
        ),
        nodes=tuple(_read_nodes(field(graph, "nodes", list), depth=depth)),
    )


def renamed(node: ProgramNode, names: dict[str, str], prefix: str) -> ProgramNode:
    """``node`` of a subgraph as a node of the enclosing graph."""

    def outside(value: Any) -> Any:
        if isinstance(value, Ref):
            return Ref(names.get(value.name, prefix + value.name))
        return [outside(item) for item in value] if isinstance(value, list) else value

    return replace(
        node,
        name=prefix + node.name,
        arguments=tuple((key, outside(value)) for key, value in node.arguments),
        outputs=tuple(prefix + output for output in node.outputs),
    )
