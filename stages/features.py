"""Features of pieces: VGG-19 maps averaged over each piece, at several scales.

Frame (RGB uint8) and label map -> one row of features for each piece, non-negative, summing to 1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from stages.compiled import compiled
from stages.contours import check_frame

STAGE_VERSION = 1
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""

Network = Callable[[torch.Tensor], Sequence[torch.Tensor]]


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
        Takes an image (1, 3, H, W), RGB in 0..1, on `device`, and returns maps (1, C, h, w), each at 1,
        1/2, 1/4, ... of the frame, rounded down at every halving, such as `models.vgg19.VGG19`.
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
        If the frame is no colour frame, the label map has another size, or a map's size is no halving of the
        frame's.

    Notes
    -----
    The label map is halved by taking every second pixel from the second on, so thin or small pieces vanish
    from coarse maps and get zeros there. Frames under 16 px have empty maps at the deepest level: zeros too.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 4.1 (arXiv 2104.02495).
    """
    pooled = pool_frame(frame, label_map, piece_count, network, device)
    shifted = pooled - pooled.min(axis=1, keepdims=True)
    total = shifted.sum(axis=1, keepdims=True, dtype=np.float64)
    total[total == 0] = 1
    features: NDArray[np.float32] = (shifted / total).astype(np.float32)
    return features


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
    image = torch.from_numpy(np.ascontiguousarray(frame)).to(device).permute(2, 0, 1)[None].float() / 255
    with torch.inference_mode():
        feature_maps = [feature_map[0].float() for feature_map in network(image)]
    labels = label_map
    pooled = []
    for feature_map in feature_maps:
        height, width = feature_map.shape[1:]
        while labels.shape != (height, width) and labels.size > 0:
            labels = labels[1::2, 1::2]
        if labels.size == 0 and feature_map.numel() == 0:
            pooled.append(np.zeros((piece_count, feature_map.shape[0]), np.float32))
        else:
            pooled.append(pool_pieces(feature_map, labels, piece_count))
    return np.concatenate(pooled, axis=1)


def pool_pieces(
    feature_map: torch.Tensor | NDArray[np.float32], label_map: NDArray[np.int32], piece_count: int
) -> NDArray[np.float32]:
    """Average a map over each piece.

    Parameters
    ----------
    feature_map : (C, h, w) float32
        Array, or tensor on any device.
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
    Summed in double precision on the CPU, pixel after pixel: the result does not depend on thread counts or
    on the order in which a GPU happens to add.
    """
    if isinstance(feature_map, torch.Tensor):
        feature_map = feature_map.detach().cpu().numpy()
    if feature_map.ndim != 3 or feature_map.shape[1:] != label_map.shape:
        raise ValueError(
            f"feature_map has shape {feature_map.shape}; label_map {label_map.shape} asks for (C, h, w)"
        )
    if label_map.size and not 0 <= label_map.min() <= label_map.max() < piece_count:
        raise ValueError(
            f"label_map holds {label_map.min()}..{label_map.max()}; expected labels in 0..{piece_count - 1}"
        )
    labels = np.ascontiguousarray(label_map, dtype=np.int32).ravel()
    values = np.ascontiguousarray(feature_map, dtype=np.float32).reshape(feature_map.shape[0], -1)
    area = np.maximum(np.bincount(labels, minlength=piece_count), 1)
    means = _sum_over_pieces(values, labels, piece_count) / area
    return np.ascontiguousarray(means.T, dtype=np.float32)


@compiled
def _sum_over_pieces(
    values: NDArray[np.float32], labels: NDArray[np.int32], piece_count: int
) -> NDArray[np.float64]:
    sums = np.zeros((values.shape[0], piece_count))
    for c in range(values.shape[0]):
        for pixel in range(labels.size):
            sums[c, labels[pixel]] += values[c, pixel]
    return sums
