"""An item's frames, pieces and flows at the size at which a stage processes them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from animeinterp.configs.sections import Config
from animeinterp.data.images import Frame
from animeinterp.pipeline.compute.entry import NetworkPair
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages.pair_batch import NO_HINTS, Hints
from animeinterp.stages.segmentation import Pieces
from animeinterp.stages.working_size import pieces_at, resize_flow, resize_map, shrink_frame, working_size


def size_of(frame: Frame) -> tuple[int, int]:
    """Height and width."""
    height, width = frame.shape[:2]
    return height, width


def matched_frame(frame: Frame, config: Config) -> Frame:
    """A frame at the size of segment-guided matching."""
    return shrink_frame(frame, working_size(size_of(frame), config.segmentation.height))


def matched_pieces(item: ItemSource, index: int, config: Config) -> Pieces:
    """Pieces of frame 0 or frame 1 at the size of segment-guided matching."""
    pieces = item.pieces(index)
    height, width = pieces.label_map.shape
    return pieces_at(pieces, working_size((height, width), config.segmentation.height))


def network_pair(
    kind: Callable[..., Any],
    item: ItemSource,
    flows: Sequence[Array],
    height: int,
    hints: Hints = NO_HINTS,
) -> NetworkPair:
    """A pair with its flows, at a working height.

    Parameters
    ----------
    kind
        Takes two frames and two flows.
    item, flows
        The pair, and its flows 0 -> 1 and 1 -> 0 at the size of its frames.
    height
        Working height, px; 0 = that of the frames.
    hints
        At the size of the frames.
    """
    frame0, frame1 = (item.frame(k) for k in (0, 1))
    size = working_size(size_of(frame0), height)
    frames = (shrink_frame(frame, size) for frame in (frame0, frame1))
    maps = (None if each is None else resize_map(each, size) for each in hints[:2])
    starts = (None if each is None else resize_flow(each, size) for each in hints[2:])
    return NetworkPair(
        kind(*frames, *(resize_flow(flow, size) for flow in flows)),
        size_of(frame0),
        item.times,
        Hints(*maps, *starts),
    )
