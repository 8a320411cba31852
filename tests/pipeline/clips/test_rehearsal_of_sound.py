"""What becomes of sound: what is copied, re-encoded, mixed down or left out, and that it is told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from animeinterp.pipeline.clips.ffmpeg_program import find_program
from tests.drawn_videos import ffmpeg
from tests.pipeline.clip_probes import codecs, heard_after
from tests.pipeline.clip_sources import doubled
from tests.pipeline.made_videos import BEEP, PICTURES, make
from tests.project import ROOT


@pytest.mark.parametrize(
    ("pictures", "sound", "channels", "source", "output", "codec", "expected"),
    [
        ("wmv2", "wmav2", 2, "in.wmv", "out.mp4", "h264", "aac"),
        ("libx264", "ac3", 6, "in.mkv", "out.webm", "vp9", "opus"),
        ("libx264", "flac", 2, "in.mkv", "out.mov", "h264", "aac"),
        ("libx264", "libopus", 2, "in.mkv", "out.mov", "h264", "aac"),
        ("libx264", "truehd", 6, "in.mkv", "out.mp4", "h264", "aac"),
        ("libx264", "dca", 6, "in.mkv", "out.avi", "mpeg4", "ac3"),
    ],
)
def test_sound_that_cannot_be_copied_is_encoded_in_step(
    tmp_path: Path,
    pictures: str,
    sound: str,
    channels: int,
    source: str,
    output: str,
    codec: str,
    expected: str,
) -> None:
    depth = ("-sample_fmt", "s16") if sound == "flac" else ()  # FFmpeg 5 decodes no more than 24 bits
    kinds = ("-ac", str(channels), "-c:v", pictures, "-c:a", sound, *depth, "-strict", "-2")
    path = make(tmp_path / source, *BEEP, *kinds)
    _, (note,) = doubled(path, tmp_path / output, codec=codec)
    assert note.startswith("sound stream 1, ")
    assert f"is re-encoded as {expected}: " in note
    assert codecs(tmp_path / output, "audio") == [expected]
    assert heard_after(tmp_path / output) == pytest.approx(heard_after(path), abs=0.012)


def test_sound_that_nothing_can_be_done_with_is_left_out_and_named(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", *BEEP, "-c:a", "flac", "-metadata:s:a", "language=jpn")
    content = source.read_bytes()
    source.write_bytes(content.replace(b"A_FLAC", b"A_FLAX"))  # a codec that is not known
    _, (note,) = doubled(source, tmp_path / "out.mp4")
    assert note.startswith("sound stream 1")
    assert "is left out" in note
    assert codecs(tmp_path / "out.mp4", "audio") == []


def test_sound_that_the_program_cannot_decode_is_left_out_with_its_reason(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", *BEEP, "-c:a", "pcm_s16le")
    program = tmp_path / "program"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *"-c:1 aac"*) echo "no such decoder" >&2; exit 1;; esac\n'
        f'exec {find_program()} "$@"\n'
    )
    program.chmod(0o755)
    _, notes = doubled(source, tmp_path / "out.mp4", ffmpeg=str(program))
    assert notes == ("sound stream 1, pcm_s16le is left out: no such decoder",)
    assert codecs(tmp_path / "out.mp4", "audio") == []


def with_layout(layout: str) -> tuple[str, ...]:
    return (*BEEP[:-1], f"{BEEP[-1]},aformat=channel_layouts={layout}")


@pytest.mark.parametrize(("suffix", "codec", "expected"), [("mov", "h264", "aac"), ("avi", "mpeg4", "ac3")])
def test_sound_that_the_muxer_takes_and_no_one_knows_again_is_encoded(
    tmp_path: Path, suffix: str, codec: str, expected: str
) -> None:
    source = make(tmp_path / "in.m2ts", *BEEP, "-ac", "2", "-c:v", "libx264", "-c:a", "pcm_bluray")
    _, (note,) = doubled(source, tmp_path / f"out.{suffix}", codec=codec)
    assert f"pcm_bluray is re-encoded as {expected}: .{suffix} cannot hold it unchanged" in note
    assert codecs(tmp_path / f"out.{suffix}", "audio") == [expected]


@pytest.mark.parametrize(
    ("layout", "suffix", "lost"),
    [
        ("7.1", "mp4", "sound stream 1, pcm_s16le is mixed down from 7.1 to 5.1"),
        ("2.1", "mp4", "sound stream 1, pcm_s16le is mixed down from 2.1 to stereo"),
        ("5.1.2", "mkv", "sound stream 1, pcm_s16le loses its layout, 5.1.2: .mkv cannot say it"),
    ],
)
def test_channels_that_are_lost_are_told(tmp_path: Path, layout: str, suffix: str, lost: str) -> None:
    source = make(tmp_path / "in.mov", *with_layout(layout), "-c:a", "pcm_s16le")
    assert lost in doubled(source, tmp_path / f"out.{suffix}")[1]


@pytest.mark.parametrize(("layout", "suffix"), [("7.1", "mkv"), ("5.1", "mp4"), ("7.1(wide)", "mov")])
def test_layouts_that_stay_are_not_mentioned(tmp_path: Path, layout: str, suffix: str) -> None:
    source = make(tmp_path / "in.mov", *with_layout(layout), "-c:a", "pcm_s16le")
    notes = doubled(source, tmp_path / f"out.{suffix}")[1]
    assert not [note for note in notes if "re-encoded" not in note]


def test_sound_before_the_pictures_which_avi_has_no_place_for_is_told(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    ffmpeg("-itsoffset", "0.3", *PICTURES, *BEEP, "-c:v", "libx264", "-c:a", "ac3", source)
    lost = "sound stream 1, ac3 loses what comes before the first picture: .avi begins with it"
    assert lost in doubled(source, tmp_path / "out.avi", codec="mpeg4")[1]
    assert doubled(source, tmp_path / "out.mkv")[1] == ()


DRY_RUN = """
import sys
from pathlib import Path
from tests.pipeline.clip_sources import doubled
print(doubled(Path(sys.argv[1]), Path(sys.argv[2]), codec="vp9")[1])
"""


@pytest.mark.parametrize("layout", ["BFL+BFR+FL+FR", "7.1"])
def test_a_channel_layout_of_its_own_crashes_nothing(tmp_path: Path, layout: str) -> None:
    laid = f"{BEEP[-1]},aformat=channel_layouts={layout}"
    source = make(tmp_path / "in.mov", *BEEP[:-1], laid, "-c:a", "pcm_s16le")
    done = subprocess.run(
        [sys.executable, "-c", DRY_RUN, source, tmp_path / "out.webm"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    assert "sound stream 1, pcm_s16le is re-encoded as opus" in done.stdout
    assert codecs(tmp_path / "out.webm", "audio") == ["opus"]
