"""The operators of ONNX that a file may call, as pure functions of torch; all others are refused.

None reads files, draws random numbers or has a result whose shape depends on the image's content.
"""

from collections.abc import Callable, Mapping

from workers.programs.onnx.call import Call, Result
from workers.programs.onnx.operators.arithmetic import ARITHMETIC
from workers.programs.onnx.operators.convolutions import CONVOLUTIONS
from workers.programs.onnx.operators.indexing import INDEXING
from workers.programs.onnx.operators.nonlinearities import NONLINEARITIES
from workers.programs.onnx.operators.normalizations import NORMALIZATIONS
from workers.programs.onnx.operators.pooling import POOLING
from workers.programs.onnx.operators.products import PRODUCTS
from workers.programs.onnx.operators.reductions import REDUCTIONS
from workers.programs.onnx.operators.resizing import RESIZING
from workers.programs.onnx.operators.shapes import SHAPES

OPERATORS: Mapping[str, Callable[[Call], Result]] = {
    **ARITHMETIC, **CONVOLUTIONS, **INDEXING, **NONLINEARITIES, **NORMALIZATIONS, **POOLING,
    **PRODUCTS, **REDUCTIONS, **RESIZING, **SHAPES,
}  # fmt: skip

__all__ = ["OPERATORS"]
