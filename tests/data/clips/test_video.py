from __future__ import annotations

import hashlib
import pickle
import re
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from animeinterp.configs.errors import DataError
from animeinterp.data.clips.reading_report import clock
from animeinterp.data.clips.video import VideoClip
from tests.drawn_videos import decoded, drawing, ffmpeg, planes, write_video


def starts(clip: VideoClip) -> list[Fraction]:
    return [frame.start for frame in clip.frames()]


def end(clip: VideoClip) -> Fraction:
    *_, last = clip.frames()
    return last.start + last.duration


def test_video_is_read_again_and_again_with_exact_times(tmp_path: Path) -> None:
    path = tmp_path / "movie.mp4"
    write_video(path)
    clip = VideoClip(path)
    assert (clip.name, clip.sources, clip.size, clip.rate) == ("movie", (path,), (48, 64), 24)
    assert (clip.has_alpha, clip.problems, clip.origin) == (False, (), 0)
    assert clip.digest() == hashlib.sha256(path.read_bytes()).hexdigest()
    for _ in range(2):
        frames = list(clip.frames())
        assert [frame.index for frame in frames] == list(range(12))
        assert [frame.start for frame in frames] == [Fraction(index, 24) for index in range(12)]
        assert {frame.duration for frame in frames} == {Fraction(1, 24)}
    assert frames[3].alpha() is None
    assert np.abs(frames[3].rgb().astype(int)[24:30, 17:21] - (230, 40, 20)).mean() < 12


def test_a_video_can_be_sent_to_another_process(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4")
    clip = VideoClip(tmp_path / "movie.mp4")
    assert starts(pickle.loads(pickle.dumps(clip))) == starts(clip)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv"])
def test_variable_frame_rate(tmp_path: Path, suffix: str) -> None:
    ticks = [0, 1, 4, 5, 10, 11]
    write_video(tmp_path / f"movie{suffix}", 6, ticks=ticks)
    found = starts(VideoClip(tmp_path / f"movie{suffix}"))
    if suffix == ".mp4":
        assert found == [Fraction(tick, 24) for tick in ticks]
    else:  # Matroska counts milliseconds
        assert found == [Fraction(round(tick * 1000 / 24), 1000) for tick in ticks]


@pytest.mark.parametrize("degrees", [90, 180, 270])
def test_rotated_pictures_are_upright(tmp_path: Path, degrees: int) -> None:
    write_video(tmp_path / "lying.mp4", sample_aspect_ratio=Fraction(4, 3))
    rotated = tmp_path / "rotated.mp4"
    ffmpeg("-display_rotation", str(degrees), "-i", tmp_path / "lying.mp4", "-c", "copy", rotated)
    clip = VideoClip(rotated)
    quarter = degrees != 180
    assert clip.size == ((64, 48) if quarter else (48, 64))
    assert clip.aspect == (Fraction(3, 4) if quarter else Fraction(4, 3))
    seen = ffmpeg("-i", rotated, "-f", "rawvideo", "-pix_fmt", "yuv420p", "-")
    assert b"".join(b"".join(planes(frame.picture)) for frame in clip.frames()) == seen


@pytest.mark.parametrize(
    ("codec", "pixel_format"),
    [
        ("ffv1", "yuv420p"),
        ("ffv1", "yuv420p10le"),
        ("ffv1", "gray"),
        ("ffv1", "bgr0"),
        ("libx264", "yuv444p10le"),
    ],
)
def test_odd_sizes_and_deep_colours(tmp_path: Path, codec: str, pixel_format: str) -> None:
    path = tmp_path / "movie.mkv"
    write_video(path, 3, (47, 63), codec, pixel_format, options={"crf": "1"} if codec == "libx264" else {})
    clip = VideoClip(path)
    assert clip.size == (47, 63)
    for frame, picture in zip(clip.frames(), decoded(path), strict=True):
        assert frame.picture.format.name == pixel_format
        assert planes(frame.picture) == planes(picture)
        assert frame.rgb().shape == (47, 63, 3)
    if pixel_format == "bgr0":
        np.testing.assert_array_equal(frame.rgb(), drawing(2, (47, 63)))


@pytest.mark.parametrize(
    ("suffix", "codec", "pixel_format", "accuracy"),
    [
        (".mkv", "ffv1", "bgra", 0),
        (".mov", "qtrle", "argb", 0),
        (".mov", "prores_ks", "yuva444p10le", 3),
        (".webm", "libvpx-vp9", "yuva420p", 12),
    ],
)
def test_transparency(tmp_path: Path, suffix: str, codec: str, pixel_format: str, accuracy: int) -> None:
    pixels = np.full((48, 64, 4), (200, 100, 50, 255), np.uint8)
    pixels[:, :24, 3] = 0
    pixels[:, 24:44, 3] = 128
    picture = av.VideoFrame.from_ndarray(pixels, format="rgba")
    path = tmp_path / f"movie{suffix}"
    lossless = {"lossless": "1"} if codec == "libvpx-vp9" else {}
    with av.open(str(path), "w") as out:
        stream = out.add_stream(codec, rate=24, options=lossless)
        stream.height, stream.width, stream.pix_fmt = 48, 64, pixel_format
        stream.metadata["alpha_mode"] = "1"
        for index in range(2):
            picture.pts, picture.time_base = index, Fraction(1, 24)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))
    clip = VideoClip(path)
    assert clip.has_alpha
    *_, frame = clip.frames()
    alpha = frame.alpha()
    assert alpha is not None
    assert np.abs(alpha.astype(int) - pixels[..., 3]).max() <= min(accuracy, 3)
    image = frame.rgb()
    assert (image[:, :23] == 255).all()
    assert np.abs(image[:, 26:42].astype(int) - (227, 177, 152)).max() <= max(1, accuracy)
    assert np.abs(image[:, 46:].astype(int) - (200, 100, 50)).max() <= accuracy


