from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import psutil
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.configs.files import sha256_of
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.clips.video import VideoClip
from animeinterp.data.images import write_image
from animeinterp.pipeline.clips.ffmpeg_program import find_program
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.video_writer import ProgramError
from animeinterp.pipeline.clips.writers import prepare_output
from tests.drawn_videos import decoded, drawing, ffmpeg, planes, shown_times, write_video
from tests.pipeline.clip_sources import doubled, expected_times
from tests.project import ROOT

RATE = Fraction(48)
TICK = 1 / RATE
CADENCE = Cadence(2, RATE, TICK, TICK)


def left_over(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("codec", "pixel_format", "suffix", "chosen"),
    [
        ("libx264", "yuv420p", ".mp4", {"quality": 0}),
        ("libx264", "yuv420p10le", ".mkv", {"quality": 0}),
        ("ffv1", "yuv444p", ".mkv", {"quality": 0}),
        ("ffv1", "yuv420p", ".mkv", {"codec": "ffv1"}),
        ("ffv1", "yuv422p10le", ".mkv", {"codec": "ffv1"}),
        ("ffv1", "bgr0", ".mkv", {"codec": "ffv1"}),
        ("ffv1", "bgra", ".mkv", {"codec": "ffv1"}),
        ("libx264", "yuv420p", ".webm", {"codec": "vp9", "quality": 0}),
        ("libx264", "yuv420p", ".mp4", {"codec": "h265", "quality": 0}),
        ("qtrle", "argb", ".mov", {"codec": "qtrle"}),
    ],
)
def test_originals_pass_untouched(
    tmp_path: Path, codec: str, pixel_format: str, suffix: str, chosen: dict[str, object]
) -> None:
    source = tmp_path / ("source.mov" if codec == "qtrle" else "source.mkv")
    write_video(source, 6, codec=codec, pixel_format=pixel_format)
    clip, notes = doubled(source, tmp_path / f"out{suffix}", **chosen)
    assert notes == ()
    written = decoded(tmp_path / f"out{suffix}")
    assert len(written) == 12
    for frame, picture in zip(clip.frames(), written[::2], strict=True):
        original: av.VideoFrame = frame.picture  # type: ignore[attr-defined]
        assert picture.format.name == pixel_format
        assert planes(picture) == planes(original)


