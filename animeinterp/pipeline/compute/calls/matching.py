"""How workers call matching."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from animeinterp.configs.sections import Config
from animeinterp.pipeline.compute.item_source import ItemSource
from animeinterp.pipeline.compute.working_sizes import matched_pieces
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages import matching


def match_pair(item: ItemSource, config: Config) -> dict[str, Array]:
    """Matches of a pair's pieces."""
    features0, features1 = (item.read("features", k)["piece_features"] for k in (0, 1))
    pieces0, pieces1 = (matched_pieces(item, k, config) for k in (0, 1))
    result = matching.match_pieces(features0, features1, pieces0, pieces1, config.matching)
    kept = (
        result.affinity
        if config.matching.keep_affinity and result.affinity is not None
        else np.zeros(0, np.float32)
    )
    return {
        "match01": result.match01,
        "match10": result.match10,
        "rank_sum01": result.rank_sum01,
        "rank_sum10": result.rank_sum10,
        "score01": result.score01,
        "score10": result.score10,
        "affinity": kept.reshape(-1),
    }


def matching_of(arrays: Mapping[str, Array]) -> matching.Matching:
    """Matching as the stage returned it, without the affinity matrix."""
    return matching.Matching(**{k: v for k, v in arrays.items() if k != "affinity"}, affinity=None)