def test_truncated_video_gives_what_is_there(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", 60, options={"g": "6"})
    content = (tmp_path / "whole.mp4").read_bytes()
    path = tmp_path / "half.mp4"
    path.write_bytes(content[: len(content) * 6 // 10])
    clip = VideoClip(path)
    count = len(list(clip.frames()))
    assert 20 < count < 50
    assert any(
        line.startswith("half.mp4: ends at 00:0") and "instead of 00:02.5" in line for line in clip.problems
    )


def test_damaged_video_is_read_past_the_damage_and_the_same_each_time(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mkv", 96, options={"g": "12"})
    content = bytearray((tmp_path / "whole.mkv").read_bytes())
    damage = slice(len(content) * 4 // 10, len(content) * 5 // 10)
    content[damage] = np.random.default_rng(0).integers(0, 256, len(content[damage]), np.uint8).tobytes()
    (tmp_path / "hurt.mkv").write_bytes(content)
    clip = VideoClip(tmp_path / "hurt.mkv")
    first = [(frame.start, planes(frame.picture)) for frame in clip.frames()]
    assert 60 < len(first) < 96
    assert first[-1][0] > Fraction(7, 2)  # what is behind the damage is at its own time
    assert any(
        re.match(r"hurt\.mkv: no frames between 00:00\.8 and 00:01\.8, at an otherwise even", line)
        for line in clip.problems
    )
    assert [(frame.start, planes(frame.picture)) for frame in clip.frames()] == first


@pytest.mark.parametrize(
    ("codec", "pixel_format"), [("png", "rgb24"), ("mjpeg", "yuvj420p"), ("prores_ks", "yuv422p10le")]
)
def test_frames_that_cannot_be_decoded_keep_their_numbers(
    tmp_path: Path, codec: str, pixel_format: str
) -> None:
    write_video(tmp_path / "whole.mov", 24, codec=codec, pixel_format=pixel_format)
    hurt = bytearray((tmp_path / "whole.mov").read_bytes())
    with av.open(str(tmp_path / "whole.mov")) as source:
        places = [(packet.pos, packet.size) for packet in source.demux(video=0) if packet.size]
    for position, size in places[12:14]:
        hurt[position : position + size] = bytes(size)
    (tmp_path / "hurt.mov").write_bytes(hurt)
    clip = VideoClip(tmp_path / "hurt.mov")
    assert starts(clip) == [Fraction(index, 24) for index in range(24)]
    shown = [planes(frame.picture) for frame in clip.frames()]
    assert shown[11] == shown[12] == shown[13] != shown[14]
    assert clip.damage == clip.problems
    assert "2 packets near 00:00.5 could not be decoded; the frame before stands in" in clip.damage[0]


def test_frames_lost_where_they_are_out_of_order_are_missing(tmp_path: Path) -> None:
    write_video(tmp_path / "whole.mp4", 24, options={"bf": "2", "g": "24"})
    hurt = bytearray((tmp_path / "whole.mp4").read_bytes())
    with av.open(str(tmp_path / "whole.mp4")) as source:
        places = [(packet.pos, packet.size) for packet in source.demux(video=0) if packet.size]
    position, size = places[12]
    hurt[position : position + size] = bytes(size)
    (tmp_path / "hurt.mp4").write_bytes(hurt)
    clip = VideoClip(tmp_path / "hurt.mp4")
    assert set(starts(clip)) <= {Fraction(index, 24) for index in range(24)}
    assert clip.damage


def test_videos_without_times_go_by_their_rate(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4")
    ffmpeg("-i", tmp_path / "movie.mp4", "-c", "copy", tmp_path / "bare.h264")
    clip = VideoClip(tmp_path / "bare.h264")
    assert clip.rate == 24
    assert starts(clip) == [Fraction(index, 24) for index in range(12)]
    assert "12 frames without a time of its own" in clip.problems[0]


def test_first_frame_may_be_late_in_the_time_of_its_file(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4")
    ffmpeg("-i", tmp_path / "movie.mp4", "-c", "copy", tmp_path / "movie.ts")
    clip = VideoClip(tmp_path / "movie.ts")
    assert clip.origin > 1
    assert starts(clip) == [Fraction(index, 24) for index in range(12)]
    assert end(clip) == Fraction(1, 2)


@pytest.mark.parametrize("statistics", [False, True])
def test_the_last_frame_of_late_pictures_lasts_as_long_as_it_did(tmp_path: Path, statistics: bool) -> None:
    said = ("-metadata:s:v", "_STATISTICS_WRITING_APP=mkvmerge") if statistics else ()
    ffmpeg(
        *("-itsoffset", "0.03", "-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=0.5", "-c:v", "ffv1", *said),
        tmp_path / "in.mkv",
    )
    if statistics:
        content = re.sub(rb"00:00:00\.5[0-9]+", b"00:00:00.500000000", (tmp_path / "in.mkv").read_bytes())
        (tmp_path / "in.mkv").write_bytes(content)
    frames = list(VideoClip(tmp_path / "in.mkv").frames())
    assert float(frames[-1].start + frames[-1].duration) == pytest.approx(0.5, abs=0.002)


def test_frames_of_another_size_are_scaled_to_the_first(tmp_path: Path) -> None:
    write_video(tmp_path / "a.h264", 4)
    write_video(tmp_path / "b.h264", 4, (96, 128))
    both = tmp_path / "both.h264"
    both.write_bytes((tmp_path / "a.h264").read_bytes() + (tmp_path / "b.h264").read_bytes())
    clip = VideoClip(both)
    assert {frame.rgb().shape for frame in clip.frames()} == {(48, 64, 3)}
    assert any("4 frames of another size" in line for line in clip.problems)


def test_cover_art_is_not_the_video(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4")
    write_video(tmp_path / "cover.png", 1, (20, 20), "png", "rgb24", options={"update": "1"})
    covered = tmp_path / "covered.mp4"
    ffmpeg(
        *("-i", tmp_path / "cover.png", "-i", tmp_path / "movie.mp4", "-map", "0", "-map", "1", "-c", "copy"),
        *("-disposition:v:0", "attached_pic", covered),
    )
    assert VideoClip(covered).size == (48, 64)


def test_sound_alone_is_refused(tmp_path: Path) -> None:
    ffmpeg("-f", "lavfi", "-t", "0.1", "-i", "sine=440", tmp_path / "sound.wav")
    with pytest.raises(DataError, match=r"sound\.wav: no video in it, only audio; name a file"):
        VideoClip(tmp_path / "sound.wav")


@pytest.mark.parametrize(
    ("name", "content"),
    [("movie.mp4", b""), ("movie.mp4", b"a letter, no video" * 50), ("a.txt", b"text\n" * 99)],
)
def test_files_that_are_no_videos_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match=r"not a video that FFmpeg can read|a single image or text"):
        VideoClip(tmp_path / name)


def test_videos_cut_before_their_index_or_first_frame_are_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4")
    content = (tmp_path / "movie.mp4").read_bytes()
    (tmp_path / "index.mp4").write_bytes(content[:200])
    with pytest.raises(DataError, match="cut off before its index|only data; name a file"):
        VideoClip(tmp_path / "index.mp4")
    (tmp_path / "frame.mp4").write_bytes(content[: content.index(b"mdat") + 30])
    with pytest.raises(DataError, match="no frame of it could be decoded|ends before its first frame"):
        VideoClip(tmp_path / "frame.mp4")


def test_an_image_is_no_video(tmp_path: Path) -> None:
    write_video(tmp_path / "one.png", 1, codec="png", pixel_format="rgb24", options={"update": "1"})
    with pytest.raises(DataError, match="a single image or text, not a video; for images name a folder"):
        VideoClip(tmp_path / "one.png")


def test_a_video_that_has_gone(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4")
    clip = VideoClip(tmp_path / "movie.mp4")
    (tmp_path / "movie.mp4").unlink()
    with pytest.raises(DataError, match=r"movie\.mp4: cannot be read"):
        list(clip.frames())
    with pytest.raises(DataError, match=r"movie\.mp4: cannot be read"):
        clip.digest()


def test_names_with_colons_are_files(tmp_path: Path) -> None:
    path = tmp_path / "movie: part 1.mp4"
    write_video(tmp_path / "movie.mp4")
    (tmp_path / "movie.mp4").rename(path)
    assert len(list(VideoClip(path).frames())) == 12


def test_clock() -> None:
    assert [clock(Fraction(time)) for time in ("0", "12.44", "3723.5", "-1")] == [
        "00:00.0",
        "00:12.4",
        "01:02:03.5",
        "-00:01.0",
    ]


def test_progressive_pictures_flagged_as_interlaced_keep_their_colours(tmp_path: Path) -> None:
    frames = {}
    for name, field, flags in (("plain", "prog", "0"), ("flagged", "tff", "+ildct+ilme")):
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=s=160x90:r=24:d=0.1", "-vf", f"setfield={field},format=yuv420p"),
            *("-c:v", "mpeg2video", "-flags", flags, "-qscale", "1", tmp_path / f"{name}.mkv"),
        )
        clip = VideoClip(tmp_path / f"{name}.mkv")
        frames[name] = next(clip.frames()).rgb().astype(int)
    list(clip.frames())
    assert "interlaced" in clip.problems[0]
    assert np.abs(frames["flagged"] - frames["plain"]).max() <= 40  # other coding of the same pictures
    assert np.abs(frames["flagged"] - frames["plain"]).mean() < 1
