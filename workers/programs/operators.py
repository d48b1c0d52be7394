"""The operators that an uploaded graph may call; all others are rejected.

All are pure tensor functions of aten, or arithmetic on sizes. None reads files, draws
random numbers, leaves memory uninitialized, or has a result whose shape depends on data.
"""

import math
import operator
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from workers.programs import limits
from workers.programs.refusal import ProgramRefusedError

_NONLINEARITIES = """
relu.default relu6.default hardtanh.default sigmoid.default hardsigmoid.default tanh.default
gelu.default silu.default elu.default celu.default selu.default softplus.default
hardswish.default leaky_relu.default mish.default log_sigmoid.default prelu.default
threshold.default clamp.default clamp_min.default clamp_max.default softshrink.default
hardshrink.default
"""
_LAYERS = """
conv1d.default conv1d.padding conv2d.default conv2d.padding conv3d.default conv3d.padding
convolution.default conv_transpose1d.default conv_transpose2d.input conv_transpose3d.input
linear.default addmm.default mm.default bmm.default baddbmm.default matmul.default
einsum.default dot.default outer.default tensordot.default bilinear.default
batch_norm.default layer_norm.default group_norm.default instance_norm.default rms_norm.default
native_layer_norm.default native_group_norm.default _native_batch_norm_legit_no_training.default
scaled_dot_product_attention.default softmax.int _softmax.default log_softmax.int
_log_softmax.default logsumexp.default embedding.default linalg_vector_norm.default
max_pool1d.default max_pool2d.default max_pool3d.default max_pool2d_with_indices.default
avg_pool1d.default avg_pool2d.default avg_pool3d.default
adaptive_avg_pool1d.default adaptive_avg_pool2d.default adaptive_avg_pool3d.default
adaptive_max_pool1d.default adaptive_max_pool2d.default _adaptive_avg_pool2d.default
upsample_nearest1d.vec upsample_nearest1d.default upsample_nearest2d.vec
upsample_nearest2d.default _upsample_nearest_exact2d.vec _upsample_nearest_exact2d.default
upsample_bilinear2d.vec upsample_bilinear2d.default _upsample_bilinear2d_aa.vec
_upsample_bilinear2d_aa.default upsample_bicubic2d.vec upsample_bicubic2d.default
_upsample_bicubic2d_aa.vec _upsample_bicubic2d_aa.default upsample_linear1d.vec
upsample_trilinear3d.vec grid_sampler.default grid_sampler_2d.default affine_grid_generator.default
pixel_shuffle.default pixel_unshuffle.default channel_shuffle.default
native_channel_shuffle.default im2col.default col2im.default unfold.default
pad.default constant_pad_nd.default reflection_pad1d.default reflection_pad2d.default
replication_pad1d.default replication_pad2d.default glu.default
dropout.default feature_dropout.default alpha_dropout.default
"""
_ARITHMETIC = """
add.Tensor add.Scalar sub.Tensor sub.Scalar rsub.Scalar rsub.Tensor mul.Tensor mul.Scalar
div.Tensor div.Scalar div.Tensor_mode div.Scalar_mode floor_divide.default remainder.Scalar
remainder.Tensor fmod.Scalar multiply.Tensor subtract.Tensor divide.Tensor true_divide.Tensor
pow.Tensor_Scalar pow.Tensor_Tensor pow.Scalar square.default sqrt.default rsqrt.default
reciprocal.default exp.default expm1.default log.default log1p.default log2.default abs.default
neg.default negative.default sign.default erf.default sin.default cos.default tan.default
atan.default atan2.default floor.default ceil.default round.default trunc.default addcmul.default
addcdiv.default lerp.Tensor lerp.Scalar maximum.default minimum.default clamp.Tensor
clamp_min.Tensor clamp_max.Tensor nan_to_num.default logaddexp.default hypot.default xlogy.Tensor
sum.default sum.dim_IntList mean.default mean.dim var.correction var.dim var.default std.correction
std.dim std.default var_mean.correction var_mean.dim std_mean.correction amax.default amin.default
max.default max.dim max.other min.default min.dim min.other argmax.default argmin.default prod.default
prod.dim_int norm.ScalarOpt_dim norm.Scalar cumsum.default cumprod.default topk.default sort.default
argsort.default cross.default linalg_cross.default cosine_similarity.default
eq.Tensor eq.Scalar ne.Tensor ne.Scalar lt.Tensor lt.Scalar le.Tensor le.Scalar gt.Tensor gt.Scalar
ge.Tensor ge.Scalar logical_and.default logical_or.default logical_not.default logical_xor.default
bitwise_and.Tensor bitwise_or.Tensor bitwise_not.default isnan.default isinf.default isfinite.default
any.default any.dim all.default all.dim where.self where.ScalarOther where.ScalarSelf where.Scalar
masked_fill.Scalar masked_fill.Tensor fft_rfft2.default fft_irfft2.default
"""
_SHAPES = """
view.default reshape.default reshape_as.default view_as.default _unsafe_view.default flatten.using_ints
unflatten.int transpose.int permute.default t.default swapaxes.default movedim.int movedim.intlist
moveaxis.int moveaxis.intlist squeeze.default squeeze.dim squeeze.dims unsqueeze.default
expand.default expand_as.default broadcast_to.default repeat.default repeat_interleave.self_int
tile.default cat.default concat.default concatenate.default stack.default hstack.default
vstack.default split.Tensor split.sizes split_with_sizes.default chunk.default tensor_split.sections
unbind.int select.int slice.Tensor narrow.default index.Tensor index_select.default gather.default
scatter.src scatter.value scatter_add.default index_put.default slice_scatter.default
select_scatter.default roll.default flip.default rot90.default tril.default triu.default
diagonal.default meshgrid.default meshgrid.indexing atleast_1d.default one_hot.default
contiguous.default clone.default alias.default detach.default lift_fresh_copy.default
lift_fresh.default to.dtype to.dtype_layout to.device to.other _to_copy.default type_as.default
copy.default fill.Scalar fill.Tensor zero.default numpy_T.default mT.default ravel.default
_reshape_alias.default adjoint.default
"""
_CREATION = """
zeros.default ones.default full.default arange.default arange.start arange.start_step
linspace.default eye.default eye.m scalar_tensor.default zeros_like.default ones_like.default
full_like.default new_zeros.default new_ones.default new_full.default ones_like.default
"""
_CREATORS = {"zeros", "ones", "full", "arange", "linspace", "eye", "scalar_tensor"}
_SIZES = "sym_size.int sym_numel.default sym_stride.int"
_CHECKS = """
_assert_tensor_metadata.default _assert_scalar.default _assert_async.msg sym_constrain_range.default
sym_constrain_range_for_size.default
"""

