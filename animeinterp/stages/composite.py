"""Synthesis without weights: both frames are splatted, and at each place the more reliable one wins.

The weight of a pixel says how reliable its flow is: whether the other frame looks the same at its end, and
whether the flow back leads home. Where both frames bring reliable pixels they are averaged, the nearer frame
counting more; where they disagree, the more reliable one is shown, so nothing appears twice, half
transparent. Places that no reliable pixel reaches show the background, moved by its own motion from a frame
in which no figure hides it. What is left is filled from its surroundings.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from animeinterp.models.arrays import Flow, Frame
from animeinterp.models.splatting import IMPORTANCE_LIMIT, splat
from animeinterp.stages.inverse_search.dominant_motions import consistent_vectors, dominant_motions
from animeinterp.stages.inverse_search.flow_agreement import Agreement, FloatMap, agreement

# All were chosen by the frames of drawn pairs and of real ones, see docs/quality.md.
# Importance, the logarithm of a pixel's weight, falls
BY_DIFFERENCE = 20.0  # for each unit of colour difference, 0..1, averaged over
DIFFERENCE_SIDE = 3  # px,
BY_INCONSISTENCY = 0.5  # and for each px by which the flow back misses, up to
MOST_INCONSISTENCY = 6.0  # px.
IN_FRONT = 4.0  # It rises by this for a figure, which hides the background that it passes.
OUTSIDE_DIFFERENCE, OUTSIDE_INCONSISTENCY = 0.1, 3.0  # what counts for a pixel that leaves the frame

LEAST_WEIGHT = 3e-3  # below it a place counts as reached by nothing
BACKGROUND_WEIGHT = 0.03  # of the background where it is sure; pixels that landed weigh up to 1
BACKGROUND_FLOOR = 0.01  # of it among reliable pixels, which
BACKGROUND_SIDE = 7  # px over which its sureness is averaged
CROWD_SIDE, CROWDED = 15, 0.1  # hold it back: px over which they are averaged, and their weight that does so
COLOURS_AGREE = 0.06  # 0..1: how far both frames' views of the background may differ
SURE_DIFFERENCE, SURE_INCONSISTENCY = 0.06, 1.5  # 0..1 and px: of a pixel known to belong to a figure
SURE_SIDE = 5  # px over which that difference is averaged
LEAST_SHARE = np.float32(1e-6)  # of either view, so that their shares can be divided
FIGURE_FROM = 2.0  # px from the background's motion
FIGURE_SPREAD = 2.0  # px: the outlines of figures belong to them
FILL_RADIUS = 3  # px, of what is filled from around


class _View(NamedTuple):
    """One frame, on its own grid."""

    frame: FloatMap
    """(H, W, 3), 0..1."""
    flow: Flow
    """(2, H, W): the whole way to the other frame, px."""
    importance: FloatMap
    """(H, W)."""
    figure: FloatMap | None
    """(H, W), 0..1: how surely a pixel belongs to a figure before the background; None without background."""


class Splat(NamedTuple):
    """A frame carried to a time."""

    colours: FloatMap
    """(H, W, 3), RGB, 0..1; 0 in holes."""
    weights: FloatMap
    """(H, W): sum of the weights that landed on each pixel; exactly 0 in holes."""


class Composite:
    """A pair made ready to be drawn at any time.

    Parameters
    ----------
    frame0, frame1 : (H, W, 3) uint8
        RGB, of one size.
    flow01, flow10 : (2, H, W) float32
        x before y, px; the whole way to the other frame; finite.
    colours0, colours1 : (H, W, 3) float32
        What the frames are drawn from, 0..1; by default their own colours of 8 bits.

    Notes
    -----
    The background is taken to move by the vector that most consistent pixels share. Exchanging the frames and
    taking `1 - t` gives the same frame, but for rounding and ties.

    References
    ----------
    S. Niklaus, F. Liu, "Softmax Splatting for Video Frame Interpolation", CVPR 2020 (arXiv 2003.05534).
    A. Telea, "An Image Inpainting Technique Based on the Fast Marching Method", Journal of Graphics Tools
    2004 (doi:10.1080/10867651.2004.10487596).
    """

    def __init__(
        self,
        frame0: Frame,
        frame1: Frame,
        flow01: Flow,
        flow10: Flow,
        colours0: FloatMap | None = None,
        colours1: FloatMap | None = None,
    ) -> None:
        found01 = agreement(frame0, frame1, flow01, flow10)
        found10 = agreement(frame1, frame0, flow10, flow01)
        self._motion = _background_motion(flow01, flow10, found01, found10)
        back = None if self._motion is None else -self._motion
        self._views = (
            _view(_colours(frame0) if colours0 is None else colours0, flow01, found01, self._motion),
            _view(_colours(frame1) if colours1 is None else colours1, flow10, found10, back),
        )
        self._deep = colours0 is not None

    def splats(self, t: float) -> tuple[Splat, Splat]:
        """Both frames carried to a time in (0, 1), 0 = frame 0."""
        return _splat(self._views[0], t), _splat(self._views[1], 1 - t)

    def frame(self, t: float) -> FloatMap:
        """The frame (H, W, 3), RGB, 0..1, at a time in (0, 1)."""
        splat0, splat1 = self.splats(t)
        weight0, weight1 = np.float32(1 - t) * splat0.weights, np.float32(t) * splat1.weights
        weight = weight0 + weight1
        # In place from here: an array of colours at 1080p takes 25 MB.
        colours = _weighted(splat0.colours, weight0)
        colours += _weighted(splat1.colours, weight1)
        del splat0, splat1
        if self._motion is not None:
            background, sure = _background(*self._views, self._motion, t)
            crowd = _averaged(np.minimum(weight, 1), CROWD_SIDE)
            most = np.maximum(BACKGROUND_WEIGHT * np.exp(-crowd / CROWDED), BACKGROUND_FLOOR)
            share = most * _averaged(sure, BACKGROUND_SIDE) ** 2
            colours += _weighted(background, share)
            weight = weight + share
        colours /= np.maximum(weight, np.float32(1e-12))[..., None]
        np.clip(colours, 0, 1, out=colours)
        return _fill(colours, weight < LEAST_WEIGHT, np.uint16 if self._deep else np.uint8)


def _weighted(colours: FloatMap, weights: FloatMap) -> FloatMap:
    """Colours times weights, in place of the colours."""
    colours *= weights[..., None]
    return colours


def _background_motion(flow01: Flow, flow10: Flow, found01: Agreement, found10: Agreement) -> FloatMap | None:
    votes = [consistent_vectors(flow01, found01), -consistent_vectors(flow10, found10)]
    motions = dominant_motions(votes, 1)
    return motions[0] if motions else None


def _colours(frame: Frame) -> FloatMap:
    return frame.astype(np.float32) / np.float32(255)


def _view(colours: FloatMap, flow: Flow, found: Agreement, motion: FloatMap | None) -> _View:
    difference = np.where(found.outside, np.float32(OUTSIDE_DIFFERENCE), found.difference)
    missed = np.minimum(found.inconsistency, np.float32(MOST_INCONSISTENCY))
    missed[found.outside] = OUTSIDE_INCONSISTENCY
    importance = -BY_DIFFERENCE * _averaged(difference, DIFFERENCE_SIDE) - BY_INCONSISTENCY * missed
    figure = None
    if motion is not None:
        unlike = _averaged(found.difference, SURE_SIDE) / SURE_DIFFERENCE
        sure = np.exp(-(unlike**2) - (found.inconsistency / SURE_INCONSISTENCY) ** 2)
        moves = np.hypot(flow[0] - motion[0], flow[1] - motion[1]) > FIGURE_FROM
        moving = (sure * (moves & ~found.outside)).astype(np.float32)
        figure = np.asarray(cv2.GaussianBlur(moving, (0, 0), FIGURE_SPREAD), np.float32)
        importance = importance + IN_FRONT * figure
    limited = np.clip(importance, -IMPORTANCE_LIMIT, IMPORTANCE_LIMIT).astype(np.float32)
    return _View(colours, flow, limited, figure)


def _averaged(values: FloatMap, side: int) -> FloatMap:
    return np.asarray(cv2.blur(values, (side, side)), np.float32)


def _splat(view: _View, share: float) -> Splat:
    frame = torch.from_numpy(view.frame).permute(2, 0, 1)[None]
    flow = torch.from_numpy(np.float32(share) * view.flow)[None]
    found = splat(frame, flow, torch.from_numpy(view.importance)[None, None])
    return Splat(found.values[0].permute(1, 2, 0).numpy(), found.weights[0, 0].numpy())


def _background(view0: _View, view1: _View, motion: FloatMap, t: float) -> tuple[FloatMap, FloatMap]:
    """The background at a time (H, W, 3), and how sure it is (H, W), 0..1.

    It is seen where a frame shows it free of figures while a figure hides it in the other, or the other ends
    before it; or where both show it alike.
    """
    seen0, figure0, inside0 = _carried(view0, -t * motion)
    seen1, figure1, inside1 = _carried(view1, (1 - t) * motion)
    free0, free1 = (1 - figure0) * inside0, (1 - figure1) * inside1
    alone0, alone1 = free0 * np.maximum(figure1, 1 - inside1), free1 * np.maximum(figure0, 1 - inside0)
    difference = seen0 - seen1
    unlike = np.abs(difference, out=difference).mean(axis=2) / np.float32(COLOURS_AGREE)
    del difference
    both = free0 * free1 * np.exp(-unlike)
    share0, share1 = alone0 + (1 - t) * both + LEAST_SHARE, alone1 + t * both + LEAST_SHARE
    colours = _weighted(seen0, share0)
    colours += _weighted(seen1, share1)
    colours /= (share0 + share1)[..., None]
    return colours, np.maximum(np.maximum(alone0, alone1), both)


def _carried(view: _View, shift: FloatMap) -> tuple[FloatMap, FloatMap, FloatMap]:
    """A frame's colours and figures seen at a shift from each place, and whether that is inside: 1 or 0."""
    height, width = view.importance.shape
    place = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    colours, figure = (
        cv2.warpAffine(values, place, (width, height), flags=how, borderMode=cv2.BORDER_REPLICATE)
        for values in (view.frame, view.figure)
    )
    columns, rows = np.arange(width) + shift[0], np.arange(height) + shift[1]
    inside = np.outer((rows >= 0) & (rows <= height - 1), (columns >= 0) & (columns <= width - 1))
    return colours, figure, inside.astype(np.float32)


def _fill(frame: FloatMap, holes: NDArray[np.bool_], kind: type[np.uint8 | np.uint16]) -> FloatMap:
    """Fill holes from their surroundings, by pixels of that kind; an empty frame is unchanged."""
    if not holes.any() or holes.all():
        return frame
    top, mask = np.iinfo(kind).max, holes.astype(np.uint8)
    pixels = np.rint(frame * top).astype(kind)
    # OpenCV fills colours of 16 bits one channel at a time only.
    planes = [pixels] if kind is np.uint8 else cv2.split(pixels)
    filled = np.dstack([cv2.inpaint(plane, mask, FILL_RADIUS, cv2.INPAINT_TELEA) for plane in planes])
    return np.where(holes[..., None], filled.astype(np.float32) / top, frame)
