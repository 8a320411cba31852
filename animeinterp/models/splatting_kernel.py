"""Splatting by CUDA kernels: forward, in a fixed order on request, and backward.

The kernels' contract is in `models/kernels/splat.cu`; `models.splatting.splat` decides when they are used.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from animeinterp.models.cuda_kernels import Argument, Launch, widened

SUM_BITS = 62
"""Bits for the magnitude of a sum of whole numbers: one of 64 is the sign, one is left for rounding."""


def splat_by_kernel(
    launch: Launch, values: Tensor, flow: Tensor, importance: Tensor | None, first: int, last: int
) -> tuple[Tensor, Tensor]:
    """Means and weights on target rows `first` to `last`, as `models.splatting.splat` describes them.

    Notes
    -----
    With `torch.use_deterministic_algorithms(True)` sums are of whole numbers, which no order changes. A
    target's unit is its largest weight (for sums, times the largest value) over `2^(SUM_BITS - bits)`, where
    `2^bits` is the number of sources that could land there: 2^-39 for a frame of 3840 x 2160, against 2^-24
    of float32. It takes 8 bytes more for each sum, and a read-back of one number.
    """
    dtype = widened(values, flow, importance)
    means, weights = _Splat.apply(  # type: ignore[no-untyped-call]
        launch,
        first,
        last,
        values.to(dtype),
        flow.to(dtype),
        None if importance is None else importance.to(dtype),
    )
    return means, weights


class _Splat(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        launch: Launch,
        first: int,
        last: int,
        values: Tensor,
        flow: Tensor,
        importance: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        batch, channels, height, width = values.shape
        factors = None if importance is None else importance[:, 0].exp().contiguous()
        sources = _sources(values, flow, factors, first, last)
        sums = values.new_zeros(batch, last - first, width, channels)
        weights = values.new_zeros(batch, last - first, width)
        items = batch * height * width * (channels + 1)
        if torch.are_deterministic_algorithms_enabled():
            _sum_whole_numbers(launch, values, sources, sums, weights)
        else:
            launch("splat_sums", values.dtype, items, (*sources, sums, weights))
        launch("splat_means", values.dtype, sums.numel(), (weights.numel(), channels, sums, weights))
        ctx.launch, ctx.rows = launch, (first, last)
        ctx.save_for_backward(values, flow, factors, sums, weights)
        return sums.permute(0, 3, 1, 2), weights[:, None]

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad_means: Tensor, grad_weights: Tensor) -> tuple[Tensor | None, ...]:
        values, flow, factors, means, weights = ctx.saved_tensors
        batch, channels, height, width = values.shape
        shared = (*_sources(values, flow, factors, *ctx.rows), weights, grad_means, *grad_means.stride())
        grad_values = grad_flow = grad_importance = None
        if ctx.needs_input_grad[3]:
            dense = values.new_empty(batch, height, width, channels)
            ctx.launch("splat_values_gradient", values.dtype, dense.numel(), (*shared, dense))
            grad_values = dense.permute(0, 3, 1, 2)
        if ctx.needs_input_grad[4] or ctx.needs_input_grad[5]:
            grad_flow = values.new_empty(flow.shape)
            grad_importance = values.new_empty(batch, 1, height, width)
            strides = [grad_weights.stride(axis) for axis in (0, 2, 3)]
            arguments = (*shared, means, grad_weights, *strides, grad_flow, grad_importance)
            ctx.launch("splat_flow_gradient", values.dtype, batch * height * width, arguments)
        return None, None, None, grad_values, grad_flow, None if factors is None else grad_importance


def _sources(
    values: Tensor, flow: Tensor, factors: Tensor | None, first: int, last: int
) -> tuple[Argument, ...]:
    """The arguments that all kernels over the sources share."""
    return (values, *values.stride(), flow, *flow.stride(), factors, *values.shape, first, last - first)


def _sum_whole_numbers(
    launch: Launch, values: Tensor, sources: tuple[Argument, ...], sums: Tensor, weights: Tensor
) -> None:
    batch, channels, height, width = values.shape
    pixels = batch * height * width
    # A source lands on a target once at most.
    bits = SUM_BITS - math.ceil(math.log2(max(height * width, 1)))
    finite = torch.where(values.isfinite(), values, 0).abs()
    largest = finite.max().item() if finite.numel() else 0.0
    value_exponent = math.frexp(largest)[1]
    exponents = torch.zeros_like(weights, dtype=torch.int32)
    sum_units = torch.zeros_like(sums, dtype=torch.int64)
    weight_units = torch.zeros_like(weights, dtype=torch.int64)
    launch("splat_exponents", values.dtype, pixels, (*sources, exponents))
    units = (exponents, bits, value_exponent, sum_units, weight_units)
    launch("splat_units", values.dtype, pixels * (channels + 1), (*sources, *units, sums, weights))
    items = weights.numel() * (channels + 1)
    launch("splat_from_units", values.dtype, items, (*units, weights.numel(), channels, sums, weights))
