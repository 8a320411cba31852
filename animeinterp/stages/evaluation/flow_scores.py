"""Scores of a flow against the true one: end-point errors, in px."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

MOVES_FROM = 0.5
"""px; a pixel that truly moves less counts as standing still."""


def end_point_errors(
    flow: NDArray[np.float32], true_flow: NDArray[np.float32], occluded: NDArray[np.bool_]
) -> tuple[float, float, float]:
    """Mean distance between the end points of two flows.

    Parameters
    ----------
    flow, true_flow : (2, H, W) float32
        dx, dy in px, on one frame's grid.
    occluded : (H, W) bool
        Pixels that cannot be seen in the other frame; their true flow is known nevertheless.

    Returns
    -------
    tuple of float
        px, lower is better: over all pixels; over those that truly move by `MOVES_FROM` or more; over those
        that are occluded. nan where there are none.

    Raises
    ------
    ValueError
        If shapes do not fit, or the flow is not finite.

    References
    ----------
    Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011, section 4.1
    (doi:10.1007/s11263-010-0390-2).
    """
    if flow.shape != true_flow.shape or flow.shape[1:] != occluded.shape or len(flow) != 2:
        raise ValueError(
            f"flow has shape {flow.shape}, the true flow {true_flow.shape}, its occlusions {occluded.shape}; "
            "expected (2, H, W) twice and (H, W)"
        )
    if not np.isfinite(flow).all():
        raise ValueError("flow holds values that are not finite")
    error = np.hypot(*(flow.astype(np.float64) - true_flow))
    moving = np.hypot(*true_flow.astype(np.float64)) >= MOVES_FROM
    return _mean(error), _mean(error[moving]), _mean(error[occluded])


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if values.size else math.nan
