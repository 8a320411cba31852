"""`animeinterp interpolate` from end to end, on drawn clips."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import sys
import time
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import psutil
import pytest

from animeinterp.configs.files import json_lines
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.images import read_image, write_image
from animeinterp.pipeline.clips.source_frames import clip_folder
from animeinterp.pipeline.store.run_records import LOG_NAME, read_runs
from tests.drawn_clips.clip_files import write_clip
from tests.drawn_clips.shots import Shot
from tests.drawn_videos import ffmpeg, write_video
from tests.pipeline.dask_processes import DaskProcesses
from tests.pipeline.forking import CommandProcess
from tests.pipeline.mounts import remount
from tests.pipeline.small_runs import SMALL_NETWORK, Command, set_options

SHOTS = (Shot(scene=17, frames=8, on=2, stride=0.25), Shot(scene=28, frames=6, on=3, stride=0.12))
"""Four drawings on twos, a cut, two on threes."""
FRAMES, SIZE = 14, (72, 128)


@pytest.fixture(scope="module")
def movie(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movie") / "movie.mp4"
    write_clip(path, SHOTS, SIZE, crf=12)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("folder") / "drawn"
    write_clip(path, SHOTS, SIZE)
    return path


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return options_for(tmp_path / "cache")


def options_for(cache: Path) -> list[str]:
    return set_options([f"store.cache='{cache}'", "executor.kind=inline", SMALL_NETWORK])


@pytest.fixture
def interpolate(command: Command, options: list[str], tmp_path: Path) -> Command:
    def interpolate(source: object, output: str, *more: str) -> tuple[int, str]:
        return command("interpolate", str(source), "-o", str(tmp_path / output), *options, *more)

    return interpolate


def shown_at(path: Path) -> list[Fraction]:
    """When the frames of a video are shown, by FFmpeg's own program; and none is missing."""
    said = subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(),
            "-i",
            path,
            *["-map", "0:v", "-fps_mode", "passthrough", "-f", "framemd5", "-"],
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    tick = Fraction(re.search(r"#tb 0: (\S+)", said)[1])  # type: ignore[index]
    rows = [line.split(",") for line in said.splitlines() if not line.startswith("#")]
    return [int(row[2]) * tick for row in rows]


