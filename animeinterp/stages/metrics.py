"""Names of the scores; a file of its own, as readers of results need these names and nothing else."""

from __future__ import annotations

FRAME_METRICS = ("psnr", "ssim", "ie", "psnr_roi", "ssim_roi", "ie_roi", "ssim_gaussian", "chamfer", "lpips")
"""Of a frame."""

FLOW_METRICS = tuple(
    f"{flow}_epe{direction}{part}"
    for flow in ("coarse", "refined")
    for direction in ("01", "10")
    for part in ("", "_moving", "_occluded")
)
"""Of both flows of a pair, both ways."""

MATCHING_METRICS = ("match_precision", "match_precision_moved", "match_recall")
"""Of the matches of a pair."""

METRICS = (*FRAME_METRICS, *FLOW_METRICS, *MATCHING_METRICS)
"""All scores of a pair, in the order of tables."""
