"""Coarse flow from matched pieces: each piece moves onto its match and bends to fit it.

Where a piece has a trustworthy match, its flow is the shift between the two bounding boxes plus a dense
inverse search flow between the two pieces' grey pictures. Elsewhere the flow is exactly 0.
`tests/plain/coarse_flow.py` is a plain, slow version: whole frames, one piece and one pixel at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.sections import CoarseFlowSection
from animeinterp.models.compiled import compiled
from animeinterp.stages.matching import Matching
from animeinterp.stages.piece_fates import PieceFate as PieceFate
from animeinterp.stages.segmentation import Pieces
from animeinterp.stages.segmentation.contours import check_frame

DARK_GAIN, DARK_LIFT = 0.8, 40.0  # brightening of dark pieces; released program
SMALLEST_PATCH = 16  # px, and
PATCH_BORDER = 10  # px around it: the inverse search refuses pictures of the size of its own patches
HALVED_FROM = 48  # px, of a patch's longer side, for OpenCV to search at half size
SPLAT_THRESHOLD = 0.05  # splatted mask value from which a pixel counts as covered; released program


@dataclass(frozen=True)
class CoarseFlow:
    """Coarse flow of a pair, both ways."""

    flow01: NDArray[np.float32]
    """(2, H, W): dx, dy in px from frame 0 to frame 1, on frame 0's grid; 0 on pieces that stay."""
    flow10: NDArray[np.float32]
    """(2, H, W): from frame 1 to frame 0, on frame 1's grid."""
    fate01: NDArray[np.uint8]
    """(n0,): `PieceFate` of each piece of frame 0; empty where the flow is not made of pieces."""
    fate10: NDArray[np.uint8]
    """(n1,): of each piece of frame 1."""


class _Patch(NamedTuple):
    gray: NDArray[np.uint8]
    mask: NDArray[np.bool_]


_Place = tuple[NDArray[np.uint8], Pieces, int]
"""A frame's grey values, its pieces, and one of them."""


def generate_coarse_flow(
    frame0: NDArray[np.uint8],
    frame1: NDArray[np.uint8],
    pieces0: Pieces,
    pieces1: Pieces,
    matching: Matching,
    section: CoarseFlowSection,
) -> CoarseFlow:
    """Make the coarse flow of a pair, both ways.

    Parameters
    ----------
    frame0, frame1 : (H, W, 3) uint8
        RGB, of one size.
    pieces0, pieces1 : Pieces
        Their pieces.
    matching : Matching
        The pieces' matches.
    section : CoarseFlowSection
        Method and limits.

    Returns
    -------
    CoarseFlow

    Raises
    ------
    ValueError
        If frames, pieces and matches do not fit each other.

    Notes
    -----
    Bounding-box centres keep their half pixels; the half pixels by which odd paddings shift the patches are
    not corrected, as in the released program. The result does not depend on OpenCV's number of threads.
    A piece whose cut-out is the same in both frames is not searched, as the search would find exactly 0.

    References
    ----------
    Li et al., "Deep Animation Video Interpolation in the Wild", CVPR 2021, Segment-Guided Matching
    (arXiv 2104.02495).
    Kroeger et al., "Fast Optical Flow Using Dense Inverse Search", ECCV 2016
    (doi:10.1007/978-3-319-46493-0_29).
    """
    _check(frame0, frame1, pieces0, pieces1, matching)
    gray0, gray1 = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (frame0, frame1))
    flow01, fate01 = _one_way(gray0, gray1, pieces0, pieces1, matching.match01, matching.rank_sum01, section)
    flow10, fate10 = _one_way(gray1, gray0, pieces1, pieces0, matching.match10, matching.rank_sum10, section)
    return CoarseFlow(flow01, flow10, fate01, fate10)


def zero_coarse_flow(size: tuple[int, int]) -> CoarseFlow:
    """No motion and no pieces, for frames of (height, width): the paper's ablation of the coarse flow."""
    flow, fate = np.zeros((2, *size), np.float32), np.zeros(0, np.uint8)
    return CoarseFlow(flow, flow.copy(), fate, fate.copy())


