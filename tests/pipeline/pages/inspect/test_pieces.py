from __future__ import annotations

from base64 import b64decode

import numpy as np
import pytest

from animeinterp.configs.sections import CoarseFlowSection
from animeinterp.pipeline.pages.inspect.pieces import FATES, fate_counts, fate_table, match_table, piece_table
from animeinterp.stages.coarse_flow import PieceFate
from animeinterp.stages.segmentation import Pieces, measure_pieces

LIMITS = CoarseFlowSection(max_shift=10, min_area=5, max_area_share=0.25, max_area_ratio=3)


@pytest.fixture
def pieces() -> tuple[Pieces, Pieces]:
    """Areas of 2, 6 and 32 px, and of 4, 8 and 28 px, in 5 x 8 px."""
    first = np.full((5, 8), 2, np.int32)
    first[0, :2], first[4, :6] = 0, 1
    second = np.full((5, 8), 2, np.int32)
    second[0, 4:], second[4] = 0, 1
    return measure_pieces(first), measure_pieces(second)


ARRAYS = {
    "match01": np.array([0, 1, 0], np.int32),
    "rank_sum01": np.array([0, 1, 3], np.int32),
    "score01": np.array([0.5, 0.25, -1.5], np.float32),
}


def test_pieces_are_told_as_measured(pieces: tuple[Pieces, Pieces]) -> None:
    table = piece_table(pieces[0])
    assert table["area"] == [2, 6, 32]
    assert table["box"][1] == [0, 4, 5, 4]
    assert table["centroid"][1] == [2.5, 4.0]
    assert len(b64decode(table["colors"])) == 9


def test_matches_are_told_with_what_decides(pieces: tuple[Pieces, Pieces]) -> None:
    table = match_table(pieces, ARRAYS, "01", LIMITS)
    assert table["match"] == [0, 1, 0]
    assert table["rankSum"] == [0, 1, 3]
    assert table["score"] == [0.5, 0.25, -1.5]
    assert table["shift"][:2] == [5.0, 1.0]
    assert table["ratio"] == [2.0, 1.333, 8.0]
    assert table["limits"] == {
        "rankSum": 0,
        "shift": 10.0,
        "smallest": 5,
        "largest": 10.0,
        "ratio": 3.0,
        "overlap": 0.8,
    }


@pytest.mark.parametrize(
    ("fate", "piece", "words"),
    [
        (PieceFate.MOVED, 1, "moved: it passed every test"),
        (
            PieceFate.NOT_MUTUAL,
            2,
            "not mutual: the rank sum of its match is 3, more than 0 (coarse_flow.rank_sum_limit = 0)",
        ),
        (
            PieceFate.TOO_FAR,
            0,
            "too far: its match is 5 px away, more than 10 px (coarse_flow.max_shift = 10)",
        ),
        (PieceFate.TOO_SMALL, 0, "too small: 2 px, not more than 5 px (coarse_flow.min_area = 5)"),
        (
            PieceFate.TOO_LARGE,
            2,
            "too large: 32 px, not less than 10 px (coarse_flow.max_area_share = 0.25)",
        ),
        (
            PieceFate.AREA_RATIO,
            2,
            "area ratio: 8 to its match, not less than 3 (coarse_flow.max_area_ratio = 3)",
        ),
        (
            PieceFate.NO_OVERLAP,
            1,
            "no overlap: moved by the flow found, no more than 80% of it lies inside its match "
            "(coarse_flow.min_overlap = 0.8)",
        ),
        (
            PieceFate.NO_OVERLAP,
            0,
            "no overlap: moved by the flow found, 75.0%, not more than 80%, of it lies inside its match "
            "(coarse_flow.min_overlap = 0.8)",
        ),
    ],
)
def test_every_fate_has_its_words(
    pieces: tuple[Pieces, Pieces], fate: PieceFate, piece: int, words: str
) -> None:
    table = match_table(pieces, ARRAYS, "01", LIMITS)
    fates = np.full(3, fate, np.uint8)
    told = fate_table(fates, table | {"overlap": {0: 0.75}}, piece_table(pieces[0])["area"])
    assert told["fate"] == [fate] * 3
    assert told["why"][piece] == words
    assert b64decode(told["fateColors"]) == bytes(FATES[fate].color) * 3


def test_every_fate_has_a_name_and_a_colour_of_its_own() -> None:
    assert list(FATES) == list(PieceFate)
    assert len({look.color for look in FATES.values()}) == len(PieceFate)


def test_every_fate_but_moving_is_decided_by_a_setting_of_its_own(pieces: tuple[Pieces, Pieces]) -> None:
    settings = match_table(pieces, ARRAYS, "01", LIMITS)["settings"]
    assert list(settings) == [FATES[fate].name for fate in PieceFate if fate != PieceFate.MOVED]
    names = [text.partition(" = ")[0].removeprefix("coarse_flow.") for text in settings.values()]
    assert len(set(names)) == len(names)
    assert set(names) <= CoarseFlowSection.model_fields.keys()
    assert settings["too large"] == "coarse_flow.max_area_share = 0.25"


def test_fates_are_counted() -> None:
    assert fate_counts(np.array([0, 0, 2, 6], np.uint8)) == {"moved": 2, "too far": 1, "no overlap": 1}
    assert fate_counts(np.zeros(0, np.uint8)) == {}
