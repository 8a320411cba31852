"""The pieces of a pair on a page: matches, why each moved or not, and other candidates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from animeinterp.configs.sections import CoarseFlowSection
from animeinterp.pipeline.pages.inspect.embedded_pictures import colors_text
from animeinterp.pipeline.results.pictures import UNMATCHED_GRAY, match_colors, piece_colors
from animeinterp.pipeline.store.array_specs import Array
from animeinterp.stages.coarse_flow import PieceFate
from animeinterp.stages.inspection.candidates import BestCandidates
from animeinterp.stages.segmentation import Pieces


class FateLook(NamedTuple):
    """How a fate is shown."""

    name: str
    color: tuple[int, int, int]
    setting: str
    """The setting of the coarse flow that decides it; empty for pieces that moved."""


FATES: Mapping[PieceFate, FateLook] = {
    PieceFate.MOVED: FateLook("moved", (58, 145, 95), ""),
    PieceFate.NOT_MUTUAL: FateLook("not mutual", (UNMATCHED_GRAY,) * 3, "rank_sum_limit"),
    PieceFate.TOO_FAR: FateLook("too far", (196, 78, 82), "max_shift"),
    PieceFate.TOO_SMALL: FateLook("too small", (214, 168, 60), "min_area"),
    PieceFate.TOO_LARGE: FateLook("too large", (86, 120, 190), "max_area_share"),
    PieceFate.AREA_RATIO: FateLook("area ratio", (150, 100, 180), "max_area_ratio"),
    PieceFate.NO_OVERLAP: FateLook("no overlap", (222, 125, 60), "min_overlap"),
}
AFFINITY_DIGITS = 6  # features are rounded to some 1e-8, scores are float32


def piece_table(pieces: Pieces) -> dict[str, Any]:
    """Area, centroid, box and colour of each piece."""
    return {
        "area": pieces.area.tolist(),
        "centroid": np.round(pieces.centroid, 1).tolist(),
        "box": pieces.box.tolist(),
        "colors": colors_text(piece_colors(pieces.count)),
    }


def match_table(
    pieces: tuple[Pieces, Pieces], arrays: Mapping[str, Array], direction: str, limits: CoarseFlowSection
) -> dict[str, Any]:
    """Match of each piece of a frame, and the numbers that decide whether it moves.

    Parameters
    ----------
    pieces
        Of the frame, and of the other one.
    arrays
        Of matching.
    direction
        `01` or `10`.
    limits
        Of the coarse flow.
    """
    own, other = pieces
    match = arrays[f"match{direction}"]
    area, area_there = own.area.astype(np.float64), other.area[match].astype(np.float64)
    shift = other.centroid[match] - own.centroid
    return {
        "match": match.tolist(),
        "rankSum": arrays[f"rank_sum{direction}"].tolist(),
        "score": np.round(arrays[f"score{direction}"].astype(np.float64), AFFINITY_DIGITS).tolist(),
        "shift": np.round(np.hypot(shift[:, 0], shift[:, 1]), 2).tolist(),
        "ratio": np.round(np.maximum(area / area_there, area_there / area), 3).tolist(),
        "limits": {
            "rankSum": limits.rank_sum_limit,
            "shift": limits.max_shift,
            "smallest": limits.min_area,
            "largest": limits.max_area_share * own.label_map.size,
            "ratio": limits.max_area_ratio,
            "overlap": limits.min_overlap,
        },
        "settings": {
            look.name: f"coarse_flow.{look.setting} = {getattr(limits, look.setting):g}"
            for look in FATES.values()
            if look.setting
        },
    }


def fate_table(fate: npt.NDArray[np.uint8], table: Mapping[str, Any], areas: Sequence[int]) -> dict[str, Any]:
    """Why each piece moved or not, in words, from its fate and its `match_table`."""
    return {
        "fate": fate.tolist(),
        "why": [_sentence(PieceFate(value), piece, table, areas) for piece, value in enumerate(fate)],
        "fateColors": colors_text(np.array([FATES[PieceFate(value)].color for value in fate], np.uint8)),
    }


def _sentence(fate: PieceFate, piece: int, table: Mapping[str, Any], areas: Sequence[int]) -> str:
    setting = table["settings"].get(FATES[fate].name)
    return _reason(fate, piece, table, areas) + (f" ({setting})" if setting else "")


def _reason(fate: PieceFate, piece: int, table: Mapping[str, Any], areas: Sequence[int]) -> str:
    limits = table["limits"]
    match fate:
        case PieceFate.MOVED:
            return "moved: it passed every test"
        case PieceFate.NOT_MUTUAL:
            found, limit = table["rankSum"][piece], limits["rankSum"]
            return f"not mutual: the rank sum of its match is {found}, more than {limit}"
        case PieceFate.TOO_FAR:
            found, limit = table["shift"][piece], limits["shift"]
            return f"too far: its match is {found:g} px away, more than {limit:g} px"
        case PieceFate.TOO_SMALL:
            return f"too small: {areas[piece]} px, not more than {limits['smallest']} px"
        case PieceFate.TOO_LARGE:
            return f"too large: {areas[piece]} px, not less than {limits['largest']:g} px"
        case PieceFate.AREA_RATIO:
            found, limit = table["ratio"][piece], limits["ratio"]
            return f"area ratio: {found:g} to its match, not less than {limit:g}"
        case PieceFate.NO_OVERLAP:
            limit, found = f"{limits['overlap']:.0%}", table["overlap"].get(piece)
            share = f"no more than {limit}" if found is None else f"{found:.1%}, not more than {limit},"
            return f"no overlap: moved by the flow found, {share} of it lies inside its match"


def fate_counts(fate: npt.NDArray[np.uint8]) -> dict[str, int]:
    """How many pieces had each fate, without fates that no piece had."""
    counts = np.bincount(fate, minlength=len(FATES))
    return {FATES[value].name: int(counts[value]) for value in PieceFate if counts[value]}


def candidate_table(best: BestCandidates) -> dict[str, Any]:
    """Candidates of the largest pieces: for each piece rows of piece, three terms, and both ranks."""
    terms = [
        np.round(values, AFFINITY_DIGITS).tolist()
        for values in (best.likeness, best.size_penalty, best.distance_penalty)
    ]
    columns = [best.piece.tolist(), *terms, best.rank.tolist(), best.rank_back.tolist()]
    rows = [list(zip(*piece, strict=True)) for piece in zip(*columns, strict=True)]
    return {"first": best.first, "rows": rows}


def matched_colors(arrays: Mapping[str, Array], count1: int) -> tuple[str, str]:
    """Colours in which mutually matched pieces of both frames look alike."""
    first, second = match_colors(arrays["match01"], arrays["rank_sum01"], count1)
    return colors_text(first), colors_text(second)