def measure_overlaps(
    frame0: NDArray[np.uint8],
    frame1: NDArray[np.uint8],
    pieces0: Pieces,
    pieces1: Pieces,
    match: NDArray[np.int32],
    asked: NDArray[np.integer],
    section: CoarseFlowSection,
) -> NDArray[np.float64]:
    """How far some pieces, moved by the flow found for them, cover their matches; for looking at.

    Parameters
    ----------
    frame0, frame1, pieces0, pieces1, section
        As for `generate_coarse_flow`.
    match : (n0,) int32
        Matches of the pieces of frame 0.
    asked : (m,) int
        The pieces of frame 0 in question.

    Returns
    -------
    (m,) float64
        The shares, 0..1, that are compared with `section.min_overlap`.
    """
    gray0, gray1 = (cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in (frame0, frame1))
    search = _InverseSearch(section)
    shares = [
        _follow((gray0, pieces0, int(piece)), (gray1, pieces1, int(match[piece])), search, section).overlap
        for piece in asked
    ]
    return np.array(shares, np.float64)


class _Followed(NamedTuple):
    patch: _Patch
    padded: _Patch
    bend: NDArray[np.float32]
    overlap: float


def _follow(place0: _Place, place1: _Place, search: _InverseSearch, section: CoarseFlowSection) -> _Followed:
    """Search the flow from a piece to its match, on patches of one size, and see how far it leads there."""
    patch0, patch1 = _cut(*place0, section.dark_gray), _cut(*place1, section.dark_gray)
    size = tuple(
        max(a, b, SMALLEST_PATCH) + PATCH_BORDER
        for a, b in zip(patch0.gray.shape, patch1.gray.shape, strict=True)
    )
    padded0, padded1 = _pad(patch0, size), _pad(patch1, size)
    bend = search.bend(padded0.gray, padded1.gray)
    return _Followed(patch0, padded0, bend, _overlap(padded0.mask, padded1.mask, bend))


def _one_way(
    gray0: NDArray[np.uint8],
    gray1: NDArray[np.uint8],
    pieces0: Pieces,
    pieces1: Pieces,
    match: NDArray[np.int32],
    rank_sum: NDArray[np.int32],
    section: CoarseFlowSection,
) -> tuple[NDArray[np.float32], NDArray[np.uint8]]:
    flow = np.zeros((2, *gray0.shape), np.float32)
    fate = _judge(pieces0, pieces1, match, rank_sum, section)
    search = _InverseSearch(section)
    for piece in np.flatnonzero(fate == PieceFate.MOVED):
        other = match[piece]
        patch0, padded0, bend, overlap = _follow(
            (gray0, pieces0, int(piece)), (gray1, pieces1, int(other)), search, section
        )
        if not overlap > section.min_overlap:
            fate[piece] = PieceFate.NO_OVERLAP
            continue
        x0, y0, x1, y1 = pieces0.box[piece]
        u0, v0, u1, v1 = pieces1.box[other]
        inside = flow[:, y0 : y1 + 1, x0 : x1 + 1]
        for axis, shift in enumerate(((u0 + u1 - x0 - x1) / 2, (v0 + v1 - y0 - y1) / 2)):
            inside[axis][patch0.mask] = np.float32(shift) + bend[..., axis][padded0.mask]
    return flow, fate


def _judge(
    pieces0: Pieces,
    pieces1: Pieces,
    match: NDArray[np.int32],
    rank_sum: NDArray[np.int32],
    section: CoarseFlowSection,
) -> NDArray[np.uint8]:
    """Every fate that can be told without looking at the frames."""
    shift = np.hypot(*(pieces1.centroid[match] - pieces0.centroid).T)
    area0, area1 = pieces0.area.astype(np.float64), pieces1.area[match].astype(np.float64)
    reasons = {
        PieceFate.NOT_MUTUAL: rank_sum > section.rank_sum_limit,
        PieceFate.TOO_FAR: shift > section.max_shift,
        PieceFate.TOO_SMALL: area0 <= section.min_area,
        PieceFate.TOO_LARGE: area0 >= section.max_area_share * pieces0.label_map.size,
        PieceFate.AREA_RATIO: np.maximum(area0 / area1, area1 / area0) >= section.max_area_ratio,
    }
    return np.select(list(reasons.values()), list(reasons), default=PieceFate.MOVED).astype(np.uint8)


