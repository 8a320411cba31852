from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from animeinterp.configs.sections import ClipSection, SynthesisSection
from animeinterp.data.clips.clip import Alpha, ClipFrame
from animeinterp.data.clips.clip_scan import ClipScan
from animeinterp.data.images import Frame
from animeinterp.pipeline.clips.assembly import Assembled, Assembly, Betweens, mix
from animeinterp.pipeline.clips.source_frames import ClipFrames
from animeinterp.pipeline.clips.timeline import Timeline
from tests.pipeline.listed_clip import ListedClip, grey
from tests.pipeline.scans import scan_of


class Written:
    """A writer that keeps what it is given."""

    notes = ()

    def __init__(self) -> None:
        self.frames: list[tuple[str, int, Fraction]] = []
        self.pictures: list[Frame] = []
        self.alphas: list[Alpha | None] = []

    def __enter__(self) -> Written:
        return self

    def __exit__(self, *error: Any) -> None: ...

    def original(self, frame: ClipFrame, start: Fraction, duration: Fraction) -> None:
        self.frames.append(("original", frame.index, start))

    def drawn(self, image: Frame, alpha: Alpha | None, start: Fraction, duration: Fraction) -> None:
        self.frames.append(("drawn", int(image[8, 12, 0]), start))
        self.pictures.append(image)
        self.alphas.append(alpha)

    def finish(self) -> None: ...


def put_together(clip: ListedClip, scan: ClipScan, cache: Path, **settings: Any) -> tuple[Written, Assembled]:
    timeline = Timeline(scan, ClipSection(**settings))
    frames = ClipFrames(clip, clip.digest(), scan, cache)
    frames.write(range(len(clip.pictures)), lambda _: None)
    sources = dict.fromkeys(timeline.plan.times)
    betweens = Betweens(frames, sources, SynthesisSection(), clip.has_alpha)
    writer = Written()
    every = range(timeline.plan.cadence.count)
    return writer, Assembly(clip, timeline).write(every, betweens, writer, lambda _: None)


def scan(
    changes: str, size: tuple[int, int] = (16, 24), bars: tuple[int, int, int, int] = (0, 0, 0, 0)
) -> ClipScan:
    found = scan_of(changes)
    return ClipScan(size, found.starts, found.end, found.changes, found.differences, bars, ())


def test_fades_are_mixed_and_originals_go_through(tmp_path: Path) -> None:
    clip = ListedClip([grey(100), grey(200)])
    written, done = put_together(clip, scan("Ff"), tmp_path, factor=4)
    assert [frame[:2] for frame in written.frames] == [
        ("original", 0),
        *(("drawn", value) for value in (125, 150, 175)),
        *(("original", 1),) * 4,
    ]
    assert (done.frames, done.mixed, done.drawn, done.held) == (8, 3, 0, 0)


def test_the_frame_before_is_held_where_a_pair_has_failed(tmp_path: Path) -> None:
    clip = ListedClip([grey(100), grey(200)])
    written, done = put_together(clip, scan("Fm"), tmp_path)
    assert [frame[:2] for frame in written.frames] == [
        ("original", 0),
        ("original", 0),
        ("original", 1),
        ("original", 1),
    ]
    assert done.held == 1


def test_bars_are_those_of_the_clip(tmp_path: Path) -> None:
    pictures = [grey(100), grey(200)]
    for picture in pictures:
        picture[:3] = 7
    written, _ = put_together(ListedClip(pictures), scan("Ff", bars=(3, 0, 0, 0)), tmp_path)
    assert np.unique(written.pictures[0][:3]).tolist() == [7]
    assert np.unique(written.pictures[0][3:]).tolist() == [150]


def test_transparency_is_mixed_too(tmp_path: Path) -> None:
    clip = ListedClip([grey(100), grey(200)], [np.full((16, 24), value, np.uint8) for value in (0, 100)])
    written, _ = put_together(clip, scan("Ff"), tmp_path)
    assert written.alphas[0] is not None
    assert np.unique(written.alphas[0]).tolist() == [50]


def test_a_clip_is_read_once_whatever_is_written_at_a_time(tmp_path: Path) -> None:
    clip = ListedClip([grey(10 * k) for k in range(6)])
    scanned = scan("Frcfrm")
    timeline = Timeline(scanned, ClipSection(factor=3))
    frames = ClipFrames(clip, clip.digest(), scanned, tmp_path)
    frames.write(range(6), lambda _: None)
    before, counted = clip.passes, []
    betweens = Betweens(frames, dict.fromkeys(timeline.plan.times), SynthesisSection(), has_alpha=False)
    assembly, whole, first, second = Assembly(clip, timeline), Written(), Written(), Written()
    done = assembly.write(range(2, 7), betweens, first, counted.append)
    done += assembly.write(range(9, 18), betweens, second, counted.append)
    assert clip.passes == before + 1
    assert done.frames == sum(counted) == 14
    Assembly(clip, timeline).write(range(18), betweens, whole, counted.append)
    assert whole.frames[2:7] == first.frames
    assert whole.frames[9:] == second.frames


@pytest.mark.parametrize(("t", "value"), [(0.25, 63), (0.5, 125), (1 / 3, 83)])
def test_mix(t: float, value: int) -> None:
    assert np.unique(mix(grey(0), grey(250), t)).tolist() in ([value], [value - 1])
