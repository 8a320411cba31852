from __future__ import annotations

from itertools import pairwise

import pytest

from animeinterp.configs.sections import ClipSection
from animeinterp.pipeline.clips.parts import divide
from animeinterp.pipeline.clips.timeline import Timeline
from tests.pipeline.scans import scan_of

PLAN = Timeline(scan_of("F" + 250 * "m"), ClipSection()).plan


@pytest.mark.parametrize(
    ("most", "size", "counts"),
    [
        (1024, (540, 960), [192, 58]),
        (100, (540, 960), [100, 100, 50]),
        (1024, (1080, 1920), [48, 48, 48, 48, 48, 10]),
        (1, (1080, 1920), [1] * 250),
        (1024, (20_000, 20_000), [1] * 250),
    ],
)
def test_a_part_has_so_many_pairs_and_pixels_at_most(
    most: int, size: tuple[int, int], counts: list[int]
) -> None:
    parts = divide(PLAN, most, size)
    assert [len(part.times) for part in parts] == counts
    assert [part.number for part in parts] == list(range(1, len(counts) + 1))
    assert {pair: times for part in parts for pair, times in part.times.items()} == PLAN.times


@pytest.mark.parametrize("changes", ["Fmmmmm", "FrrmrmrrcmrfrmmrF", "FffffmcmffmmmcF", "Ffmfmfmf"])
@pytest.mark.parametrize("chosen", [{}, {"loop": True}, {"timing": "keep"}, {"fps": "60"}, {"slow": 3}])
def test_parts_show_all_of_the_output_each_what_its_own_drawings_make(
    changes: str, chosen: dict[str, object]
) -> None:
    timeline = Timeline(scan_of(changes.replace("F", "c").replace("c", "F", 1)), ClipSection(**chosen))
    parts = divide(timeline.plan, 2, (8, 8))
    assert parts[0].shown.start == 0
    assert parts[-1].shown.stop == timeline.plan.cadence.count
    assert all(one.shown.stop == other.shown.start for one, other in pairwise(parts))
    shown = list(timeline.shown())
    for part in parts:
        needed = [between for k in part.shown if (between := shown[k].between) is not None]
        assert {between.frames for between in needed if between.way == "motion"} == part.times.keys()
        assert {between.frames for between in needed if between.way == "mix"} == set(part.mixed)
        assert set(part.files()) >= {index for between in needed for index in between.frames}
