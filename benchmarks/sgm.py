"""Segment-guided matching of one pair, with every stage ready to be run again alone."""

from __future__ import annotations

from animeinterp.configs.sections import Config
from animeinterp.models.vgg19 import VGG19
from animeinterp.stages.coarse_flow import CoarseFlow, generate_coarse_flow
from animeinterp.stages.features import describe_pieces
from animeinterp.stages.matching import match_pieces
from animeinterp.stages.segmentation import Pieces, segment
from benchmarks.measuring import Frame, Pair


class PairWork:
    """The stages of a pair, and what each of them reads."""

    def __init__(self, pair: Pair, config: Config, network: VGG19) -> None:
        self.config = config
        self.network = network
        self.frames = pair.frame0, pair.frame1
        self.pieces = [self._segment(frame) for frame in self.frames]
        self.features = [
            self._describe(frame, found) for frame, found in zip(self.frames, self.pieces, strict=True)
        ]
        self.matching = match_pieces(*self.features, *self.pieces, config.matching)

    def segment(self) -> Pieces:
        """Of frame 0."""
        return self._segment(self.frames[0])

    def describe(self) -> object:
        """Of frame 0."""
        return self._describe(self.frames[0], self.pieces[0])

    def match(self) -> object:
        return match_pieces(*self.features, *self.pieces, self.config.matching)

    def flow(self) -> CoarseFlow:
        return generate_coarse_flow(*self.frames, *self.pieces, self.matching, self.config.coarse_flow)

    def _segment(self, frame: Frame) -> Pieces:
        return segment(frame, self.config.segmentation.anime)

    def _describe(self, frame: Frame, pieces: Pieces) -> object:
        return describe_pieces(frame, pieces.label_map, pieces.count, self.network)
