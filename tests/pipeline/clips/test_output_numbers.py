from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import write_image
from animeinterp.pipeline.clips.output_numbers import Numbers
from animeinterp.pipeline.clips.timeline import Timeline
from tests.drawn_videos import drawing, write_video
from tests.pipeline.scans import scan_of


def numbers_of(folder: Path, step: int, **chosen: object) -> tuple[list[int], tuple[str, ...]]:
    """Numbers that four images, 1001 and so on, and those between them get; and what is said."""
    for number in range(1001, 1001 + 4 * step, step):
        write_image(folder / f"{number}.png", drawing(0))
    section = ClipSection.model_validate(chosen)
    timeline = Timeline(scan_of("Fmmm"), section, to_the_end=False)
    numbers = Numbers(open_clip([folder], section), section.slow)
    cadence = timeline.plan.cadence
    found = numbers.of(cadence)
    shown = list(timeline.shown())
    if isinstance(found, int):
        return list(range(found, found + len(shown))), numbers.notes(cadence)
    return [found(frame.start) for frame in shown], numbers.notes(cadence)


@pytest.mark.parametrize(
    ("step", "chosen", "expected"),
    [
        (2, {}, list(range(1001, 1008))),
        (4, {}, list(range(1001, 1014, 2))),
        (2, {"factor": 1}, [1001, 1003, 1005, 1007]),
        (2, {"times": [0.5]}, list(range(1001, 1008))),
        (4, {"times": [0.25]}, [1001, 1002, 1005, 1006, 1009, 1010, 1013]),
        (2, {"factor": 1, "slow": 2}, list(range(1001, 1008))),
        (2, {"fps": "48"}, list(range(1001, 1008))),
        (2, {"fps": "12"}, [1001, 1005]),
    ],
)
def test_numbers_that_are_free_are_taken(
    tmp_path: Path, step: int, chosen: dict[str, object], expected: list[int]
) -> None:
    found, said = numbers_of(tmp_path, step, **chosen)
    assert found == expected
    assert not [note for note in said if "renumbered" in note]


@pytest.mark.parametrize(
    ("step", "chosen", "count"), [(1, {}, 7), (2, {"factor": 3}, 10), (2, {"fps": "30"}, 4)]
)
def test_numbers_that_are_not_there_are_said(
    tmp_path: Path, step: int, chosen: dict[str, object], count: int
) -> None:
    found, (note,) = numbers_of(tmp_path, step, **chosen)
    assert found == list(range(1001, 1001 + len(found)))
    assert len(found) >= count
    lacking = f"there are not enough numbers between 1001 and {1001 + step}"
    assert note.startswith(f"frames are renumbered, 1001 to {found[-1]}: {lacking}")


def test_without_numbers_frames_are_counted_from_one(tmp_path: Path) -> None:
    for name in ("1001", "1002", "1005"):
        write_image(tmp_path / "uneven" / f"{name}.png", drawing(0))
    write_video(tmp_path / "movie.mkv", 3)
    cadence = Timeline(scan_of("Fmm"), ClipSection()).plan.cadence
    for source in (tmp_path / "uneven", tmp_path / "movie.mkv"):
        numbers = Numbers(open_clip([source], ClipSection()))
        assert numbers.of(cadence) == 1
        assert numbers.notes(cadence) == ()
    assert Numbers(None).of(cadence) == 1


def test_times_that_numbers_do_not_tell() -> None:
    starts = [Fraction(0), Fraction(1, 24), Fraction(1, 4)]
    cadence = Timeline(scan_of("Fmm", starts), ClipSection()).plan.cadence
    assert "the frame rate varies" in Numbers(None).notes(cadence)[0]
