from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import imageio_ffmpeg
import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.pipeline.clips.ffmpeg_program import (
    OLDEST,
    find_program,
    library_version,
    picture_encoders,
    pixel_formats,
    start_program,
)

SHIPPED = imageio_ffmpeg.get_ffmpeg_exe()


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    yield
    find_program.cache_clear()


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are looked for."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    find_program.cache_clear()
    return folder


def program(file: Path, said: str, code: int = 0) -> Path:
    file.write_text(f"#!/bin/sh\necho '{said}'\nexit {code}\n")
    file.chmod(0o755)
    return file


def test_the_system_s_program_is_used_from_5_1_on(path: Path) -> None:
    system = program(path / "ffmpeg", "ffmpeg version N-1-gabc\nlibavutil      57. 28.100 / 57. 28.100")
    assert find_program() == str(system)


@pytest.mark.parametrize(
    ("said", "code"), [("ffmpeg version 4.4\nlibavutil  56. 70.100", 0), ("no FFmpeg", 0), ("", 1)]
)
def test_one_that_is_too_old_or_broken_is_passed_over(path: Path, said: str, code: int) -> None:
    program(path / "ffmpeg", said, code)
    assert find_program() == SHIPPED


def test_the_one_that_is_set_counts_before_all(path: Path, tmp_path: Path) -> None:
    program(path / "ffmpeg", "libavutil 60.0")
    other = program(tmp_path / "mine", "libavutil 59.0")
    assert find_program(str(other)) == str(other)


@pytest.mark.parametrize(
    ("said", "trouble"),
    [(None, "no such program"), ("hello", "is not FFmpeg, or older"), ("libavutil 56.70", "or older")],
)
def test_one_set_that_is_of_no_use_is_refused(path: Path, said: str | None, trouble: str) -> None:
    name = path / "mine"
    if said is not None:
        program(name, said)
    with pytest.raises(
        ConfigError, match=f"clip.ffmpeg = '{name}': .*{trouble}; expected FFmpeg 5.1 or later"
    ):
        find_program(str(name))


def test_none_at_all_is_told_with_a_way_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> str:
        raise RuntimeError("none")

    monkeypatch.setattr(imageio_ffmpeg, "get_ffmpeg_exe", missing)
    with pytest.raises(ConfigError, match=r"no FFmpeg program .*install FFmpeg 5\.1 or later.*-o frames/"):
        find_program()


def test_it_says_what_it_can_do() -> None:
    assert library_version(SHIPPED) >= OLDEST
    encoders = picture_encoders(SHIPPED)
    assert encoders["libx264"] == "h264"
    assert encoders["ffv1"] == "ffv1"
    assert "aac" not in encoders
    assert "yuv420p" in pixel_formats(SHIPPED, "libx264")
    assert "bgr0" in pixel_formats(SHIPPED, "ffv1")


@pytest.mark.skipif(sys.platform != "linux", reason="rights are those of Linux")
def test_no_encoder_runs_in_real_time_not_even_root_s() -> None:
    endless = ("-f", "lavfi", "-i", "testsrc2=s=64x64", "-c:v", "libsvtav1", "-f", "null", "-")
    with tempfile.TemporaryFile() as errors:
        encoding = start_program(SHIPPED, ["-v", "error", *endless], errors)
        try:
            tasks, names = Path(f"/proc/{encoding.pid}/task"), set()
            until = time.monotonic() + 60
            while not any(name.startswith("svt-") for name in names):
                assert time.monotonic() < until
                names = {(task / "comm").read_text() for task in tasks.iterdir()}
            policies = {os.sched_getscheduler(int(task.name)) for task in tasks.iterdir()}
        finally:
            encoding.kill()
            encoding.communicate()
    assert policies == {os.sched_getscheduler(0)}
