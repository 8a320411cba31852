"""Scores of an in-between frame against the ground truth, as published and conventional.

Frames are compared as RGB float in 0..1, clamped and not quantised. The other scores of a pair, of its flows
and matches, have modules of their own.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from skimage.metrics import structural_similarity

from configs.sections import EvaluationSection
from models.lpips import LPIPS
from models.reproducible import reproducible
from stages.evaluation.flow_scores import FLOW_METRICS
from stages.evaluation.matching_scores import MATCHING_METRICS

STAGE_VERSION = 3
"""Raised whenever results change, so that cached ones of earlier versions are not taken for these."""

FRAME_METRICS = ("psnr", "ssim", "ie", "psnr_roi", "ssim_roi", "ie_roi", "ssim_gaussian", "chamfer", "lpips")
"""Names of the scores of a frame."""

METRICS = (*FRAME_METRICS, *FLOW_METRICS, *MATCHING_METRICS)
"""Names of all scores of a pair, in the order of tables."""

PUBLISHED_WINDOW = 7  # px, uniform
PUBLISHED_RANGE = 2.0  # the old default for float images, whose range was taken as -1..1
GAUSSIAN_WINDOW = 11  # px, sigma 1.5; Wang et al. 2004
GAUSSIAN_SIGMA = 1.5

# Difference of Gaussians for the lines; Chen & Zwicker 2022.
FINE_SIGMA, FINE_SIZE = 1.0, 9
COARSE_SIGMA, COARSE_SIZE = 1.6, 13
LINE_GAIN, LINE_OFFSET, LINE_LEVEL = 2.0, 0.01, 0.5

Region = tuple[float, float, float, float]


def evaluate_frame(
    prediction: NDArray[np.float32],
    truth: NDArray[np.uint8] | NDArray[np.float32],
    roi: Region | None,
    image_size: tuple[int, int] | None,
    section: EvaluationSection,
    lpips: LPIPS | None = None,
) -> dict[str, float]:
    """Score a predicted frame.

    Parameters
    ----------
    prediction : (H, W, 3) float32
        RGB; values are clamped to 0..1.
    truth : (h, w, 3) uint8 or float
        RGB, 0..255 or 0..1; resized with an antialiased Lanczos filter where its size differs from (H, W).
    roi : (x, y, width, height) or None
        Region of interest in px of the annotated image.
    image_size : (W, H) or None
        Width and height of the annotated image; None = those of the prediction.
    section : EvaluationSection
        Which optional scores to compute.
    lpips : models.lpips.LPIPS or None
        Network of the learned distance, on any device.

    Returns
    -------
    dict of str to float
        One value for each of `FRAME_METRICS`:

        - `psnr` (dB, higher is better; inf for a perfect prediction), `ssim` (-1..1), `ie`
          (interpolation error, root of the summed squared channel differences, 0..442, lower is better);
        - `psnr_roi`, `ssim_roi`, `ie_roi`: the same inside the region, nan without one or where it is empty;
        - `ssim_gaussian`: data range 1, Gaussian window of 11 px; nan when switched off;
        - `chamfer`: chamfer line distance, 0..1, lower is better; nan when switched off;
        - `lpips`: learned perceptual distance, from 0, lower is better; nan without a network, and for frames
          smaller than it can take.

    Raises
    ------
    ValueError
        If a frame has not the shape (H, W, 3), the prediction is not finite, or the RoI or image size is not
        positive.

    Notes
    -----
    `ssim` is what the published figures are: a uniform window of 7 px and a data range of 2, which scores
    higher than the conventional range of 1. It is nan where a side is shorter than the window.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 5 (arXiv 2104.02495).
    Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity", IEEE TIP 2004
    (doi:10.1109/TIP.2003.819861).
    Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011
    (doi:10.1007/s11263-010-0390-2), for the interpolation error.
    Chen & Zwicker, "Improving the Perceptual Quality of 2D Animation Interpolation", ECCV 2022
    (doi:10.1007/978-3-031-19790-1_17), for the chamfer line distance.
    Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric", CVPR 2018
    (arXiv 1801.03924), for LPIPS.
    """
    for name, frame in (("prediction", prediction), ("truth", truth)):
        if frame.ndim != 3 or frame.shape[2] != 3 or frame.size == 0:
            raise ValueError(f"{name} has shape {frame.shape}; expected (H, W, 3), not empty")
    if not np.isfinite(prediction).all():
        raise ValueError("prediction holds values that are not finite")
    height, width = prediction.shape[:2]
    predicted = np.clip(prediction, 0, 1).astype(np.float32)
    wanted = fit_truth(truth, height, width)

    scores = dict.fromkeys(FRAME_METRICS, math.nan)
    scores["psnr"], scores["ssim"], scores["ie"] = _published_scores(predicted, wanted)
    if roi is not None:
        window = scale_region(roi, image_size or (width, height), (height, width))
        scores["psnr_roi"], scores["ssim_roi"], scores["ie_roi"] = _published_scores(
            predicted[window], wanted[window]
        )
    if section.conventional_ssim:
        scores["ssim_gaussian"] = gaussian_ssim(predicted, wanted)
    if section.chamfer:
        scores["chamfer"] = chamfer_line_distance(predicted, wanted)
    if lpips is not None:
        scores["lpips"] = perceptual_distance(predicted, wanted, lpips)
    return scores


def psnr(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Peak signal-to-noise ratio of frames in 0..1, dB; inf where they are equal."""
    error = float(np.mean((predicted.astype(np.float64) - wanted) ** 2))
    return -10 * math.log10(error) if error > 0 else math.inf


