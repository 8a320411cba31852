"""Splatted frames and the mask that blends them, for looking at: nothing here has a part in results."""

from __future__ import annotations

from typing import NamedTuple

import torch

from animeinterp.configs.sections import SynthesisSection
from animeinterp.models.arrays import Flow, Frame, check_pair
from animeinterp.models.light_synthesis import LightSynthesis
from animeinterp.models.reproducible import reproducible
from animeinterp.stages.composite import Composite
from animeinterp.stages.pair_batch import (
    FloatArray,
    Importances,
    RefinedPair,
    check_times,
    splat_both,
    to_array,
    to_tensors,
    weigh_pixels,
)


class SplattedFrames(NamedTuple):
    """Both frames of a pair carried to one time."""

    frame0: FloatArray
    """`(H, W, 3)`, RGB, 0..1; 0 in holes."""
    frame1: FloatArray
    """`(H, W, 3)`, RGB, 0..1; 0 in holes."""
    weight0: FloatArray
    """`(H, W)`, sum of the weights that landed on each pixel; exactly 0 in holes."""
    weight1: FloatArray
    """`(H, W)`, sum of the weights that landed on each pixel; exactly 0 in holes."""


def splat_frames(
    frame0: Frame,
    frame1: Frame,
    flow01: Flow,
    flow10: Flow,
    t: float,
    section: SynthesisSection,
    device: str | torch.device = "cpu",
    importances: Importances = (None, None),
) -> SplattedFrames:
    """Both frames carried to one time, before anything is drawn or blended.

    Parameters
    ----------
    frame0, frame1, flow01, flow10, section, device
        As for `synthesise`.
    t
        In (0, 1), 0 = frame 0.
    importances
        Of the pixels of frame 0 and frame 1, `(H, W)`; only for the light network.

    Returns
    -------
    SplattedFrames
        Frames and weight sums.

    Raises
    ------
    ValueError
        As for `synthesise`.
    """
    check_pair(frame0, frame1, flow01=flow01, flow10=flow10)
    check_times([t])
    with torch.inference_mode():
        if section.chosen_method == "composite":
            splat0, splat1 = Composite(frame0, frame1, flow01, flow10).splats(t)
            return SplattedFrames(splat0.colours, splat1.colours, splat0.weights, splat1.weights)
        batch = to_tensors([RefinedPair(frame0, frame1, flow01, flow10)], device, [importances])
        splatted0, splatted1 = splat_both(batch, weigh_pixels(batch, section), t)
        return SplattedFrames(
            to_array(splatted0.values)[0],
            to_array(splatted1.values)[0],
            to_array(splatted0.weights)[0, ..., 0],
            to_array(splatted1.weights)[0, ..., 0],
        )


def blend_mask(
    pair: RefinedPair,
    t: float,
    network: LightSynthesis,
    device: str | torch.device = "cpu",
    importances: Importances = (None, None),
) -> FloatArray:
    """What share of a frame the light network takes from frame 0.

    Parameters
    ----------
    pair, network, device
        As for `synthesise_together`.
    t
        In (0, 1), 0 = frame 0.
    importances
        As for `splat_frames`.

    Returns
    -------
    ndarray
        `(H, W)`, 0..1; the rest comes from frame 1.

    Raises
    ------
    ValueError
        As for `synthesise`.
    """
    check_pair(pair.frame0, pair.frame1, flow01=pair.flow01, flow10=pair.flow10)
    check_times([t])
    with torch.inference_mode(), reproducible():
        batch = to_tensors([pair], device, [importances])
        drawn = network.to(device)(
            *batch[:4], t, importance01=batch.importance01, importance10=batch.importance10
        )
        return to_array(drawn.mask)[0, ..., 0]
