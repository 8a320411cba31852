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
    NO_HINTS,
    FloatArray,
    Hints,
    RefinedPair,
    check_times,
    splat_both,
    to_array,
    to_tensors,
    weigh_pixels,
)
from animeinterp.stages.synthesis import draw_lightly


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
    hints: Hints = NO_HINTS,
) -> SplattedFrames:
    """Both frames carried to one time, before anything is drawn or blended.

    Parameters
    ----------
    frame0, frame1, flow01, flow10, section, device
        As for `synthesise`.
    t
        In (0, 1), 0 = frame 0.
    hints
        Only for the light network.

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
        batch = to_tensors([RefinedPair(frame0, frame1, flow01, flow10)], device, [hints])
        splatted0, splatted1 = splat_both(batch, weigh_pixels(batch, section), t)
        return SplattedFrames(
            to_array(splatted0.values)[0],
            to_array(splatted1.values)[0],
            to_array(splatted0.weights)[0, ..., 0],
            to_array(splatted1.weights)[0, ..., 0],
        )


class Masks(NamedTuple):
    """What the light network takes from where."""

    frame0: FloatArray
    """`(H, W)`, 0..1: what share of the splatted frames is frame 0's; the rest comes from frame 1."""
    composite: FloatArray
    """`(H, W)`, 0..1: what share of the frame is the composite's; the rest comes from the splatted frames."""


def blend_masks(
    pair: RefinedPair,
    t: float,
    network: LightSynthesis,
    device: str | torch.device = "cpu",
    hints: Hints = NO_HINTS,
) -> Masks:
    """What shares of a frame the light network takes from frame 0 and from the composite.

    Parameters
    ----------
    pair, network, device
        As for `synthesise_together`.
    t
        In (0, 1), 0 = frame 0.
    hints
        As for `splat_frames`.

    Returns
    -------
    Masks
        Both shares.

    Raises
    ------
    ValueError
        As for `synthesise`.
    """
    check_pair(pair.frame0, pair.frame1, flow01=pair.flow01, flow10=pair.flow10)
    check_times([t])
    with torch.inference_mode(), reproducible():
        drawn = next(draw_lightly([pair], [hints], [t], network, device))
        return Masks(to_array(drawn.mask)[0, ..., 0], to_array(drawn.share)[0, ..., 0])