_VIEW_NAMES = """
view reshape reshape_as view_as flatten unflatten transpose permute t swapaxes movedim moveaxis
squeeze unsqueeze expand expand_as broadcast_to split split_with_sizes chunk tensor_split unbind
select slice narrow diagonal contiguous alias detach lift_fresh to type_as dropout
feature_dropout alpha_dropout numpy_T mT ravel _reshape_alias adjoint _unsafe_view
atleast_1d meshgrid unfold pad
"""

NONLINEARITIES = frozenset(_NONLINEARITIES.split())
_ALLOWED = NONLINEARITIES.union(
    *(group.split() for group in (_LAYERS, _ARITHMETIC, _SHAPES, _CREATION, _SIZES))
)
_IGNORED = frozenset(_CHECKS.split())
_VIEWS = frozenset(_VIEW_NAMES.split())
_PREFIX = "torch.ops.aten."


def _floor_division(left: int, right: int) -> int:
    return left // right


_ON_SIZES: dict[str, Callable[..., Any]] = {
    "_operator.add": operator.add,
    "_operator.sub": operator.sub,
    "_operator.mul": operator.mul,
    "_operator.floordiv": _floor_division,
    "_operator.mod": operator.mod,
    "_operator.neg": operator.neg,
    "_operator.truediv": operator.truediv,
    "_operator.eq": operator.eq,
    "_operator.ne": operator.ne,
    "_operator.lt": operator.lt,
    "_operator.le": operator.le,
    "_operator.gt": operator.gt,
    "_operator.ge": operator.ge,
    "_operator.and_": operator.and_,
    "_operator.or_": operator.or_,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_not": operator.not_,
    "math.floor": math.floor,
    "math.ceil": math.ceil,
    "math.trunc": math.trunc,
}


