"""Activation functions that exporters write in several steps become one call again.

Attribution methods replace the derivative of an activation function as a whole, so the steps of a GELU must
not be seen one by one.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional

from workers.programs.onnx.call import Call
from workers.programs.onnx.graph import OnnxNode, needed
from workers.programs.onnx.tensors import Numbers

_CLOSE = 1e-3
_GATES = {"Sigmoid": "fused Silu", "HardSigmoid": "fused HardSwish"}
_SIXTH = 1 / 6


@dataclass(frozen=True)
class _Makers:
    """Which node makes a value, how often values are read, and the constants among them."""

    makers: Mapping[str, OnnxNode]
    uses: Mapping[str, int]
    literals: Mapping[str, Numbers]

    def only(self, name: str, kind: str) -> OnnxNode | None:
        """The node of this kind that makes the value for one reader alone."""
        node = self.makers.get(name)
        return node if node is not None and node.kind == kind and self.uses[name] == 1 else None

    def split(self, node: OnnxNode, number: float) -> str | None:
        """The other operand of a call with this number."""
        if len(node.inputs) != 2:  # noqa: PLR2004 - a call of two operands
            return None
        for operand, name in (node.inputs, node.inputs[::-1]):
            literal = self.literals.get(name)
            if literal is None or literal.size != 1:
                continue
            if abs(float(literal.reshape(())) - number) < _CLOSE:
                return operand
        return None


def fused(
    nodes: tuple[OnnxNode, ...], outputs: Iterable[str], literals: Mapping[str, Numbers]
) -> tuple[OnnxNode, ...]:
    """The nodes with activation functions in one call each."""
    uses = Counter(name for node in nodes for name in node.inputs)
    uses.update(outputs)
    by_output = {name: node for node in nodes for name in node.outputs if name}
    makers = _Makers(by_output, uses, literals)
    return needed(tuple(_fused(node, makers) for node in nodes), outputs)


def _fused(node: OnnxNode, makers: _Makers) -> OnnxNode:
    if node.kind != "Mul" or len(node.inputs) != 2:  # noqa: PLR2004 - a product
        return node
    return _gated(node, makers) or _gelu(node, makers) or node


def _gated(node: OnnxNode, makers: _Makers) -> OnnxNode | None:
    """The call of x · sigmoid(x) or x · hardsigmoid(x)."""
    for source, gate in (node.inputs, node.inputs[::-1]):
        for kind, whole in _GATES.items():
            maker = makers.only(gate, kind)
            is_gate = maker is not None and maker.inputs == (source,)
            if maker is not None and is_gate and _is_of_torch(maker):
                return replace(node, kind=whole, inputs=(source,))
    return None


def _is_of_torch(gate: OnnxNode) -> bool:
    """Whether a hard sigmoid is that of torch."""
    if gate.kind != "HardSigmoid":
        return True
    slope = gate.attributes.decimal("alpha", 0.2)
    return abs(slope - _SIXTH) < _CLOSE and gate.attributes.decimal("beta", 0.5) == 0.5  # noqa: PLR2004


def _gelu(node: OnnxNode, makers: _Makers) -> OnnxNode | None:
    """The call of ½ · (x · (1 + erf(x / √2))), with the half at any of the factors."""
    product = makers.split(node, 0.5)
    inner = makers.only(product, "Mul") if product is not None else None
    source = _with_erf(inner, makers) if inner is not None else None
    for factor, other in (node.inputs, node.inputs[::-1]):
        maker = makers.makers.get(factor)
        halved = makers.split(maker, 0.5) if maker is not None and maker.kind == "Mul" else None
        if halved is not None and _erf_source(other, makers) == halved:
            source = halved
        if halved is not None and _erf_source(halved, makers) == other:
            source = other
    return None if source is None else replace(node, kind="fused Gelu", inputs=(source,))


def _with_erf(product: OnnxNode, makers: _Makers) -> str | None:
    """The name of x, if the product is x · (1 + erf(x / √2))."""
    for source in product.inputs:
        if _erf_source(_other(product, source), makers) == source:
            return source
    return None


def _erf_source(name: str, makers: _Makers) -> str | None:
    """The name of x, if the value is 1 + erf(x / √2)."""
    total = makers.only(name, "Add")
    error = makers.split(total, 1.0) if total is not None else None
    erf = makers.only(error, "Erf") if error is not None else None
    scaled = makers.makers.get(erf.inputs[0]) if erf is not None else None
    if scaled is None or scaled.kind not in {"Div", "Mul"}:
        return None
    return makers.split(scaled, math.sqrt(2) if scaled.kind == "Div" else math.sqrt(0.5))


def _other(node: OnnxNode, name: str) -> str:
    first, second = node.inputs
    return second if first == name else first


def _whole(compute: Callable[[Tensor], Tensor]) -> Callable[[Call], Tensor]:
    return lambda call: compute(call.tensor(0))


FUSED: Mapping[str, Callable[[Call], Tensor]] = {
    "fused Silu": _whole(functional.silu),
    "fused HardSwish": _whole(functional.hardswish),
    "fused Gelu": _whole(functional.gelu),
}
