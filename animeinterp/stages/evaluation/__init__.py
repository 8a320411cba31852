"""Evaluation: how close the results of a pair are to the truth, by the published protocol and others.

`stages/metrics.py` names all scores. They come from:

1. The frame, scored by `evaluate_frame` here as RGB float in 0..1, clamped and not quantised:
   `ground_truth.py` resizes the truth, `frame_scores.py` and `line_distance.py` compare.
2. The flows, where the true ones are known: `flow_scores.py`.
3. The matches, where the true pieces are known: `matching_scores.py`.

`tests/stages/test_published_protocol.py` computes the published scores from their formulas and compares.

References
----------
Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, section 5 (arXiv 2104.02495).
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import EvaluationSection
from animeinterp.models.lpips import LPIPS
from animeinterp.stages.evaluation.frame_scores import (
    gaussian_ssim,
    interpolation_error,
    perceptual_distance,
    psnr,
    published_ssim,
)
from animeinterp.stages.evaluation.ground_truth import Region, fit_truth, scale_region
from animeinterp.stages.evaluation.line_distance import chamfer_line_distance
from animeinterp.stages.metrics import FRAME_METRICS


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
