from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from animeinterp.data.clips.mp4_edits import edited_end
from animeinterp.data.clips.video import VideoClip
from tests.drawn_videos import ffmpeg, write_video

TICKS = [0, 1, 2, 10, 11, 12, 40, 41]


@pytest.mark.parametrize("name", ["in.mp4", "in.mov"])
def test_a_track_ends_where_its_edit_list_says(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / name, len(TICKS), ticks=TICKS)
    assert edited_end(tmp_path / name, 1) == Fraction(42, 24)
    assert edited_end(tmp_path / name, 7) is None


def test_what_begins_late_ends_late(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 12)
    ffmpeg(
        *("-itsoffset", "0.25", "-i", tmp_path / "in.mp4", "-f", "lavfi", "-i", "sine=d=1"),
        *("-map", "0", "-map", "1", "-c:v", "copy", tmp_path / "late.mp4"),
    )
    assert edited_end(tmp_path / "late.mp4", 1) == Fraction(3, 4)


def test_other_and_damaged_files_have_none(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", 4)
    content = (tmp_path / "in.mp4").read_bytes()
    whole = tmp_path / "damaged.mp4"
    for end in (0, 5, 40, content.index(b"elst"), content.index(b"elst") + 6):
        whole.write_bytes(content[:end])
        assert edited_end(whole, 1) is None
    whole.write_bytes(content.replace(b"edts", b"free"))
    assert edited_end(whole, 1) is None
    assert edited_end(tmp_path / "missing.mp4", 1) is None


def test_the_last_frame_shown_is_not_the_last_one_kept(tmp_path: Path) -> None:
    write_video(tmp_path / "in.mp4", len(TICKS), ticks=TICKS)
    frames = list(VideoClip(tmp_path / "in.mp4").frames())
    assert [frame.start * 24 for frame in frames] == TICKS
    assert frames[-1].duration * 24 == 1