def interpolation_error(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Mean over the pixels of the Euclidean colour difference of frames in 0..1, on the scale 0..255."""
    difference = 255 * (predicted.astype(np.float64) - wanted)
    return float(np.sqrt((difference**2).sum(axis=2)).mean())


def published_ssim(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Structural similarity of the paper's tables: uniform window of 7 px, data range 2; nan below 7 px."""
    if min(predicted.shape[:2]) < PUBLISHED_WINDOW:
        return math.nan
    return float(
        structural_similarity(
            predicted.astype(np.float64),
            wanted.astype(np.float64),
            data_range=PUBLISHED_RANGE,
            channel_axis=-1,
            win_size=PUBLISHED_WINDOW,
            gaussian_weights=False,
            use_sample_covariance=True,
        )
    )


def gaussian_ssim(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Structural similarity of Wang et al.: Gaussian window of 11 px, data range 1; nan below 11 px."""
    if min(predicted.shape[:2]) < GAUSSIAN_WINDOW:
        return math.nan
    return float(
        structural_similarity(
            predicted.astype(np.float64),
            wanted.astype(np.float64),
            data_range=1.0,
            channel_axis=-1,
            gaussian_weights=True,
            sigma=GAUSSIAN_SIGMA,
            use_sample_covariance=False,
        )
    )


def perceptual_distance(predicted: NDArray[np.float32], wanted: NDArray[np.float32], network: LPIPS) -> float:
    """LPIPS of two frames in 0..1; nan where a side is shorter than the network can take."""
    if min(predicted.shape[:2]) < network.smallest_side:
        return math.nan
    device = network.heads[0].device
    images = (
        torch.from_numpy(np.ascontiguousarray(frame.transpose(2, 0, 1)[None])).to(device)
        for frame in (predicted, wanted)
    )
    with torch.inference_mode(), reproducible():
        return float(network(*images))


def chamfer_line_distance(predicted: NDArray[np.float32], wanted: NDArray[np.float32]) -> float:
    """Distance between the lines of two frames, as a share of the diagonal.

    Notes
    -----
    Half the sum of both directions: distance to the nearest line of the other frame at each line pixel,
    0 elsewhere, averaged over *all* pixels. Where a frame has no lines its distance is the diagonal.
    """
    lines0, lines1 = find_lines(predicted), find_lines(wanted)
    diagonal = math.hypot(*lines0.shape)
    there = np.mean(lines1 * _distance_to(lines0, diagonal))
    back = np.mean(lines0 * _distance_to(lines1, diagonal))
    return float((there + back) / 2 / diagonal)


def find_lines(frame: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Dark lines of a frame (H, W, 3) in 0..1, by a difference of Gaussians on its grey values."""
    gray = cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2GRAY)
    fine, coarse = (
        cv2.GaussianBlur(gray, (size, size), sigma, borderType=cv2.BORDER_REPLICATE)
        for size, sigma in ((FINE_SIZE, FINE_SIGMA), (COARSE_SIZE, COARSE_SIGMA))
    )
    lines: NDArray[np.bool_] = LINE_LEVEL + LINE_GAIN * (coarse - fine) - LINE_OFFSET > LINE_LEVEL
    return lines


def scale_region(roi: Region, image_size: tuple[int, int], size: tuple[int, int]) -> tuple[slice, slice]:
    """Scale a region of an annotated image to the working size, as rows and columns.

    Parameters
    ----------
    roi : (x, y, width, height)
        Px of the annotated image.
    image_size : (W, H)
        The annotated image's width and height.
    size : (height, width)
        Working size.

    Raises
    ------
    ValueError
        If the image size is not positive or the region is negative.

    Notes
    -----
    Each number by itself is divided by the scale and floored, as published. What lies outside is cut off.
    """
    if min(image_size) <= 0:
        raise ValueError(f"image_size is {image_size}; expected a positive width and height")
    if min(roi) < 0:
        raise ValueError(f"roi is {roi}; expected x, y, width and height of 0 or more")
    scale_x, scale_y = image_size[0] / size[1], image_size[1] / size[0]
    x, width = int(roi[0] // scale_x), int(roi[2] // scale_x)
    y, height = int(roi[1] // scale_y), int(roi[3] // scale_y)
    return slice(y, y + height), slice(x, x + width)


def _published_scores(
    predicted: NDArray[np.float32], wanted: NDArray[np.float32]
) -> tuple[float, float, float]:
    if predicted.size == 0:
        return math.nan, math.nan, math.nan
    return (
        psnr(predicted, wanted),
        published_ssim(predicted, wanted),
        interpolation_error(predicted, wanted),
    )


def fit_truth(truth: NDArray[np.uint8] | NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Bring the ground truth to the working size and to float32 in 0..1."""
    if truth.dtype == np.uint8:
        if truth.shape[:2] != (height, width):
            # Rounded to uint8 again, as when the published figures were made.
            truth = np.asarray(Image.fromarray(truth).resize((width, height), Image.Resampling.LANCZOS))
        return truth.astype(np.float32) / np.float32(255)
    wanted = np.clip(truth, 0, 1).astype(np.float32)
    if wanted.shape[:2] != (height, width):
        channels = [
            Image.fromarray(np.ascontiguousarray(wanted[..., c])).resize(
                (width, height), Image.Resampling.LANCZOS
            )
            for c in range(3)
        ]
        wanted = np.clip(np.stack([np.asarray(channel) for channel in channels], axis=-1), 0, 1)
    return wanted


def _distance_to(lines: NDArray[np.bool_], diagonal: float) -> NDArray[np.float32]:
    """Euclidean distance of each pixel to the nearest line, px."""
    if not lines.any():
        return np.full(lines.shape, diagonal, np.float32)
    return np.asarray(
        cv2.distanceTransform((~lines).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE), np.float32
    )
