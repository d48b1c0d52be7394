"""Matrix products."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.programs.onnx.call import Call

_MATRIX = 2


def _matmul(call: Call) -> Tensor:
    left, right = call.tensor(0), call.tensor(1)
    if isinstance(right, nn.Parameter) and right.ndim == _MATRIX and left.ndim >= _MATRIX:
        return functional.linear(left, right.t())
    return torch.matmul(left, right)


def _gemm(call: Call) -> Tensor:
    attributes = call.attributes
    alpha, beta = attributes.decimal("alpha", 1.0), attributes.decimal("beta", 1.0)
    left = call.tensor(0).t() if attributes.flag("transA") else call.tensor(0)
    weight = call.tensor(1) if attributes.flag("transB") else call.tensor(1).t()
    bias = call.optional_tensor(2)
    if alpha == 1.0 and beta == 1.0 and (bias is None or bias.shape == weight.shape[:1]):
        return functional.linear(left, weight, bias)
    product = alpha * functional.linear(left, weight)
    return product if bias is None else product + beta * bias


def _einsum(call: Call) -> Tensor:
    operands = [call.tensor(position) for position in range(len(call.values))]
    return torch.einsum(call.attributes.text("equation", ""), *operands)


PRODUCTS: Mapping[str, Callable[[Call], Tensor]] = {
    "MatMul": _matmul,
    "Gemm": _gemm,
    "Einsum": _einsum,
}
