"""Lowering of a checked graph to a list of instructions over numbered slots."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from workers.programs.arguments import OwnDevice, Ref
from workers.programs.fusion import with_softsign
from workers.programs.graph import ProgramGraph, ProgramNode, Subgraph, renamed
from workers.programs.in_place import latest_of, without_writes
from workers.programs.instructions import Instruction, Listing, Slot, slots_in
from workers.programs.operators import Operator, is_ignored, operator_of
from workers.programs.refusal import ProgramRefusedError

_AUTOCAST = "torch.ops.higher_order.wrap_with_autocast"


@dataclass
class _SlotTable:
    """Assigns slots to names during lowering; every name is assigned once."""

    slots: dict[str, int] = field(default_factory=dict)
    count: int = 0

    def assign(self, name: str) -> int:
        if name in self.slots:
            raise ProgramRefusedError("broken_graph", f"two values are called {name[:80]!r}")
        self.slots[name] = self.count
        self.count += 1
        return self.count - 1

    def slot(self, name: str) -> int:
        if name not in self.slots:
            raise ProgramRefusedError(
                "broken_graph", f"{name[:80]!r} is read before it is defined"
            )
        return self.slots[name]


def lower(graph: ProgramGraph) -> Listing:
    """The instruction list of a graph.

    Raises:
        ProgramRefusedError: A value is read before it is defined, an operator is not on the
            allow-list, an argument does not exist, or a weight is written.
    """
    naming = _SlotTable()
    weights: dict[int, str] = {}
    parameters: set[int] = set()
    for placeholder in graph.placeholders:
        slot = naming.assign(placeholder.name or f"unused {naming.count}")
        if placeholder.payload is not None:
            weights[slot] = placeholder.payload
        if placeholder.role == "parameter":
            parameters.add(slot)
    image = naming.slot(graph.image)
    instructions = [
        _instruction(node, naming)
        for node in _flattened(graph.nodes)
        if not is_ignored(node.target)
    ]
    outputs = tuple(naming.slot(name) for name in graph.outputs)
    instructions_of_program = with_softsign(
        without_writes(instructions, outputs, fixed=frozenset(weights))
    )
    output_slots = latest_of(instructions, outputs)
    return Listing(instructions_of_program, image, weights, frozenset(parameters), output_slots)


def _flattened(nodes: Iterable[ProgramNode]) -> Iterator[ProgramNode]:
    """Nodes, with regions that only disable autocast replaced by their contents."""
    for node in nodes:
        if node.target != _AUTOCAST:
            yield node
            continue
        yield from _flattened(_region(node))


def _region(node: ProgramNode) -> Iterator[ProgramNode]:
    """The nodes of an autocast region, and one alias for each of its results."""
    values = [value for _, value in node.arguments]
    subgraph = next((value for value in values if isinstance(value, Subgraph)), None)
    if subgraph is None or True in values[2:3]:
        raise ProgramRefusedError(
            "operator_not_allowed",
            "the graph switches autocast on",
            "export the network in float32, outside of autocast",
        )
    operands = [value.name for value in values if isinstance(value, Ref)]
    if len(operands) != len(subgraph.inputs) or len(node.outputs) != len(subgraph.outputs):
        raise ProgramRefusedError("broken_graph", f"{node.name[:80]} does not fit its region")
    names = dict(zip(subgraph.inputs, operands, strict=True))
    prefix = f"{node.name}/"
    for inner in subgraph.nodes:
        yield renamed(inner, names, prefix)
    for outer, inner_name in zip(node.outputs, subgraph.outputs, strict=True):
        source = Ref(names.get(inner_name, prefix + inner_name))
        yield ProgramNode(
            outer, "torch.ops.aten.alias.default", (("self", source),), (outer,),
            many=False, modules=node.modules,
        )  # fmt: skip


def _instruction(node: ProgramNode, naming: _SlotTable) -> Instruction:
    """The instruction of one node, with slots in place of names."""
    operator = operator_of(node.target)
    arguments = [(name, _with_slots(value, naming)) for name, value in node.arguments]
    positional, named = _in_schema_order(node, operator, arguments)
    _refuse_training(operator, named, positional)
    return Instruction(
        name=node.name,
        operator=operator,
        positional=positional,
        named=named,
        reads=tuple(slots_in([value for _, value in arguments])),
        outputs=tuple(naming.assign(name) for name in node.outputs),
        many=node.many,
        modules=node.modules,
    )


def _with_slots(value: Any, naming: _SlotTable) -> Any:
    if isinstance(value, Ref):
        return Slot(naming.slot(value.name))
    if isinstance(value, Subgraph):
        raise ProgramRefusedError("operator_not_allowed", "the graph holds control flow")
    return [_with_slots(item, naming) for item in value] if isinstance(value, list) else value


def _in_schema_order(
    node: ProgramNode, operator: Operator, arguments: list[tuple[str, Any]]
) -> tuple[tuple[Any, ...], tuple[tuple[str, Any], ...]]:
    """Positional arguments without gaps, and keyword arguments."""
    if operator.parameters is None:
        return tuple(value for _, value in arguments), ()
    by_name = dict(arguments)
    if len(by_name) != len(arguments) or not by_name.keys() <= set(operator.parameters):
        raise ProgramRefusedError(
            "argument_not_allowed", f"{node.target[:80]} has no such arguments"
        )
    defaults = dict(operator.defaults)
    order = [name for name in operator.parameters if name not in operator.keyword_only]
    last = max((position for position, name in enumerate(order, 1) if name in by_name), default=0)
    missing = [name for name in order if name not in by_name and name not in defaults]
    if missing:
        raise ProgramRefusedError("argument_not_allowed", f"{node.target[:80]} lacks {missing[0]}")
    positional = tuple(by_name.get(name, defaults.get(name)) for name in order[:last])
    if operator.creates:
        # Without a device, an operator would use torch's default device.
        by_name.setdefault("device", OwnDevice())
    named = tuple((name, by_name[name]) for name in operator.parameters if name in operator.keyword_only and name in by_name)  # fmt: skip
    return positional, named


def _refuse_training(
    operator: Operator, named: tuple[tuple[str, Any], ...], positional: tuple[Any, ...]
) -> None:
    """Raises ProgramRefusedError for training mode: results would depend on chance and batch."""
    flags = {"batch_norm": "training", "dropout": "train", "feature_dropout": "train",
              "alpha_dropout": "train"}  # fmt: skip
    key = flags.get(operator.name)
    if not key or operator.parameters is None:
        return
    values = dict(zip(operator.parameters, positional, strict=False)) | dict(named)
    if key == "training" and values.get("running_mean") is None:
        # Weight standardization is written this way; statistics over images fail the probe.
        return
    if values.get(key) is not False:
        raise ProgramRefusedError(
            "training_mode",
            f"{operator.name} runs in training mode",
            "call .eval() on the network before exporting",
        )