@dataclass(frozen=True)
class Operator:
    """The implementation of a node's target.

    ``parameters`` are the names of the schema in order, None for arithmetic on sizes; the last
    ``keyword_only`` of them are passed by name. ``defaults`` fills those that a graph leaves out.
    ``creates``: makes a tensor from numbers only, on some device.
    ``in_place``: the graph overwrites the first argument; ``run`` itself never does.
    """

    name: str
    run: Callable[..., Any]
    parameters: tuple[str, ...] | None = None
    keyword_only: frozenset[str] = frozenset()
    defaults: tuple[tuple[str, Any], ...] = ()
    in_place: bool = False
    views: bool = False
    nonlinear: bool = False
    creates: bool = False


def is_ignored(target: str) -> bool:
    """Whether the node is an assertion without a result, which is skipped."""
    return target.startswith(_PREFIX) and target.removeprefix(_PREFIX) in _IGNORED


def operator_of(target: str) -> Operator:
    """The operator behind a node's target.

    Raises:
        ProgramRefusedError: ``operator_not_allowed``.
    """
    if target in _ON_SIZES:
        return Operator(target.rpartition(".")[2], _bounded(_ON_SIZES[target]))
    name = target.removeprefix(_PREFIX)
    if not target.startswith(_PREFIX) or _functional(name) not in _ALLOWED:
        raise _not_allowed(target)
    return _aten(name)


def _not_allowed(target: str) -> ProgramRefusedError:
    return ProgramRefusedError(
        "operator_not_allowed",
        f"the graph calls {target[:120]}",
        "replace that call by ordinary tensor operations and export again",
    )


def _functional(name: str) -> str:
    """``relu_.default`` → ``relu.default``: the pure form of an in-place operator."""
    base, _, overload = name.partition(".")
    return f"{base.removesuffix('_')}.{overload}"


def _aten(name: str) -> Operator:
    """An allow-listed operator of aten with the names of its parameters."""
    base, _, overload = _functional(name).partition(".")
    run = getattr(getattr(torch.ops.aten, base), overload)
    # Parameter names of the in-place form: dropout_ says `self` where dropout says `input`.
    named_operator = getattr(getattr(torch.ops.aten, name.partition(".")[0], None), overload, None)
    if named_operator is None:
        raise _not_allowed(_PREFIX + name)
    arguments = named_operator._schema.arguments
    return Operator(
        name=base,
        run=run,
        parameters=tuple(argument.name for argument in arguments),
        keyword_only=frozenset(argument.name for argument in arguments if argument.kwarg_only),
        defaults=tuple(
            (argument.name, argument.default_value)
            for argument in arguments
            if argument.has_default_value()
        ),
        in_place=named_operator is not run,
        views=base in _VIEWS,
        nonlinear=f"{base}.{overload}" in NONLINEARITIES,
        creates=base in _CREATORS,
    )


def _bounded(compute: Callable[..., Any]) -> Callable[..., Any]:
    """Arithmetic on sizes whose results stay in the integer range."""

    def bounded(*numbers: int) -> Any:
        if any(not isinstance(number, int | float) for number in numbers):
            raise TypeError("arithmetic on sizes takes numbers")
        result = compute(*numbers)
        if isinstance(result, int | float) and abs(result) > limits.INTEGER:
            raise OverflowError("a size is out of range")
        return result

    return bounded
