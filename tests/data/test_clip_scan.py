from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.clips import clip_scan as module
from animeinterp.data.clips.clip_scan import ClipScan, scan_key

KEY = scan_key("abc", 12, 0.5)
SCAN = ClipScan(
    size=(540, 960),
    starts=tuple(Fraction(1001 * index, 24000) for index in range(7)),
    end=Fraction(7007, 24000),
    changes=("first", "repeat", "repeat", "motion", "fade", "cut", "repeat"),
    differences=(0.0, 0.1, 0.125, 33.3, 40.0, 200.25, 0.0),
    bars=(60, 60, 0, 0),
    problems=("frame 8: damaged",),
)


def test_drawings_holds_and_kinds() -> None:
    assert SCAN.drawings() == (0, 0, 0, 3, 4, 5, 5)
    assert SCAN.holds() == ((0, 3), (3, 1), (4, 1), (5, 2))
    assert SCAN.frames_of("cut") == (5,)
    assert SCAN.frames_of("repeat") == (1, 2, 6)


def test_kept_scan_comes_back_the_same(tmp_path: Path) -> None:
    path = tmp_path / "scans" / "a.scan"
    SCAN.save(path, KEY)
    assert ClipScan.load(path, KEY) == SCAN


def test_half_an_hour_is_small_and_comes_back(tmp_path: Path) -> None:
    count = 43200
    rng = np.random.default_rng(0)
    starts = tuple(Fraction(index, 24) for index in range(count))
    changes = ("first", *(("repeat", "motion")[index % 2] for index in range(1, count)))
    differences = tuple(float(d) for d in np.round(rng.uniform(0, 99, count), 3))
    scan = replace(SCAN, starts=starts, end=Fraction(1800), changes=changes, differences=differences)
    path = tmp_path / "long.scan"
    scan.save(path, KEY)
    assert path.stat().st_size < 500_000
    assert ClipScan.load(path, KEY) == scan


def test_another_clip_or_threshold_is_another_scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.scan"
    SCAN.save(path, KEY)
    for other in (scan_key("abd", 12, 0.5), scan_key("abc", 11, 0.5), scan_key("abc", 12, 0.4)):
        assert ClipScan.load(path, other) is None
    assert ClipScan.load(tmp_path / "none.scan", KEY) is None
    monkeypatch.setattr(module, "SCAN_FORMAT", module.SCAN_FORMAT + 1)
    assert scan_key("abc", 12, 0.5) != KEY


def test_a_damaged_file_is_no_scan(tmp_path: Path) -> None:
    path = tmp_path / "a.scan"
    SCAN.save(path, KEY)
    whole = path.read_bytes()
    for length in (0, 1, 50, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert ClipScan.load(path, KEY) is None
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 255
        path.write_bytes(bytes(changed))
        assert ClipScan.load(path, KEY) is None


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match="file"):
        SCAN.save(tmp_path / "file" / "a.scan", KEY)
