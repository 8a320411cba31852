"""Convolutions in the precision of their weights, also on CPUs that do not compute in it."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d


class Convolution(nn.Conv2d):
    """A 2-D convolution that brings its input to the precision of its weights, see `convolve`."""

    def forward(self, x: Tensor) -> Tensor:
        """`(N, in_channels, H, W)` of any float type to `(N, out_channels, h, w)` of the weights'."""
        padding = tuple(int(extent) for extent in self.padding)
        return convolve(x, self.weight, self.bias, self.stride[0], padding)


def convolve(
    x: Tensor, weight: Tensor, bias: Tensor | None, stride: int = 1, padding: tuple[int, ...] = (0, 0)
) -> Tensor:
    """Convolve in the precision of the weights.

    Parameters
    ----------
    x
        `(N, C, H, W)`, of any float type.
    weight, bias
        `(K, C, rows, columns)` and `(K,)`, both of one float type.
    stride, padding
        As for `torch.nn.functional.conv2d`.

    Returns
    -------
    Tensor
        `(N, K, h, w)`, of the weights' type.

    Notes
    -----
    Sums are of float32 in every precision and rounded at the end. On a CPU without instructions for the lower
    ones the same is done by convolving in float32, as Torch's own way there takes 15 times as long.
    """
    if torch.is_autocast_enabled(x.device.type):
        return conv2d(x, weight, bias, stride, padding)  # autocast brings all of them to its own precision
    x = x.to(weight.dtype)
    if weight.dtype in (torch.float32, torch.float64) or _computes_in(weight):
        return conv2d(x, weight, bias, stride, padding)
    wide = None if bias is None else bias.float()
    return conv2d(x.float(), weight.float(), wide, stride, padding).to(x.dtype)


def _computes_in(weight: Tensor) -> bool:
    """Whether the device of the weights has convolutions in their precision, below float32."""
    if weight.device.type != "cpu":
        return True
    kind = {torch.bfloat16: "bf16", torch.float16: "fp16"}.get(weight.dtype, "")
    # Absent where Torch is built without oneDNN.
    supported = getattr(torch.ops.mkldnn, f"_is_mkldnn_{kind}_supported", None)
    return supported is not None and bool(supported())