class _InverseSearch:
    """OpenCV's dense inverse search between pictures of pieces, from rest."""

    def __init__(self, section: CoarseFlowSection) -> None:
        self._search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        self._search.setVariationalRefinementIterations(section.variational_iterations)
        self._search.setGradientDescentIterations(section.gradient_iterations)
        self._finest_scale = section.finest_scale

    def calc(self, gray0: NDArray[np.uint8], gray1: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The flow `(h, w, 2)`, px, searched in any case."""
        # Each time anew: OpenCV changes it for small pictures, and leaves it so.
        self._search.setFinestScale(self._finest_scale if max(gray0.shape) >= HALVED_FROM else 0)
        flow: NDArray[np.float32] = self._search.calc(gray0, gray1, None)
        return flow

    def bend(self, gray0: NDArray[np.uint8], gray1: NDArray[np.uint8]) -> NDArray[np.float32]:
        """The same flow, without a search between equal pictures."""
        # From rest every residual is then exactly 0, and so are all its steps and those of the variational
        # refinement.
        if np.array_equal(gray0, gray1):
            return np.zeros((*gray0.shape, 2), np.float32)
        return self.calc(gray0, gray1)


def _cut(gray: NDArray[np.uint8], pieces: Pieces, piece: int, dark_gray: float) -> _Patch:
    """Cut a piece out by its bounding box, black around it, brightened where it is dark."""
    x0, y0, x1, y1 = pieces.box[piece]
    window = (slice(y0, y1 + 1), slice(x0, x1 + 1))
    mask = pieces.label_map[window] == piece
    patch = np.where(mask, gray[window], np.uint8(0))
    values = patch[mask]
    if values.mean() < dark_gray:
        patch[mask] = (DARK_GAIN * values + DARK_LIFT).astype(np.uint8)
    return _Patch(patch, mask)


def _pad(patch: _Patch, size: tuple[int, ...]) -> _Patch:
    before = [(target - extent) // 2 for target, extent in zip(size, patch.mask.shape, strict=True)]
    window = tuple(slice(b, b + extent) for b, extent in zip(before, patch.mask.shape, strict=True))
    gray, mask = np.zeros(size, np.uint8), np.zeros(size, bool)
    gray[window], mask[window] = patch
    return _Patch(gray, mask)


def _overlap(mask0: NDArray[np.bool_], mask1: NDArray[np.bool_], flow: NDArray[np.float32]) -> float:
    """Share of the pixels that the moved mask 0 covers which lie inside mask 1; 0 where it covers none."""
    values, weights = _splat_mask(mask0, flow)
    covered = np.divide(values, weights, out=np.zeros_like(values), where=weights > 0) >= SPLAT_THRESHOLD
    return float((covered & mask1).sum() / max(covered.sum(), 1))


@compiled
def _splat_mask(
    mask: NDArray[np.bool_], flow: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    # Every pixel adds weight, those outside the mask the value 0.
    height, width = mask.shape
    values, weights = np.zeros((height, width)), np.zeros((height, width))
    for y in range(height):
        for x in range(width):
            dx, dy = np.float64(flow[y, x, 0]), np.float64(flow[y, x, 1])
            left, top = np.floor(dx), np.floor(dy)
            fx, fy = dx - left, dy - top
            for v, wy in ((y + int(top), 1 - fy), (y + int(top) + 1, fy)):
                for u, wx in ((x + int(left), 1 - fx), (x + int(left) + 1, fx)):
                    if 0 <= v < height and 0 <= u < width:
                        weights[v, u] += wx * wy
                        if mask[y, x]:
                            values[v, u] += wx * wy
    return values, weights


def _check(
    frame0: NDArray[np.uint8],
    frame1: NDArray[np.uint8],
    pieces0: Pieces,
    pieces1: Pieces,
    matching: Matching,
) -> None:
    check_frame(frame0)
    check_frame(frame1)
    sizes = {frame0.shape[:2], frame1.shape[:2], pieces0.label_map.shape, pieces1.label_map.shape}
    if len(sizes) > 1:
        raise ValueError(f"frames and label maps of a pair must have one size; found {sorted(sizes)}")
    if (len(matching.match01), len(matching.match10)) != (pieces0.count, pieces1.count):
        raise ValueError(
            f"matching is for {len(matching.match01)} and {len(matching.match10)} pieces; "
            f"the frames have {pieces0.count} and {pieces1.count}"
        )
