"""How workers call segmentation."""

from __future__ import annotations

from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.working_sizes import matched_frame, size_of
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import segmentation
from animeinterp.stages.working_size import pieces_at


def segment_frame(item: ItemSource, config: Config) -> dict[str, Array]:
    """Pieces of a frame."""
    preset = config.segmentation.anime if item.style == "anime" else config.segmentation.disney
    frame = item.frame(0)
    small = matched_frame(frame, config)
    pieces = segmentation.segment(small, preset, merge_rounds=config.segmentation.merge_rounds)
    pieces = pieces_at(pieces, size_of(frame))
    return {
        "label_map": pieces.label_map,
        "area": pieces.area,
        "centroid": pieces.centroid,
        "box": pieces.box,
    }
