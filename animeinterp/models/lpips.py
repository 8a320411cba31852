"""LPIPS v0.1, the learned perceptual distance of two images, on AlexNet or VGG-16.

Input: RGB, `(N, 3, H, W)`, 0..1. Both images go through the first layers of a network trained for
classification; at five of its ReLUs the maps' channels are scaled to unit length at every pixel, and their
squared differences weighed by one learned number a channel, the *head*. The distance is the sum over the five
layers of the mean over the pixels.

References
----------
.. [1] R. Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018,
   equation 1. arXiv:1801.03924
.. [2] A. Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014, figure 3, as
   torchvision has it. arXiv:1404.5997
.. [3] K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
   ICLR 2015, table 1, column D. arXiv:1409.1556
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor, nn

from animeinterp.models.convolution import Convolution
from animeinterp.models.preprocessing import LPIPS_SCALE, LPIPS_SHIFT

BackboneName = Literal["alexnet", "vgg16"]

EPSILON = 1e-10
"""Added to lengths, so that a pixel whose channels are all 0 stays 0; likewise."""

VGG16_BLOCKS = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))  # channels, convolutions; [3]


@dataclass(frozen=True, slots=True)
class Backbone:
    """A network whose maps are compared."""

    taps: tuple[int, ...]
    """Positions in `features` of the ReLUs whose maps are taken."""
    channels: tuple[int, ...]
    """Channels of these maps."""
    smallest_side: int
    """px; of smaller images nothing is left at the last ReLU."""


BACKBONES: Mapping[BackboneName, Backbone] = MappingProxyType(
    {
        "alexnet": Backbone((1, 4, 7, 9, 11), (64, 192, 384, 256, 256), 31),
        "vgg16": Backbone((3, 8, 15, 22, 29), (64, 128, 256, 512, 512), 16),
    }
)


class LPIPS(nn.Module):
    """The distance of two images.

    Parameters
    ----------
    name
        Which backbone.

    Attributes
    ----------
    name : str
        The backbone's.
    smallest_side : int
        px; smaller images cannot be compared.
    features : torch.nn.Sequential
        The backbone up to the last ReLU that is taken, numbered as in torchvision.
    heads : torch.nn.ParameterList
        One `(C,)` a layer taken.
    """

    def __init__(self, name: BackboneName) -> None:
        super().__init__()
        backbone = BACKBONES[name]
        self.name = name
        self.smallest_side = backbone.smallest_side
        self._taps = backbone.taps
        modules = _alexnet() if name == "alexnet" else _vgg16()
        self.features = nn.Sequential(*list(modules)[: max(backbone.taps) + 1])
        self.heads = nn.ParameterList(torch.empty(channels) for channels in backbone.channels)

    def forward(self, images0: Tensor, images1: Tensor) -> Tensor:
        """Distances of the images of two batches, `(N,)`, from 0 = alike.

        Parameters
        ----------
        images0, images1
            RGB in 0..1, `(N, 3, H, W)` float32, sides of `smallest_side` or more.

        Raises
        ------
        ValueError
            Shapes differ, are of another kind, or sides are too short.
        """
        shape = tuple(images0.shape)
        if images1.shape != images0.shape or len(shape) != 4 or shape[1] != 3:
            raise ValueError(
                f"images have shapes {shape} and {tuple(images1.shape)}, expected (N, 3, H, W) twice"
            )
        if min(shape[2:]) < self.smallest_side:
            raise ValueError(f"images are of {shape[3]}x{shape[2]}, expected {self.smallest_side} px or more")
        distance = images0.new_zeros(shape[0])
        for head, map0, map1 in zip(self.heads, self._maps(images0), self._maps(images1), strict=True):
            weighed = (_unit(map0) - _unit(map1)).square_() * head[:, None, None]
            distance += weighed.sum(dim=1).mean(dim=(1, 2))
        return distance

    def _maps(self, images: Tensor) -> Iterator[Tensor]:
        shift, scale = (images.new_tensor(value).view(1, 3, 1, 1) for value in (LPIPS_SHIFT, LPIPS_SCALE))
        x = (2 * images - 1 - shift) / scale
        for position, module in enumerate(self.features):
            x = module(x)
            if position in self._taps:
                yield x


def head_shapes(name: BackboneName) -> dict[str, tuple[int, ...]]:
    """Names and shapes in the published file of heads."""
    return {f"lin{k}.model.1.weight": (1, c, 1, 1) for k, c in enumerate(BACKBONES[name].channels)}


def backbone_shapes(name: BackboneName) -> dict[str, tuple[int, ...]]:
    """Names and shapes of the convolutions in torchvision's file."""
    with torch.device("meta"):
        features = LPIPS(name).features
    return {f"features.{key}": tuple(value.shape) for key, value in features.state_dict().items()}


def _unit(maps: Tensor) -> Tensor:
    """Maps whose channels have length 1 at every pixel."""
    return maps / (maps.square().sum(dim=1, keepdim=True).sqrt_() + EPSILON)


def _alexnet() -> Iterator[nn.Module]:
    yield Convolution(3, 64, 11, stride=4, padding=2)
    yield nn.ReLU(inplace=True)
    yield nn.MaxPool2d(3, stride=2)
    yield Convolution(64, 192, 5, padding=2)
    yield nn.ReLU(inplace=True)
    yield nn.MaxPool2d(3, stride=2)
    for in_channels, out_channels in ((192, 384), (384, 256), (256, 256)):
        yield Convolution(in_channels, out_channels, 3, padding=1)
        yield nn.ReLU(inplace=True)


def _vgg16() -> Iterator[nn.Module]:
    in_channels = 3
    for channels, count in VGG16_BLOCKS:
        for _ in range(count):
            yield Convolution(in_channels, channels, 3, padding=1)
            yield nn.ReLU(inplace=True)
            in_channels = channels
        yield nn.MaxPool2d(2)
