"""PReLU of one slope, over its input where nobody else reads that."""

from __future__ import annotations

import torch
from torch import Tensor, nn
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
        if x.device.type != "cpu" or torch.is_grad_enabled():
            return super().forward(x)
        return leaky_relu(x, self.weight.item(), inplace=self.inplace)
