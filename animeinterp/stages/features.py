"""Features of pieces: VGG-19 maps averaged over each piece, at several scales.

Frame (RGB uint8) and label map -> one row of features for each piece, non-negative, summing to 1.
`tests/plain/features.py` is a plain, slow version: one piece, one channel and one pixel at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from animeinterp.models.compiled import compiled
from animeinterp.models.reproducible import reproducible
from animeinterp.stages.segmentation.contours import check_frame

Network = Callable[[torch.Tensor], Iterable[torch.Tensor]]


def describe_pieces(
    frame: NDArray[np.uint8],
    label_map: NDArray[np.int32],
    piece_count: int,
    network: Network,
    device: str | torch.device = "cpu",
) -> NDArray[np.float32]:
    """Describe each piece by the network's features.

    Parameters
    ----------
    frame : (H, W, 3) uint8
        RGB.
    label_map : (H, W) int32
        Pieces 0..piece_count-1.
    piece_count : int
        Number of pieces, n.
    network : callable
        Takes an image (1, 3, H, W), RGB in 0..1, on `device`, and gives maps (1, C, h, w), finest first, each
        at 1, 1/2, 1/4, ... of the frame, rounded down at every halving, such as `models.vgg19.VGG19`. An
        iterator that makes them one after the other keeps memory low: each is pooled when it comes.
    device : str or torch.device
        Where the network lives.

    Returns
    -------
    (n, C) float32
        The channels of all maps joined. Each row >= 0; it sums to 1, or is all 0 where all its features are
        equal.

    Raises
    ------
    ValueError
        If the frame is not a colour frame, the label map has another size, or a map's size is not a halving
        of the frame's.

    Notes
    -----
    The label map is halved by taking every second pixel from the second on, so thin or small pieces vanish
    from coarse maps and get zeros there. Frames under 16 px have few rows or none in the deepest maps; a map
    without pixels gives zeros as well.

    On one kind of CPU the result does not depend on thread counts. GPUs, and CPUs with other instructions,
    sum convolutions in another order: the last digits differ.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, Segment-Guided Matching
    (arXiv 2104.02495).
    """
    return normalise(pool_frame(frame, label_map, piece_count, network, device))


def normalise(pooled: NDArray[np.float32]) -> NDArray[np.float32]:
    """Make each row begin at 0 and sum to 1; a row of equal values becomes zeros.

    Parameters
    ----------
    pooled : (n, C) float32
        As `pool_frame` makes them.

    Returns
    -------
    (n, C) float32
        The row less its minimum, over the sum of that.
    """
    shifted = pooled - pooled.min(axis=1, keepdims=True)
    total = shifted.sum(axis=1, keepdims=True, dtype=np.float64)
    total[total == 0] = 1
    normalised: NDArray[np.float32] = (shifted / total).astype(np.float32)
    return normalised


def pool_frame(
    frame: NDArray[np.uint8],
    label_map: NDArray[np.int32],
    piece_count: int,
    network: Network,
    device: str | torch.device = "cpu",
) -> NDArray[np.float32]:
    """Average the network's maps over each piece, all channels joined: `describe_pieces` not normalised."""
    check_frame(frame)
    if label_map.shape != frame.shape[:2]:
        raise ValueError(f"label_map has shape {label_map.shape}; the frame is {frame.shape[:2]}")
    # The batch dimension goes first so that Torch takes the image for what it is: channels last.
    pixels = torch.from_numpy(np.ascontiguousarray(frame)[None]).to(device)
    image = pixels.permute(0, 3, 1, 2).float() / 255
    labels = label_map
    pooled = []
    with torch.inference_mode(), reproducible():
        for feature_map in network(image):
            labels = _halve_to((feature_map.shape[2], feature_map.shape[3]), labels)
            pooled.append(pool_pieces(feature_map[0], labels, piece_count))
    return np.concatenate(pooled, axis=1)


def _halve_to(size: tuple[int, int], label_map: NDArray[np.int32]) -> NDArray[np.int32]:
    halved = label_map
    while halved.shape != size and halved.shape != (0, 0):
        halved = halved[1::2, 1::2]
    if halved.shape != size:
        raise ValueError(
            f"the network gives a map of size {size}, which is not a halving of {label_map.shape}"
        )
    return halved


def pool_pieces(
    feature_map: torch.Tensor, label_map: NDArray[np.int32], piece_count: int
) -> NDArray[np.float32]:
    """Average a map over each piece.

    Parameters
    ----------
    feature_map : (C, h, w) float
        On any device. Read fastest when its channels lie last in memory.
    label_map : (h, w) int32
        Labels 0..piece_count-1.
    piece_count : int
        Number of pieces, n.

    Returns
    -------
    (n, C) float32
        0 for a piece without pixels.

    Raises
    ------
    ValueError
        If the sizes differ or a label is outside 0..piece_count-1.

    Notes
    -----
    Each sum runs over the piece's pixels in raster order, in double precision, on the CPU, so that the result
    does not depend on thread counts. Maps on a GPU are copied: there, atomic additions come in any order, and
    a fixed order leaves one thread a channel to walk through the largest piece, perhaps half the frame.
    """
    if feature_map.ndim != 3 or feature_map.shape[1:] != label_map.shape:
        raise ValueError(
            f"feature_map has shape {tuple(feature_map.shape)}; "
            f"label_map {label_map.shape} asks for (C, h, w)"
        )
    if label_map.size and not 0 <= label_map.min() <= label_map.max() < piece_count:
        raise ValueError(
            f"label_map holds {label_map.min()}..{label_map.max()}; expected labels in 0..{piece_count - 1}"
        )
    labels = np.ascontiguousarray(label_map, dtype=np.int32).ravel()
    values = feature_map.permute(1, 2, 0).contiguous().cpu().float().numpy()
    sums = sum_over_pieces(values.reshape(labels.size, len(feature_map)), labels, piece_count)
    area = np.bincount(labels, minlength=piece_count)
    return (sums / np.maximum(area, 1)[:, None]).astype(np.float32)


@compiled
def sum_over_pieces(
    values: NDArray[Any],  # (pixels, C): channels side by side, so the inner loop vectorises
    labels: NDArray[np.int32],  # (pixels,)
    piece_count: int,
) -> NDArray[np.float64]:
    """Sum each channel over each piece: (n, C), in double precision and raster order."""
    sums = np.zeros((piece_count, values.shape[1]))
    for pixel in range(labels.size):
        row, value = sums[labels[pixel]], values[pixel]
        for c in range(value.size):
            row[c] += value[c]
    return sums