def loudness(path: Path) -> np.ndarray:
    """Sound of a video in hundredths of a second."""
    with av.open(str(path)) as container:
        sound = np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])
        rate = container.streams.audio[0].rate
    step = rate // 100
    return np.abs(sound[: len(sound) // step * step]).reshape(-1, step).mean(axis=1)


def pictures(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def test_twice_the_frames_of_a_video(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    code, said = interpolate(movie, "smooth.mp4", "--quality", "8")
    assert code == 0, said
    assert re.search(r"\b1 cuts?\b", said)
    assert "28 frames" in said
    assert [start * 48 for start in shown_at(tmp_path / "smooth.mp4")] == list(range(28))
    before, after = loudness(movie), loudness(tmp_path / "smooth.mp4")
    np.testing.assert_allclose(after, before, atol=1e-3)
    made, source = pictures(tmp_path / "smooth.mp4"), pictures(movie)
    for frame in (0, 2, 4, 6, 8, 11):  # first of each drawing
        assert np.abs(made[2 * frame].astype(int) - source[frame]).mean() < 3
    # Between two drawings is neither of them; the drawing before the cut is held.
    moved = np.abs(made[2].astype(int) - source[0]).mean()
    assert moved > np.abs(made[0].astype(int) - source[0]).mean()
    assert np.abs(made[15].astype(int) - source[7]).mean() < 3


def test_again_computes_nothing_and_gives_the_same_file(
    interpolate: Command, movie: Path, tmp_path: Path
) -> None:
    for name in ("a.mp4", "b.mp4"):
        assert interpolate(movie, name, "--set", "clip.keep=all")[0] == 0
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()
    shards = [
        sum(event["event"] == "shard" for event in json_lines(run / LOG_NAME))
        for run, _ in read_runs(tmp_path / "cache")
    ]
    assert shards[0] > 0
    assert shards[1:] == [0]


def test_what_is_there_is_not_overwritten_unasked(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("precious")
    code, said = interpolate(movie, "a.mp4")
    assert code == 2
    assert "--overwrite" in said
    assert (tmp_path / "a.mp4").read_text() == "precious"
    assert not (tmp_path / "cache").exists()
    assert interpolate(movie, "a.mp4", "--overwrite")[0] == 0
    assert len(shown_at(tmp_path / "a.mp4")) == 2 * FRAMES


def test_images_in_and_out(interpolate: Command, folder: Path, tmp_path: Path) -> None:
    code, said = interpolate(folder, "twice")
    assert code == 0, said
    written = sorted((tmp_path / "twice").iterdir())
    assert [path.name for path in written] == [f"frame_{k:06d}.png" for k in range(1, 2 * FRAMES)]
    source = sorted(folder.iterdir())
    for frame in (0, 2, 4, 6, 8, 11):
        assert written[2 * frame].read_bytes() == source[frame].read_bytes()
    assert read_image(written[1]).shape == (*SIZE, 3)


def test_only_frames_between(interpolate: Command, folder: Path, tmp_path: Path) -> None:
    assert interpolate(folder, "between", "--only-between", "--timing", "keep")[0] == 0
    names = sorted(path.name for path in (tmp_path / "between").iterdir())
    assert names == [f"frame_{k:06d}.png" for k in (4, 8, 12, 22)]


def test_two_images(command: Command, options: list[str], folder: Path, tmp_path: Path) -> None:
    first, second = sorted(folder.iterdir())[0:5:4]
    code, said = command(
        "interpolate", str(first), str(second), "-o", str(tmp_path / "out"), "--times", "0.25,0.5", *options
    )
    assert code == 0, said
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_frames_a_second(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    assert interpolate(movie, "a.mkv", "--fps", "30")[0] == 0
    starts = shown_at(tmp_path / "a.mkv")
    assert len(starts) == 17
    # Matroska cannot begin before 0, as AAC's lead-in does, so everything is later by that.
    assert 0 <= starts[0] < Fraction(1, 20)
    assert max(abs(start - starts[0] - Fraction(k, 30)) for k, start in enumerate(starts)) <= Fraction(
        1, 1000
    )


@pytest.mark.slow
def test_a_pair_that_fails_is_held_and_reported(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    clip = open_clip([movie], ClipSection())
    broken = clip_folder(tmp_path / "cache", clip.name, clip.digest()) / "frames" / "whole" / "000002.png"
    broken.parent.mkdir(parents=True)
    broken.write_bytes(b"no picture")
    code, said = interpolate(movie, "a.mp4")
    assert code == 1
    assert f"{broken}: not an image" in said
    assert "6 held in place of frames that failed" in said
    assert len(shown_at(tmp_path / "a.mp4")) == 2 * FRAMES
    broken.unlink()
    code, said = interpolate(movie, "b.mp4")
    assert code == 0, said
    assert "held in place" not in said


@pytest.mark.slow
def test_killed_and_run_again_it_gives_the_same_file(movie: Path, tmp_path: Path) -> None:
    def start(output: str, cache: str) -> CommandProcess:
        options = ["-o", str(tmp_path / output), "--quiet", *options_for(tmp_path / cache)]
        return CommandProcess(["interpolate", str(movie), *options])

    assert start("whole.mp4", "one").wait() == 0
    cache = tmp_path / "two"
    for stage in ("segmentation", "coarse_flow", "synthesis"):
        process = start("resumed.mp4", "two")
        while not list(cache.glob(f"{stage}/*/*.zarr")) and process.poll() is None:
            time.sleep(0.01)
        process.kill()
        process.wait()
        assert not (tmp_path / "resumed.mp4").exists()
    process = start("resumed.mp4", "two")
    while not list(tmp_path.glob(".resumed.mp4-*")) and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    process.wait()
    assert not (tmp_path / "resumed.mp4").exists()
    assert start("resumed.mp4", "two").wait() == 0
    assert (tmp_path / "resumed.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one", "resumed.mp4", "two", "whole.mp4"]


@pytest.mark.slow
def test_on_a_cluster_it_gives_the_same_file(
    interpolate, command: Command, movie: Path, tmp_path: Path
) -> None:
    assert interpolate(movie, "here.mp4")[0] == 0
    logs = tmp_path / "dask"
    logs.mkdir()
    with DaskProcesses(logs) as processes:
        processes.start_worker()
        settings = [
            f"store.cache='{tmp_path / 'other'}'",
            f"executor.kind={processes.address}",
            SMALL_NETWORK,
        ]
        output = tmp_path / "there.mp4"
        code, said = command("interpolate", str(movie), "-o", str(output), *set_options(settings))
    assert code == 0, said
    assert output.read_bytes() == (tmp_path / "here.mp4").read_bytes()


@pytest.mark.slow
@pytest.mark.privileged
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_interrupted_while_it_writes_it_leaves_neither_file_nor_process(
    movie: Path, tmp_path: Path, number: int, code: int
) -> None:
    # FFmpeg in the rehearsal, and then something that never reads.
    stuck = tmp_path / "stuck"
    stuck.write_text(
        f'#!/bin/sh\ncase "$*" in *pipe:0*) case "$*" in *" -t "*) ;; *) exec sleep 100;; esac;; esac\n'
        f'exec {imageio_ffmpeg.get_ffmpeg_exe()} "$@"\n'
    )
    stuck.chmod(0o755)
    words = ["interpolate", str(movie), "-o", str(tmp_path / "out.mp4"), *options_for(tmp_path / "cache")]
    words += ["--set", f"clip.ffmpeg={stuck}"]
    process = psutil.Popen(
        [sys.executable, "-m", "animeinterp.pipeline.cli", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    while not list(tmp_path.glob(".out.mp4-*")) and process.poll() is None:
        time.sleep(0.01)
    time.sleep(0.5)
    children = process.children()
    assert "sleep" in [child.name() for child in children]
    process.send_signal(number)
    _, said = process.communicate(timeout=60)
    assert process.returncode == code, said.decode()
    assert "run the same command again" in said.decode()
    assert psutil.wait_procs(children, timeout=10)[1] == []
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "stuck"]


@pytest.mark.parametrize("name", ["images", "lossless.mkv"])
def test_a_full_disk_is_told_and_nothing_is_left_on_it(
    command: Command, options: list[str], folder: Path, small_disk: Path, name: str
) -> None:
    output = small_disk / name
    words = ["interpolate", str(folder), "-o", str(output), "--codec", "ffv1", *options]
    code, said = command(*words)
    assert code == 2, said
    assert f"{output}: cannot be written (No space left on device" in said
    assert "run the same command again" in said
    assert list(small_disk.iterdir()) == []
    remount(small_disk, "size=20m")
    code, said = command(*words)
    assert code == 0, said
    assert output.exists()


def test_metadata_of_a_video_is_text_on_the_terminal(
    interpolate: Command, movie: Path, tmp_path: Path
) -> None:
    (tmp_path / "letters.ttf").write_bytes(b"no real font")
    odd = "a[red]<b>\x1b[31m\nerror: all is lost.ttf"
    ffmpeg(
        *("-i", movie, "-f", "lavfi", "-i", "sine=d=0.2", "-attach", tmp_path / "letters.ttf"),
        *("-metadata:s:t", "mimetype=application/x-truetype-font", "-metadata:s:t", f"filename={odd}"),
        *("-c:v", "copy", "-c:a", "flac", "-metadata:s:a", "language=[b]\x1b[1m", tmp_path / "odd.mkv"),
    )
    code, said = interpolate(tmp_path / "odd.mkv", "out.mov", "--dry-run")
    assert code == 0, said
    assert "\x1b" not in said
    assert "\nerror" not in said
    assert "a[red]<b>" in said
    assert "sound stream 1, flac ([b]" in said


def test_a_dry_run_tells_time_and_space_by_three_pairs(interpolate: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "ones.mkv", 12, SIZE)
    apart = ("--set", "clip.repeat_threshold=0", "--set", "clip.cut_threshold=1")
    code, said = interpolate(tmp_path / "ones.mkv", "a.mp4", "--dry-run", *apart)
    assert code == 0
    assert "drawn between 11 pairs" in said
    items = {"frames": 6, "segmentation": 6, "features": 6, "matching": 8, "synthesis": 8}
    for stage, count in items.items():  # less those of the sample
        assert re.search(rf"{stage} +{count} .* [36] \w+, of this clip", said), said
    assert re.search(r"about 0:00:\d\d on 1 worker, and [\d.]+ [kM]B \(", said), said
    assert not (tmp_path / "a.mp4").exists()
    before = set((tmp_path / "cache").rglob("*.zarr"))
    assert {path.parent.parent.name for path in before} >= {"segmentation", "synthesis"}
    assert interpolate(tmp_path / "ones.mkv", "a.mp4", "--dry-run", *apart)[0] == 0
    assert set((tmp_path / "cache").rglob("*.zarr")) == before


@pytest.mark.slow
def test_a_dry_run_of_what_is_done_leaves_nothing(interpolate: Command, folder: Path, tmp_path: Path) -> None:
    kept = ("--set", "clip.keep=frames")
    assert interpolate(folder, "a", *kept)[0] == 0
    code, said = interpolate(folder, "b", "--dry-run", *kept)
    assert code == 0
    assert "nothing is left to compute" in said
    assert not (tmp_path / "b").exists()


def test_the_scan_agrees_with_the_truth(interpolate: Command, movie: Path, tmp_path: Path) -> None:
    truth = json.loads(movie.with_name("movie.mp4.truth.json").read_text())
    drawings = len({frame["drawing"] for frame in truth["frames"]})
    _, said = interpolate(movie, "a.mp4", "--dry-run")
    assert f"{drawings} drawings" in said


def test_bars_cost_nothing(interpolate: Command, folder: Path, tmp_path: Path) -> None:
    barred = tmp_path / "barred"
    for path in sorted(folder.iterdir())[:6]:
        picture = np.zeros((96, 128, 3), np.uint8)
        picture[12:84] = read_image(path)
        write_image(barred / path.name, picture)
    assert interpolate(barred, "a", "--set", "clip.keep=all")[0] == 0
    (clip,) = (tmp_path / "cache" / "clips").iterdir()
    assert {read_image(path).shape for path in (clip / "frames").rglob("*.png")} == {(72, 128, 3)}
    made = read_image(tmp_path / "a" / "frame_000002.png")
    assert made.shape == (96, 128, 3)
    assert not made[:12].any()
    assert made[12:84].any()


def test_one_frame_is_too_few(interpolate: Command, folder: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone"
    alone.mkdir()
    shutil.copy(sorted(folder.iterdir())[0], alone)
    code, said = interpolate(alone, "a")
    assert code == 2
    assert "two" in said


def test_a_gif_that_is_too_fast_is_told(interpolate: Command, folder: Path) -> None:
    for rate, told in (("24", False), ("30", True)):
        _, said = interpolate(folder, "out.gif", "--dry-run", "--rate", rate)
        assert ("players show a GIF of more than 50 frames a second slowly" in said) == told


def test_images_of_a_varying_rate_are_told(interpolate: Command, tmp_path: Path) -> None:
    write_video(tmp_path / "varying.mp4", 4, (72, 128), ticks=[0, 1, 5, 20])
    _, said = interpolate(tmp_path / "varying.mp4", "images", "--dry-run")
    assert "note: the frame rate varies, and numbered images have no times" in said
    _, said = interpolate(tmp_path / "varying.mp4", "out.mp4", "--dry-run")
    assert "frame rate varies" not in said