def test_odd_sizes_pass_untouched_where_the_codec_takes_them(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mkv", 3, (47, 63), "ffv1")
    clip, notes = doubled(tmp_path / "source.mkv", tmp_path / "out.mkv", codec="ffv1")
    assert notes == ()
    for frame, picture in zip(clip.frames(), decoded(tmp_path / "out.mkv")[::2], strict=True):
        assert planes(picture) == planes(frame.picture)  # type: ignore[attr-defined]


def test_drawn_frames_come_out_in_their_colours(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mkv", 4, codec="ffv1", pixel_format="yuv444p", colorspace=1, color_range=1)
    clip, _ = doubled(tmp_path / "source.mkv", tmp_path / "out.mkv", codec="ffv1")
    written = list(VideoClip(tmp_path / "out.mkv").frames())
    for original, drawn in zip(clip.frames(), written[1::2], strict=True):
        assert np.abs(original.rgb().astype(int) - drawn.rgb()).max() <= 2


@pytest.mark.parametrize("suffix", [".mp4", ".mov"])
def test_every_frame_has_its_exact_time_and_the_whole_its_duration(tmp_path: Path, suffix: str) -> None:
    write_video(tmp_path / "source.mp4", 6, ticks=[0, 1, 4, 5, 10, 11])
    clip, _ = doubled(tmp_path / "source.mp4", tmp_path / f"out{suffix}")
    seen = shown_times(tmp_path / f"out{suffix}")
    expected = expected_times(clip)
    assert [start for start, _ in seen] == pytest.approx([float(start) for start, _ in expected], abs=1e-9)
    with av.open(str(tmp_path / f"out{suffix}")) as out:
        stream = out.streams.video[0]
        assert stream.duration * stream.time_base == pytest.approx(float(sum(expected[-1])), abs=0.001)
    ours = VideoClip(tmp_path / f"out{suffix}")
    assert [(frame.start, frame.duration) for frame in ours.frames()] == expected


def test_matroska_has_the_nearest_millisecond(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mp4", 6)
    clip, _ = doubled(tmp_path / "source.mp4", tmp_path / "out.mkv")
    expected = [float(start) for start, _ in expected_times(clip)]
    assert [start for start, _ in shown_times(tmp_path / "out.mkv")] == pytest.approx(expected, abs=0.0006)
    with av.open(str(tmp_path / "out.mkv")) as out:
        assert out.duration == pytest.approx(250_000, abs=1000)


def test_colours_and_pixel_shape_are_kept(tmp_path: Path) -> None:
    properties = {"colorspace": 9, "color_range": 1, "color_primaries": 9, "color_trc": 16}
    write_video(
        tmp_path / "source.mp4",
        3,
        pixel_format="yuv420p10le",
        sample_aspect_ratio=Fraction(4, 3),
        **properties,
    )
    clip, _ = doubled(tmp_path / "source.mp4", tmp_path / "out.mp4")
    written = VideoClip(tmp_path / "out.mp4")
    assert isinstance(clip, VideoClip)
    assert written.kind == clip.kind
    assert (written.kind.matrix, written.kind.primaries, written.kind.transfer) == (9, 9, 16)
    assert written.aspect == Fraction(4, 3)


def test_rotated_videos_are_written_upright(tmp_path: Path) -> None:
    write_video(tmp_path / "lying.mp4", 4)
    ffmpeg("-display_rotation", "90", "-i", tmp_path / "lying.mp4", "-c", "copy", tmp_path / "source.mp4")
    clip, _ = doubled(tmp_path / "source.mp4", tmp_path / "out.mp4", quality=0)
    out = VideoClip(tmp_path / "out.mp4")
    assert out.size == (64, 48)
    assert decoded(tmp_path / "out.mp4")[0].rotation == 0
    for frame, picture in zip(clip.frames(), decoded(tmp_path / "out.mp4")[::2], strict=True):
        assert planes(picture) == planes(frame.picture)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "asked", ["hflip", "vflip", "rotation 90 hflip", "rotation 270 vflip", "rotation 180 hflip"]
)
def test_mirrored_videos_are_written_as_they_are_shown(tmp_path: Path, asked: str) -> None:
    write_video(tmp_path / "plain.mp4", 2)
    words = " -display_".join(["", *asked.replace("rotation ", "rotation=").split()]).split()
    arguments = [part for word in words for part in word.split("=")]
    ffmpeg(*arguments, "-i", tmp_path / "plain.mp4", "-c", "copy", tmp_path / "source.mp4")
    shown = ffmpeg("-i", tmp_path / "source.mp4", "-f", "rawvideo", "-")
    clip, _ = doubled(tmp_path / "source.mp4", tmp_path / "out.mp4", quality=0)
    assert clip.digest() != sha256_of(tmp_path / "source.mp4")  # version 0.1 read it in another way
    written = ffmpeg("-noautorotate", "-i", tmp_path / "out.mp4", "-f", "rawvideo", "-")
    size = len(shown) // 2
    assert [written[:size], written[2 * size : 3 * size]] == [shown[:size], shown[size:]]


def test_full_range_stays_full(tmp_path: Path) -> None:
    write_video(tmp_path / "source.avi", 3, codec="mjpeg", pixel_format="yuvj420p")
    clip, _ = doubled(tmp_path / "source.avi", tmp_path / "out.mp4", quality=0)
    for frame, picture in zip(clip.frames(), decoded(tmp_path / "out.mp4")[::2], strict=True):
        assert picture.color_range == 2
        assert planes(picture) == planes(frame.picture)  # type: ignore[attr-defined]


def test_images_become_a_video_that_players_know(tmp_path: Path) -> None:
    for index in range(3):
        write_image(tmp_path / "frames" / f"{index}.png", drawing(index))
    doubled(tmp_path / "frames", tmp_path / "out.mp4", rate="12")
    out = VideoClip(tmp_path / "out.mp4")
    assert out.kind.format == "yuv420p"
    assert (out.kind.matrix, out.kind.range) == (6, 1)
    assert [frame.start for frame in out.frames()] == [Fraction(index, 24) for index in range(6)]
    frame = next(out.frames())
    assert np.abs(frame.rgb().astype(int)[20:28, 8:12] - (230, 40, 20)).mean() < 12


@pytest.mark.parametrize(
    ("suffix", "chosen", "accuracy"),
    [(".mkv", {"codec": "ffv1"}, 1), (".mov", {"codec": "prores"}, 3), (".webm", {"codec": "vp9"}, 12)],
)
def test_transparency_is_kept(tmp_path: Path, suffix: str, chosen: dict[str, object], accuracy: int) -> None:
    pixels = np.full((48, 64, 4), (200, 100, 50, 255), np.uint8)
    pixels[:, :24, 3] = 0
    pixels[:, 24:44, 3] = 128
    pictures = [av.VideoFrame.from_ndarray(pixels, format="rgba") for _ in range(2)]
    write_video(tmp_path / "source.mkv", 2, codec="ffv1", pixel_format="bgra", pictures=pictures)
    clip, notes = doubled(tmp_path / "source.mkv", tmp_path / f"out{suffix}", **chosen)
    assert not [note for note in notes if "transparency" in note]
    source = next(iter(clip.frames())).alpha()
    assert source is not None
    for frame in VideoClip(tmp_path / f"out{suffix}").frames():
        alpha = frame.alpha()
        assert alpha is not None
        assert np.abs(alpha.astype(int) - source).max() <= accuracy
        assert np.abs(frame.rgb()[:, 46:62].astype(int) - (200, 100, 50)).max() <= accuracy


def test_lost_transparency_is_laid_over_white_in_every_frame(tmp_path: Path) -> None:
    pixels = np.full((48, 64, 4), (200, 100, 50, 0), np.uint8)
    pictures = [av.VideoFrame.from_ndarray(pixels, format="rgba")]
    write_video(tmp_path / "source.mkv", 1, codec="ffv1", pixel_format="bgra", pictures=pictures)
    _, notes = doubled(tmp_path / "source.mkv", tmp_path / "out.mp4")
    assert "transparency is replaced by white" in notes[0]
    for frame in VideoClip(tmp_path / "out.mp4").frames():
        assert frame.rgb().min() >= 253


@pytest.mark.parametrize("name", ["out.mp4", "out.mkv"])
def test_the_same_clip_gives_the_same_file(tmp_path: Path, name: str) -> None:
    write_video(tmp_path / "source.mp4", 24, (96, 160))
    doubled(tmp_path / "source.mp4", tmp_path / "first" / name)
    doubled(tmp_path / "source.mp4", tmp_path / "second" / name)
    assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes()


@pytest.mark.parametrize("codec", ["h264", "h265", "av1", "vp9", "mpeg4", "mjpeg"])
def test_lower_quality_is_smaller(tmp_path: Path, codec: str) -> None:
    write_video(tmp_path / "source.mp4", 6)
    for quality in (8, 40):
        doubled(tmp_path / "source.mp4", tmp_path / f"{quality}.mkv", codec=codec, quality=quality)
        assert len(decoded(tmp_path / f"{quality}.mkv")) == 12
    assert (tmp_path / "40.mkv").stat().st_size < 0.9 * (tmp_path / "8.mkv").stat().st_size


def test_nothing_appears_before_the_end_and_nothing_is_left_without_one(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mp4", 4)
    output = tmp_path / "results" / "out.mp4"
    output.parent.mkdir()
    clip = open_clip([tmp_path / "source.mp4"], ClipSection())
    with prepare_output(clip, output, ClipSection()).writer(CADENCE) as writer:
        for frame in clip.frames():
            writer.original(frame, frame.start, frame.duration)
        assert not output.exists()
    assert list(output.parent.iterdir()) == []
    broken = frame.rgb()[:, :, :2]
    with (
        pytest.raises(ValueError),
        prepare_output(clip, output, ClipSection()).writer(CADENCE) as writer,
    ):
        writer.drawn(broken, None, frame.start, frame.duration)
    assert list(output.parent.iterdir()) == []


def test_an_output_is_kept_until_the_new_one_is_whole(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mp4", 4)
    output = tmp_path / "out.mp4"
    output.write_bytes(b"of before")
    clip = open_clip([tmp_path / "source.mp4"], ClipSection())
    with prepare_output(clip, output, ClipSection(), overwrite=True).writer(CADENCE) as writer:
        writer.original(next(iter(clip.frames())), Fraction(0), TICK)
        assert output.read_bytes() == b"of before"
        writer.finish()
    assert len(decoded(output)) == 1
    assert left_over(tmp_path) == []


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no signals")
@pytest.mark.parametrize(
    ("number", "advice"), [(signal.SIGKILL, "perhaps memory ran out"), (signal.SIGSEGV, "choose another")]
)
def test_a_program_that_is_killed_is_named_with_the_signal(
    tmp_path: Path, number: signal.Signals, advice: str
) -> None:
    write_video(tmp_path / "source.mp4", 4)
    clip = open_clip([tmp_path / "source.mp4"], ClipSection())
    frame = next(iter(clip.frames()))
    target = prepare_output(clip, tmp_path / "out.mp4", ClipSection())
    others = psutil.Process().children()
    with target.writer(CADENCE) as writer:
        writer.original(frame, frame.start, frame.duration)
        (program,) = set(psutil.Process().children()) - set(others)
        program.send_signal(number)
        with pytest.raises(ProgramError) as caught:
            writer.finish()
    assert f"({find_program()}) failed: ended by {number.name}; {advice}" in str(caught.value)
    assert left_over(tmp_path) == []


def test_no_frame_is_no_video(tmp_path: Path) -> None:
    write_video(tmp_path / "source.mp4", 4)
    clip = open_clip([tmp_path / "source.mp4"], ClipSection())
    with (
        pytest.raises(DataError, match=r"out\.mp4: no frame to write"),
        prepare_output(clip, tmp_path / "out.mp4", ClipSection()).writer(CADENCE) as writer,
    ):
        writer.finish()
    assert left_over(tmp_path) == []


# A limit on the size of files stands for a full disk: writing fails in the same place.
LIMITED = """
import resource, signal, sys
from pathlib import Path
from animeinterp.configs.errors import DataError
from tests.pipeline.clip_sources import doubled

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    doubled(Path(sys.argv[1]), Path(sys.argv[2]), codec=sys.argv[3], quality=0)
except DataError as error:
    print(error)
"""


@pytest.mark.parametrize(("name", "codec"), [("out.mkv", "ffv1"), ("out.mp4", "h264")])
def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path, name: str, codec: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (12, 96, 128, 3), np.uint8)
    pictures = [av.VideoFrame.from_ndarray(picture, "rgb24") for picture in noise]
    write_video(tmp_path / "source.mkv", 12, (96, 128), "ffv1", pictures=pictures)
    output = tmp_path / "results" / name
    said = subprocess.run(
        [sys.executable, "-W", "error", "-c", LIMITED, tmp_path / "source.mkv", output, codec],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
    )
    assert f"{output}: cannot be written ({os.strerror(errno.EFBIG)}; " in said.stdout
    assert "make room or name another output" in said.stdout
    assert said.stderr == ""
    assert list(output.parent.iterdir()) == []


@pytest.mark.parametrize(
    "other",
    [("-pix_fmt", "yuv444p"), ("-pix_fmt", "yuv420p", "-colorspace", "bt709")],
    ids=["format", "matrix"],
)
def test_pictures_that_change_their_kind_keep_their_colours_and_are_told(
    tmp_path: Path, other: tuple[str, ...]
) -> None:
    content = b""
    for number, kind in enumerate((("-pix_fmt", "yuv420p", "-colorspace", "smpte170m"), other)):
        part = tmp_path / f"{number}.ts"
        pictures = f"color=c=0xE03010:s=64x48:r=24:d=0.25,format={kind[1]}"
        ffmpeg("-f", "lavfi", "-i", pictures, "-c:v", "libx264", "-qp", "0", *kind, part)
        content += part.read_bytes()
    (tmp_path / "in.ts").write_bytes(content)
    clip, _ = doubled(tmp_path / "in.ts", tmp_path / "out.mkv", codec="ffv1")
    assert "in.ts: 6 frames of another pixel format, matrix or range than the first; converted to it" in (
        clip.problems
    )
    seen = [frame.rgb() for frame in clip.frames()]
    for before, after in zip(seen, list(VideoClip(tmp_path / "out.mkv").frames())[::2], strict=True):
        assert np.abs(before.astype(int) - after.rgb()).max() <= 2
