"""The guided filter: smoothing that stops at the edges of a guide."""

from __future__ import annotations

import cv2
import numpy as np

from animeinterp.stages.inverse_search.flow_agreement import FloatMap


class GuidedFilter:
    """Smooths maps along a guide, whose own statistics are worked out once.

    Parameters
    ----------
    guide : (H, W) float32
        Grey values, 0..1.
    radius : int
        Of the square window, px.
    epsilon : float
        Variance of the guide below which it counts as flat.

    References
    ----------
    K. He, J. Sun, X. Tang, "Guided Image Filtering", IEEE TPAMI 2013 (doi:10.1109/TPAMI.2012.213).
    """

    def __init__(self, guide: FloatMap, radius: int, epsilon: float) -> None:
        self._guide, self._side = guide, 2 * radius + 1
        self._mean = self._average(guide)
        spread = self._average(np.square(guide)) - np.square(self._mean)
        self._variance = spread + np.float32(epsilon)

    def __call__(self, values: FloatMap) -> FloatMap:
        """The map `(H, W)` smoothed."""
        mean = self._average(values)
        shared = self._average(np.multiply(self._guide, values)) - self._mean * mean
        slope = np.divide(shared, self._variance)
        smoothed: FloatMap = self._average(slope) * self._guide + self._average(mean - slope * self._mean)
        return smoothed

    def _average(self, values: FloatMap) -> FloatMap:
        averaged: FloatMap = cv2.blur(values, (self._side, self._side), borderType=cv2.BORDER_REFLECT)
        return averaged
