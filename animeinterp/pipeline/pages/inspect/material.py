"""The material of a pair's page: all its results, read once and checked for consistency."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np

from animeinterp.configs.errors import WeightsError
from animeinterp.configs.sections import Config
from animeinterp.data.images import Frame
from animeinterp.pipeline.compute.networks import load_network
from animeinterp.pipeline.pages.inspect.embedded_pictures import Picture
from animeinterp.pipeline.results.pair_results import Found, PairResults
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.pipeline.store.fingerprints import resolved_method
from animeinterp.stages.coarse_flow import PieceFate, measure_overlaps
from animeinterp.stages.inspection.candidates import BestCandidates, best_candidates
from animeinterp.stages.inspection.splatted_frames import Masks, blend_masks
from animeinterp.stages.pair_batch import RefinedPair, hints_in
from animeinterp.stages.refinement import CoarsePair, Confidence, confidence
from animeinterp.stages.segmentation import Pieces, measure_pieces
from animeinterp.stages.working_size import pieces_at, shrink_frame, working_size

MOST_CANDIDATES = 100_000_000  # of all pieces together; ranking more of them again would take gigabytes


class Material:
    """All results of a pair.

    Parameters
    ----------
    view
        The pair's results.
    """

    def __init__(self, view: PairResults) -> None:
        self.view = view
        self.config: Config = view.session.config
        self.pictures: dict[str, Picture] = {}
        """The page's pictures by name; views refer to them."""
        self.frames = (view.frame(0), view.frame(1))
        self.truth = view.truth()

    @cached_property
    def size(self) -> tuple[int, int] | None:
        """Height and width of the frames, or of the ground truth; None when none of them can be read."""
        readable = [frame for frame in (*self.frames, self.truth) if frame is not None]
        return (readable[0].shape[0], readable[0].shape[1]) if readable else None

    @cached_property
    def pieces(self) -> tuple[Pieces | None, Pieces | None]:
        """Pieces of both frames."""
        return self._pieces(0), self._pieces(1)

    def _pieces(self, number: int) -> Pieces | None:
        # Everything stored beside the label map is measured from it.
        label_map = self.view.found("segmentation", number).arrays.get("label_map")
        return None if label_map is None or not self._fits(label_map) else measure_pieces(label_map)

    @cached_property
    def matched_pieces(self) -> tuple[Pieces | None, Pieces | None]:
        """The same at the size of segment-guided matching, which may be smaller for large frames."""
        height = self.config.segmentation.height
        first, second = (
            pieces and pieces_at(pieces, working_size(pieces.label_map.shape[:2], height))
            for pieces in self.pieces
        )
        return first, second

    def _fits(self, array: Array) -> bool:
        """Whether a map has the frames' size; one from an earlier state may not."""
        return self.size is None or array.shape[-2:] == self.size

    @cached_property
    def matching(self) -> Found:
        """Matches, if they belong to these pieces."""
        return self._of_these_pieces(self.view.found("matching"))

    @cached_property
    def coarse_flow(self) -> Found:
        """Coarse flows and fates, if they belong to these frames and pieces."""
        return self._of_these_pieces(self.view.found("coarse_flow"))

    def _of_these_pieces(self, found: Found) -> Found:
        kept: dict[str, Array] = {}
        for name, array in found.arrays.items():
            if "flow" in name:
                fits = self._fits(array)
            elif name == "affinity":
                fits = False  # not shown: the candidates are
            else:
                own = self.pieces[int(name[-2])]
                fits = own is None or len(array) == own.count
            if fits:
                kept[name] = array
        return Found(found.state, found.note, kept, found.location)

    @cached_property
    def refinement(self) -> Found:
        """Refined flows, if they belong to these frames."""
        found = self.view.found("refinement")
        kept = {name: array for name, array in found.arrays.items() if self._fits(array)}
        return Found(found.state, found.note, kept, found.location)

    @cached_property
    def results(self) -> Mapping[float, Array]:
        """In-between frames by their time, as cached."""
        frames = self.view.found("synthesis").arrays.get("frames")
        times = self.view.times
        if frames is None or len(frames) != len(times) or not self._fits(frames[0, ..., 0]):
            return {}
        return dict(zip(times, frames, strict=True))

    def overlaps(self, direction: str) -> dict[int, float]:
        """Overlap of pieces that failed the overlap test with their matches, by piece."""
        frames, (first, second) = self.both_frames, self.matched_pieces
        fate = self.coarse_flow.arrays.get(f"fate{direction}")
        match = self.matching.arrays.get(f"match{direction}")
        if frames is None or first is None or second is None or fate is None or match is None:
            return {}
        asked = np.flatnonzero(fate == PieceFate.NO_OVERLAP)
        size = first.label_map.shape[0], first.label_map.shape[1]
        frames = shrink_frame(frames[0], size), shrink_frame(frames[1], size)
        sides = (*frames, first, second) if direction == "01" else (*frames[::-1], second, first)
        shares = measure_overlaps(*sides, match, asked, self.config.coarse_flow)
        return dict(zip(asked.tolist(), shares.tolist(), strict=True))

    def candidates(self) -> tuple[BestCandidates, BestCandidates] | str:
        """The candidates of each piece; a note if they cannot be determined."""
        first, second = self.matched_pieces
        features = [self.view.found("features", k) for k in (0, 1)]
        found = [f.arrays.get("piece_features") for f in features]
        if first is None or second is None or found[0] is None or found[1] is None:
            return next((f.note for f in features if f.note), "") or "no pieces to compare"
        if first.count * second.count > MOST_CANDIDATES:
            return f"{first.count} by {second.count} pieces are too many to rank again"
        try:
            return best_candidates(found[0], found[1], first, second, self.config.matching)
        except ValueError as error:  # of an earlier state
            return f"features do not fit the pieces: {error}"

    def confidence(self) -> Confidence | str:
        """The network's confidence in the coarse flows; a note if there is none."""
        method = resolved_method("refinement", self.config)
        if method != "rfr":
            return f"no confidence: refinement.method = {method!r}"
        flows = [self.coarse_flow.arrays.get(f"coarse_flow{direction}") for direction in ("01", "10")]
        frames = self.both_frames
        if frames is None or flows[0] is None or flows[1] is None:
            return f"no confidence: {self.coarse_flow.note or 'a frame cannot be read'}"
        try:
            network = load_network("refinement", self.config)
            return confidence(CoarsePair(*frames, flows[0], flows[1]), network, self.config.executor.device)
        except (WeightsError, ValueError) as error:
            return f"no confidence: {error}"

    def masks(self, time: float) -> Masks | None:
        """What a frame of the light network is made of; None where it made none."""
        frames, refined = self.both_frames, self.refinement.arrays
        flows = [refined.get(f"refined_flow{direction}") for direction in ("01", "10")]
        is_light = resolved_method("synthesis", self.config) == "light"
        if not is_light or frames is None or flows[0] is None or flows[1] is None:
            return None
        try:
            network = load_network("synthesis", self.config)
            pair = RefinedPair(*frames, flows[0], flows[1])
            return blend_masks(pair, time, network, self.config.executor.device, hints_in(refined))
        except (WeightsError, ValueError):
            return None

    @property
    def both_frames(self) -> tuple[Frame, Frame] | None:
        """Both frames, None unless both can be read and are of one size."""
        first, second = self.frames
        return None if first is None or second is None or first.shape != second.shape else (first, second)
