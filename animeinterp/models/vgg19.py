"""VGG-19 as a feature extractor: maps after chosen ReLUs, torchvision's parameter names.

Input: RGB, `(N, 3, H, W)`, 0..1; the ImageNet normalisation is done inside. Output: one map for each
layer asked for, one after the other. A layer is named `reluB_N`: the ReLU after the N-th convolution of
block B, at 1/2^(B-1) of the input's size, rounded down at every halving.

References
----------
.. [1] K. Simonyan, A. Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition",
   ICLR 2015, table 1, column E. arXiv:1409.1556
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from animeinterp.configs.sections import CONVOLUTIONS_PER_BLOCK
from animeinterp.models.convolution import Convolution
from animeinterp.models.preprocessing import IMAGENET_MEAN, IMAGENET_STD

CHANNELS_PER_BLOCK = (64, 128, 256, 512, 512)  # [1], table 1
KERNEL_SIZE = 3


class VGG19(nn.Module):
    """The convolutions of VGG-19 up to the deepest layer wanted.

    Parameters
    ----------
    layers
        Names such as `relu1_2`, each once, in the order of the network.

    Attributes
    ----------
    layers : tuple of str
        The names given.
    features : torch.nn.Sequential
        Convolutions, ReLUs and max-pools, numbered as in torchvision, so that the state dict's keys are
        `features.N.weight` and `features.N.bias`. Layers after the deepest one used are not built.

    Raises
    ------
    ValueError
        No layer, an unknown one, or layers out of order.

    Notes
    -----
    The parameters are PyTorch's random defaults until weights are loaded. What comes after the normalisation
    is computed and returned in their precision, float32 or bfloat16.
    """

    def __init__(self, layers: Sequence[str]) -> None:
        super().__init__()
        self.layers = tuple(layers)
        self._positions = [_position(layer) for layer in self.layers]
        if not self._positions:
            raise ValueError("layers is empty; expected at least one name such as 'relu1_1'")
        if self._positions != sorted(set(self._positions)):
            raise ValueError(
                f"layers {list(self.layers)} are out of order; maps come as the network makes them"
            )
        self.features = nn.Sequential(*list(_modules())[: max(self._positions) + 1])

    def forward(self, images: Tensor) -> Iterator[Tensor]:
        """Feature maps of a batch of images, each computed when it is asked for.

        Parameters
        ----------
        images
            RGB in 0..1, `(N, 3, H, W)`, float32.

        Returns
        -------
        iterator of Tensor
            One map `(N, C, H // s, W // s)` for each of `layers`, with C = 64, 128, 256, 512, 512 and
            s = 1, 2, 4, 8, 16 for blocks 1 to 5; channels last in memory. A map is empty where the image is
            smaller than s.

        Raises
        ------
        ValueError
            `images` is not of shape `(N, 3, H, W)`.

        Notes
        -----
        No map is kept once the next layer has read it. At the most, input and output of the second
        convolution are held: 512 bytes a pixel of the image in float32.
        """
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"images has shape {tuple(images.shape)}, expected (N, 3, H, W)")
        return self._maps(images)

    def _maps(self, images: Tensor) -> Iterator[Tensor]:
        mean, std = (images.new_tensor(value).view(1, 3, 1, 1) for value in (IMAGENET_MEAN, IMAGENET_STD))
        # Channels last: less time in convolutions on a CPU, and what the pooling of pieces reads fastest.
        x = ((images - mean) / std).to(next(self.parameters()).dtype, memory_format=torch.channels_last)
        for position, module in enumerate(self.features):
            x = _apply(module, x)
            if position in self._positions:
                yield x


def random_vgg19(layers: Sequence[str], seed: int) -> VGG19:
    """VGG-19 with He-initialised weights and zero biases drawn from a seed.

    Random convolutions of this depth still tell colours and textures apart, so the program can be used,
    and compared bit by bit, where no trained weights are at hand.

    Parameters
    ----------
    layers
        As for `VGG19`.
    seed
        The same seed gives the same weights, whatever the layers. Torch's global generator is untouched.

    Returns
    -------
    VGG19
        In eval mode, gradients off.

    Raises
    ------
    ValueError
        No layer, or an unknown one.

    Notes
    -----
    Numbers are drawn one convolution after the other: first PyTorch's default initialisation, then the
    normal distribution that replaces it. Leaving out the convolutions behind the deepest layer
    therefore changes nothing in those before it.

    References
    ----------
    .. [1] K. He et al., "Delving Deep into Rectifiers", ICCV 2015, section 2.2. arXiv:1502.01852
    """
    network = _on_meta(layers)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for position, module in enumerate(network.features):
            if isinstance(module, Convolution):
                convolution = _convolution(module.in_channels, module.out_channels)
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]  # the convolution has a bias
                network.features[position] = convolution
    return network.eval().requires_grad_(False)


def convolution_shapes() -> dict[str, tuple[int, ...]]:
    """Names and shapes of the parameters of all 16 convolutions, as in a whole weights file."""
    shapes: dict[str, tuple[int, ...]] = {}
    with torch.device("meta"):
        for position, module in enumerate(_modules()):
            for name, parameter in module.named_parameters():
                shapes[f"features.{position}.{name}"] = tuple(parameter.shape)
    return shapes


def _on_meta(layers: Sequence[str]) -> VGG19:
    with torch.device("meta"):
        return VGG19(layers)


def _modules() -> Iterator[nn.Module]:
    in_channels = 3
    for count, channels in zip(CONVOLUTIONS_PER_BLOCK, CHANNELS_PER_BLOCK, strict=True):
        for _ in range(count):
            yield _convolution(in_channels, channels)
            yield nn.ReLU(inplace=True)  # the convolution's own output is nobody's
            in_channels = channels
        yield nn.MaxPool2d(2)


def _convolution(in_channels: int, out_channels: int) -> Convolution:
    return Convolution(in_channels, out_channels, KERNEL_SIZE, padding=KERNEL_SIZE // 2)


def _position(layer: str) -> int:
    """Place of a layer in `features`."""
    names = {}
    position = 0
    for block, count in enumerate(CONVOLUTIONS_PER_BLOCK, start=1):
        for number in range(1, count + 1):
            names[f"relu{block}_{number}"] = position + 1  # behind its convolution
            position += 2
        position += 1  # the max-pool
    if layer not in names:
        raise ValueError(f"layers names {layer!r}, which VGG-19 does not have; expected {', '.join(names)}")
    return names[layer]


def _apply(module: nn.Module, x: Tensor) -> Tensor:
    """Run a module, also where halving has left no pixel, which Torch's own operators refuse."""
    if isinstance(module, nn.MaxPool2d):
        height, width = x.shape[-2] // 2, x.shape[-1] // 2
        if height == 0 or width == 0:
            return x.new_zeros((*x.shape[:2], height, width))
    if isinstance(module, Convolution) and x.numel() == 0:
        return x.new_zeros((x.shape[0], module.out_channels, *x.shape[2:]))
    result: Tensor = module(x)
    return result
