"""Measures of the difference of two results of one item, by stage."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from animeinterp.data.images import to_uint8
from animeinterp.pipeline.results.scores import SCORE_LABELS, Metric
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages.evaluation.frame_scores import psnr
from animeinterp.stages.metrics import METRICS

Arrays = Mapping[str, Array]
Measures = dict[str, float]

SPLIT_SHARE = 0.1
"""Smallest share of a piece that counts as a part of it when pieces are split or merged."""
FAR = 1.0
"""Pixels beyond which two vectors or two matches count as different."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a stage's differences."""

    name: str
    meaning: str
    worst: Callable[[float], float] = float
    """Sorts pairs: the largest value is the largest difference."""
    equal: float = 0.0
    """What it is of equal results."""
    score: Metric | None = None
    """The score whose change it is, if so: one side may then be better."""

    def text(self, value: float) -> str:
        """A value for people, in the unit that `meaning` names."""
        if self.score is not None:
            return self.score.change(value)
        return "–" if math.isnan(value) else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class StageMeasures:
    """The measures of two results of a stage."""

    measures: tuple[Measure, ...]
    """The first says which items differ most."""
    compare: Callable[[Arrays, Arrays], Measures]
    """A value for each measure, but for those that cannot be taken."""
    with_pieces: bool = False
    """Whether results mean anything only beside the pieces of both frames."""


def _segmentations(one: Arrays, other: Arrays) -> Measures:
    a, b = one["label_map"], other["label_map"]
    if a.shape != b.shape:
        return {}
    columns = int(b.max()) + 1
    pairs, overlap = np.unique(a.astype(np.int64) * columns + b, return_counts=True)
    in_a, in_b = pairs // columns, pairs % columns
    best_of_a, best_of_b = _best(in_a, overlap), _best(in_b, overlap)
    same = best_of_a & best_of_b
    return {
        "moved": 1 - float(overlap[same].sum()) / a.size,
        "split": float(_shared(in_a, overlap)),
        "merged": float(_shared(in_b, overlap)),
        "pieces": float(len(other["area"]) - len(one["area"])),
    }


def _best(pieces: NDArray[np.int64], overlap: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which overlaps are the largest of their piece; on ties the first."""
    order = np.lexsort((-overlap, pieces))
    first = np.unique(pieces[order], return_index=True)[1]
    best = np.zeros(len(pieces), np.bool_)
    best[order[first]] = True
    return best


def _shared(pieces: NDArray[np.int64], overlap: NDArray[np.int64]) -> int:
    """How many pieces have several parts of some size."""
    area = np.bincount(pieces, overlap)
    parts = np.bincount(pieces[overlap >= SPLIT_SHARE * area[pieces]])
    return int((parts > 1).sum())


def _numbers(one: Arrays, other: Arrays) -> Measures:
    if any(one[name].shape != other[name].shape for name in one):
        return {}
    apart = [np.abs(one[name].astype(np.float64) - other[name]).max(initial=0) for name in one]
    return {"largest": float(max(apart))}


def _matchings(one: Arrays, other: Arrays) -> Measures:
    if any("label_map" not in arrays for arrays in (one, other)):
        return {}
    if one["label_map"].shape != other["label_map"].shape:
        return {}
    a, b = (arrays["centroid"][arrays["match01"]][arrays["label_map"]] for arrays in (one, other))
    return {"changed": float((np.linalg.norm(a - b, axis=-1) > FAR).mean())}


def _flows(one: Arrays, other: Arrays) -> Measures:
    distances = []
    for name in one:
        if name.endswith(("flow01", "flow10")):
            if one[name].shape != other[name].shape:
                return {}
            distances.append(np.hypot(*(one[name] - other[name])))
    apart = np.stack(distances)
    return {
        "mean": float(apart.mean()),
        "far": float((apart > FAR).mean()),
        "largest": float(apart.max()),
    }


def _frames(one: Arrays, other: Arrays) -> Measures:
    a, b = one["frames"], other["frames"]
    if a.shape != b.shape:
        return {}
    return {"psnr": min(psnr(_as_float(x), _as_float(y)) for x, y in zip(a, b, strict=True))}


def _as_float(frame: Array) -> NDArray[np.float32]:
    return (to_uint8(frame) / np.float32(255)).astype(np.float32)


def _scores(one: Arrays, other: Arrays) -> Measures:
    if one["scores"].shape != other["scores"].shape:
        return {}
    return dict(zip(METRICS, (other["scores"] - one["scores"]).tolist(), strict=True))


def _change_of(name: str) -> Measure:
    metric = SCORE_LABELS[name]
    return Measure(name, f"{metric.title}: B minus A", abs, score=metric)


_FLOWS = StageMeasures(
    (
        Measure("mean", "mean distance of end points, px"),
        Measure("far", f"share of vectors more than {FAR:g} px apart"),
        Measure("largest", "largest distance of end points, px"),
    ),
    _flows,
)
_NUMBERS = StageMeasures((Measure("largest", "largest difference; nan where the sizes differ"),), _numbers)

MEASURES: Mapping[str, StageMeasures] = {
    "segmentation": StageMeasures(
        (
            Measure("moved", "share of pixels whose piece differs"),
            Measure("split", "pieces of A that lie in several of B"),
            Measure("merged", "pieces of B that lie in several of A"),
            Measure("pieces", "number of pieces, B minus A", abs),
        ),
        _segmentations,
    ),
    "matching": StageMeasures(
        (Measure("changed", "share of frame 0 whose match differs; nan without pieces"),),
        _matchings,
        with_pieces=True,
    ),
    "coarse_flow": _FLOWS,
    "refinement": _FLOWS,
    "synthesis": StageMeasures(
        (
            Measure(
                "psnr",
                "PSNR between the frames of A and B, dB; the smallest over all times",
                float.__neg__,
                np.inf,
            ),
        ),
        _frames,
    ),
    "evaluation": StageMeasures(tuple(map(_change_of, METRICS)), _scores),
}
"""Measures by stage; for any other stage the largest difference."""


def measures_of(stage: str) -> StageMeasures:
    """Measures of a stage."""
    return MEASURES.get(stage, _NUMBERS)


def compare_arrays(stage: str, one: Arrays, other: Arrays) -> Measures:
    """Differences of two results of one item.

    Parameters
    ----------
    stage
        Stage of the results.
    one, other
        Arrays of the item by name, as `store.array_specs` has them; of a stage that is compared
        `with_pieces` also `label_map`, of frame 0, and `centroid`, of the pieces of frame 1, where they are
        known.

    Returns
    -------
    dict of str to float
        A value for each measure; nan if the two cannot be compared, such as frames of different sizes.
    """
    found = measures_of(stage)
    nothing = {measure.name: float("nan") for measure in found.measures}
    return nothing | found.compare(one, other)
