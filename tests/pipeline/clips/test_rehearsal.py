"""What public reports found wrong in videos written by programs of this kind, and its relatives."""

from __future__ import annotations

import re
from fractions import Fraction
from pathlib import Path

import av
import pytest

from animeinterp.configs.errors import ConfigError
from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.opening import open_clip
from animeinterp.data.clips.video import VideoClip
from animeinterp.pipeline.clips.ffmpeg_program import find_program
from animeinterp.pipeline.clips.writers import prepare_output
from tests.drawn_videos import ffmpeg, shown_times, write_video
from tests.pipeline.clip_probes import codecs, display_shape, heard_after, packet_times
from tests.pipeline.clip_sources import doubled, expected_times
from tests.pipeline.made_videos import BEEP, PICTURES, make

TITLE = "Ton ‘1’ {k} -y a=b"
STYLES = """[Script Info]
ScriptType: v4.00+

[V4+ Styles]
Format: Name, Fontname, Fontsize
Style: Default,Arial,16

[Events]
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text
"""


def largest_move(source: Path, out: Path, kind: str, number: int = 0) -> tuple[Fraction, Fraction]:
    """By how much a packet's time differs most, and the larger tick of both files."""
    before, tick = packet_times(source, kind, number)
    after, tick_after = packet_times(out, kind, number)
    assert len(before) == len(after) > 0
    return max(abs(a - b) for a, b in zip(before, after, strict=True)), max(tick, tick_after)


def test_packets_of_equal_times_do_not_move_the_next(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", *BEEP, "-ac", "2", "-c:a", "truehd", "-strict", "-2")
    doubled(source, tmp_path / "out.mkv")
    assert largest_move(source, tmp_path / "out.mkv", "audio")[0] == 0


@pytest.mark.parametrize(("suffix", "codec"), [("mkv", "h264"), ("mp4", "h264"), ("webm", "vp9")])
def test_two_hundred_signs_do_not_delay_speech(tmp_path: Path, suffix: str, codec: str) -> None:
    signs = "".join(f"Dialogue: 0,0:00:00.10,0:00:00.40,Default,,0,0,0,,sign {k}\n" for k in range(200))
    speech = "Dialogue: 0,0:00:00.20,0:00:00.45,Default,,0,0,0,,speech\n"
    (tmp_path / "signs.ass").write_text(STYLES + signs + speech)
    source = make(tmp_path / "in.mkv", "-i", tmp_path / "signs.ass", "-c:s", "copy")
    doubled(source, tmp_path / f"out.{suffix}", codec=codec)
    move, tick = largest_move(source, tmp_path / f"out.{suffix}", "subtitles")
    assert move <= tick


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "h264"),
        ("mp4", "h265"),
        ("mov", "prores"),
        ("mkv", "ffv1"),
        ("webm", "vp9"),
        ("avi", "mpeg4"),
        ("avi", "mjpeg"),
    ],
)
@pytest.mark.parametrize("aspect", ["16/11", "8/9"])
def test_the_shape_of_pixels_survives_in_every_container(
    tmp_path: Path, suffix: str, codec: str, aspect: str
) -> None:
    source = make(tmp_path / "in.mp4", "-vf", f"setsar={aspect}")
    _, notes = doubled(source, tmp_path / f"out.{suffix}", codec=codec)
    assert notes == ()
    shape = Fraction(64, 48) * Fraction(aspect)
    assert float(display_shape(tmp_path / f"out.{suffix}")) == pytest.approx(float(shape), rel=0.01)


@pytest.mark.parametrize("output", ["out", "out.gif", "out.webp"])
def test_images_have_square_pixels_which_is_told(tmp_path: Path, output: str) -> None:
    source = make(tmp_path / "in.mp4", "-vf", "setsar=16/11")
    told = "the video's pixels are 16:11, those of images are square: they look squeezed"
    assert told in doubled(source, tmp_path / output)[1]


@pytest.mark.parametrize("suffix", ["mp4", "mov", "m4v"])
def test_hevc_has_the_tag_that_apple_s_players_know(tmp_path: Path, suffix: str) -> None:
    source = make(tmp_path / "in.mkv")
    doubled(source, tmp_path / f"out.{suffix}", codec="h265")
    content = (tmp_path / f"out.{suffix}").read_bytes()
    assert b"hvc1" in content
    assert b"hev1" not in content


@pytest.mark.parametrize("codec", ["pcm_s16le", "pcm_s24le", "pcm_f32le"])
def test_mp4_gets_no_sound_that_few_players_know(tmp_path: Path, codec: str) -> None:
    source = make(tmp_path / "in.mkv", *BEEP, "-c:a", codec)
    _, notes = doubled(source, tmp_path / "out.mp4")
    assert notes == (f"sound stream 1, {codec} is re-encoded as aac: few players know it in .mp4",)
    assert b"ipcm" not in (tmp_path / "out.mp4").read_bytes()
    doubled(source, tmp_path / "out.mov")
    assert codecs(tmp_path / "out.mov", "audio") == [codec]


def test_h264_in_avi_has_even_times(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", *BEEP, "-c:a", "pcm_s16le")
    doubled(source, tmp_path / "out.avi")
    times = [Fraction(start).limit_denominator(1000) for start, _ in shown_times(tmp_path / "out.avi")]
    assert times == [Fraction(k, 48) for k in range(24)]
    with av.open(str(tmp_path / "out.avi")) as opened:
        assert {packet.duration for packet in opened.demux(video=0) if packet.size} == {1}


@pytest.mark.parametrize("suffix", ["mp4", "mov", "mkv"])
def test_the_last_frame_of_a_varying_rate_lasts_as_it_should(tmp_path: Path, suffix: str) -> None:
    ticks = [0, 1, 2, 10, 11, 12, 40, 41]
    write_video(tmp_path / "in.mp4", len(ticks), ticks=ticks)
    clip, _ = doubled(tmp_path / "in.mp4", tmp_path / f"out.{suffix}")
    frames = list(clip.frames())
    assert [frame.start * 24 for frame in frames] == ticks
    assert frames[-1].duration * 24 == 1
    end = sum(expected_times(clip)[-1])
    again = list(VideoClip(tmp_path / f"out.{suffix}").frames())
    assert float(again[-1].start + again[-1].duration) == pytest.approx(float(end), abs=0.001)
    with av.open(str(tmp_path / f"out.{suffix}")) as opened:
        assert opened.duration == pytest.approx(float(end) * 1_000_000, abs=1000)


def test_hdr_metadata_is_missed_before_any_work(tmp_path: Path) -> None:
    display = "master-display=G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    source = tmp_path / "in.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x64:r=24:d=0.2,format=yuv420p10le", "-c:v", "libx265"),
        *("-x265-params", f"log-level=none:hdr10=1:max-cll=1000,400:{display}", source),
    )
    for output in ("out.mp4", "out"):
        section = ClipSection(codec="h265")
        notes = prepare_output(open_clip([source], section), tmp_path / output, section).notes
        assert notes == ("HDR metadata will be missing",)


def test_closed_captions_are_missed_before_any_work(tmp_path: Path) -> None:
    plain = tmp_path / "plain.m2v"
    ffmpeg(*PICTURES, "-c:v", "mpeg2video", "-bf", "0", plain)
    captions = b"\0\0\1\xb2GA94\x03\x41\xff\xfc\x94\x20\xff"  # ATSC A/53, before the first slice
    (tmp_path / "in.m2v").write_bytes(plain.read_bytes().replace(b"\0\0\1\1", captions + b"\0\0\1\1"))
    assert "closed captions will be missing" in doubled(tmp_path / "in.m2v", tmp_path / "out.mp4")[1]
    assert doubled(plain, tmp_path / "plain.mp4")[1] == ()


def test_stereoscopic_pictures_are_told(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mkv", "-c:v", "libx264", "-x264-params", "frame-packing=3")
    (note,) = doubled(source, tmp_path / "out.mkv")[1]
    assert note == "the layout of stereoscopic or spherical pictures will be missing"


def tracks(path: Path) -> list[tuple[str, str, str | None, int]]:
    with av.open(str(path)) as opened:
        return [
            (
                stream.type,
                stream.codec_context.codec.canonical_name if stream.codec_context else "",
                stream.metadata.get("language"),
                int(stream.disposition),
            )
            for stream in opened.streams
        ]


def test_several_tracks_keep_languages_and_dispositions(tmp_path: Path) -> None:
    languages = ("jpn", "eng", "ger")
    source = make(
        tmp_path / "in.mkv",
        *BEEP,
        *("-map", "0:v", "-map", "1:a", "-map", "1:a", "-map", "1:a"),
        *("-c:a:0", "aac", "-c:a:1", "ac3", "-c:a:2", "flac", "-disposition:a:0", "0"),
        *("-disposition:a:1", "default", "-disposition:a:2", "forced+hearing_impaired"),
        *(word for k, name in enumerate(languages) for word in (f"-metadata:s:a:{k}", f"language={name}")),
    )
    doubled(source, tmp_path / "out.mkv")
    assert tracks(tmp_path / "out.mkv")[1:] == tracks(source)[1:]
    doubled(source, tmp_path / "out.mp4")
    assert [track[1:3] for track in tracks(tmp_path / "out.mp4")[1:]] == [
        ("aac", "jpn"),
        ("ac3", "eng"),
        ("flac", "ger"),
    ]
    _, notes = doubled(source, tmp_path / "out.avi", codec="mpeg4")
    assert "sound stream 2, ac3 (eng) loses its language: .avi cannot say it" in notes


@pytest.mark.parametrize("source", ["mp4", "mkv"])
@pytest.mark.parametrize(("output", "key"), [("mp4", "name"), ("mov", "name"), ("mkv", "title")])
def test_titles_of_tracks_go_along(tmp_path: Path, source: str, output: str, key: str) -> None:
    named = make(tmp_path / f"in.{source}", *BEEP, "-c:a", "aac", "-metadata:s:a", f"title={TITLE}")
    doubled(named, tmp_path / f"out.{output}")
    with av.open(str(tmp_path / f"out.{output}")) as opened:
        about = opened.streams.audio[0].metadata
    assert about.get(key, about.get("handler_name")) == TITLE


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "webm", "avi"])
@pytest.mark.parametrize("late", ["sound", "pictures"])
def test_what_begins_late_still_does(tmp_path: Path, suffix: str, late: str) -> None:
    shift = ("-itsoffset", "0.2")
    source = tmp_path / "in.mp4"
    ffmpeg(
        *(*(shift if late == "pictures" else ()), *PICTURES, *(shift if late == "sound" else ()), *BEEP),
        *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", source),
    )
    doubled(source, tmp_path / f"out.{suffix}", codec={"webm": "vp9", "avi": "mpeg4"}.get(suffix, "h264"))
    assert heard_after(source) == pytest.approx(0.45 if late == "sound" else 0.05, abs=0.02)
    assert heard_after(tmp_path / f"out.{suffix}") == pytest.approx(heard_after(source), abs=0.012)


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_edit_lists_are_followed(tmp_path: Path, suffix: str) -> None:
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=1.5", *BEEP[:3]),
        *("sine=1000:d=1.5:r=48000,volume='8*gte(t,0.95)':eval=frame,asetnsamples=240", "-c:v", "libx264"),
        *("-g", "12", "-pix_fmt", "yuv420p", "-c:a", "aac", tmp_path / "long.mp4"),
    )
    source = tmp_path / "in.mp4"
    ffmpeg("-ss", "0.7", "-i", tmp_path / "long.mp4", "-c", "copy", source)
    doubled(source, tmp_path / f"out.{suffix}")
    assert heard_after(source) == pytest.approx(0.25, abs=0.05)
    assert heard_after(tmp_path / f"out.{suffix}") == pytest.approx(heard_after(source), abs=0.012)


@pytest.mark.parametrize("kind", ["png", "jpg"])
def test_covers_are_attachments_in_matroska(tmp_path: Path, kind: str) -> None:
    cover = tmp_path / f"cover.{kind}"
    write_video(
        cover,
        1,
        (20, 20),
        "png" if kind == "png" else "mjpeg",
        "rgb24" if kind == "png" else "yuvj420p",
        options={"update": "1"},
    )
    write_video(tmp_path / "movie.mp4", 4)
    source = tmp_path / "in.mp4"
    ffmpeg(
        *("-i", tmp_path / "movie.mp4", "-i", cover, "-map", "0", "-map", "1", "-c", "copy"),
        *("-disposition:v:1", "attached_pic", source),
    )
    assert doubled(source, tmp_path / "out.mkv")[1] == ()
    assert tracks(tmp_path / "out.mkv")[1][3] == av.stream.Disposition.attached_pic
    with av.open(str(source)) as before, av.open(str(tmp_path / "out.mkv")) as after:
        kept = [bytes(next(opened.demux(opened.streams[1]))) for opened in (before, after)]
        assert kept[0] == kept[1]
    _, (note,) = doubled(source, tmp_path / "out.mov")
    assert "picture stream 1" in note
    assert "is left out: .mov cannot hold it" in note


def test_a_timecode_of_the_old_rate_is_left_out(tmp_path: Path) -> None:
    source = make(tmp_path / "in.mov", "-timecode", "01:00:00:00")
    _, notes = doubled(source, tmp_path / "out.mov")
    assert [note for note in notes if note.startswith("data stream 1")]
    with av.open(str(tmp_path / "out.mov")) as opened:
        assert [stream.type for stream in opened.streams] == ["video"]
        assert "timecode" not in opened.metadata | opened.streams[0].metadata


def test_chapters_that_avi_cannot_hold_are_told(tmp_path: Path) -> None:
    (tmp_path / "about.txt").write_text(
        ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n"
    )
    source = make(tmp_path / "in.mkv", "-i", tmp_path / "about.txt", "-map_metadata", "1")
    assert (
        "chapters are left out: .avi cannot hold them"
        in doubled(source, tmp_path / "out.avi", codec="mpeg4")[1]
    )


def test_colours_that_avi_cannot_name_are_told(tmp_path: Path) -> None:
    source = tmp_path / "in.mp4"
    write_video(source, 3, colorspace=1, color_range=1, color_primaries=1, color_trc=1)
    assert doubled(source, tmp_path / "out.mp4")[1] == ()
    assert doubled(source, tmp_path / "out.avi", codec="mpeg4")[1] == (
        "of the colours, matrix, primaries, transfer will be guessed: .avi cannot say it",
    )


def test_transparency_that_the_container_loses_is_laid_over_white(tmp_path: Path) -> None:
    pictures = [av.VideoFrame(64, 48, "bgra") for _ in range(2)]
    write_video(tmp_path / "in.mkv", 2, codec="ffv1", pixel_format="bgra", pictures=pictures)
    _, notes = doubled(tmp_path / "in.mkv", tmp_path / "out.mp4", codec="vp9")
    assert notes[0].startswith("transparency is replaced by white: vp9 with yuv420p")
    assert doubled(tmp_path / "in.mkv", tmp_path / "out.webm", codec="vp9")[1] == ()


def test_a_program_that_fails_is_told_before_any_work(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(
        f'#!/bin/sh\ncase "$*" in *nut*) echo "no way" >&2; exit 3;; esac\nexec {find_program()} "$@"\n'
    )
    broken.chmod(0o755)
    write_video(tmp_path / "in.mp4", 3)
    section = ClipSection(ffmpeg=str(broken))
    with pytest.raises(ConfigError, match=r"its encoder libx264 refuses 64x48 pixels of yuv420p \(no way\)"):
        prepare_output(open_clip([tmp_path / "in.mp4"], section), tmp_path / "out.mp4", section)


def test_a_source_that_the_program_cannot_read_gives_its_pictures(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *itsoffset*) kill -SEGV $$;; esac\nexec {find_program()} "$@"\n'
    )
    program.chmod(0o755)
    source = make(tmp_path / "in.mkv", *BEEP, "-c:a", "aac")
    _, notes = doubled(source, tmp_path / "out.mkv", ffmpeg=str(program))
    assert notes == (f"all but the pictures is left out: {program} cannot read their file",)
    assert codecs(tmp_path / "out.mkv", "audio") == []


def test_lossless_output_is_looked_at(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_text(
        "#!/bin/sh\n"
        'case "$*" in *"-pix_fmt:v:0 yuv420p -"*) for word; do shift; case $word in -fps_mode*)\n'
        'set -- "$@" -filter:v:0 negate;; esac; set -- "$@" "$word"; done;; esac\n'
        f'exec {find_program()} "$@"\n'
    )
    broken.chmod(0o755)
    write_video(tmp_path / "in.mkv", 2, codec="ffv1")
    _, notes = doubled(tmp_path / "in.mkv", tmp_path / "out.mkv", codec="ffv1", ffmpeg=str(broken))
    (note,) = notes
    assert re.fullmatch(r"pixel format \w+: with yuv420p, it changes pictures that it should keep", note)
    assert doubled(tmp_path / "in.mkv", tmp_path / "b.mkv", codec="ffv1")[1] == ()


@pytest.mark.slow
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_rare_subtitles_do_not_make_the_order_of_packets_a_matter_of_chance(
    tmp_path: Path, suffix: str
) -> None:
    (tmp_path / "words.srt").write_text(
        "1\n00:00:00,500 --> 00:00:01,000\nHello\n\n2\n00:00:29,000 --> 00:00:29,500\nWorld\n\n"
    )
    source = tmp_path / "in.mkv"
    ffmpeg(
        *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=30", "-f", "lavfi", "-i", "sine=440:d=20"),
        *("-i", tmp_path / "words.srt", "-map", "0", "-map", "1", "-map", "2", "-c:v", "libx264"),
        *("-preset", "ultrafast", "-pix_fmt", "yuv420p", "-c:a", "flac", "-c:s", "srt", source),
    )
    written = set()
    for number in range(5):
        doubled(source, tmp_path / f"{number}.{suffix}")
        written.add((tmp_path / f"{number}.{suffix}").read_bytes())
    assert len(written) == 1
    assert largest_move(source, tmp_path / f"0.{suffix}", "subtitles")[0] <= Fraction(1, 1000)


def test_pixels_that_cannot_be_sent_are_converted_and_told(tmp_path: Path) -> None:
    source = tmp_path / "in.mkv"
    ffmpeg(*PICTURES, "-c:v", "ffv1", "-pix_fmt", "yuv440p10le", source)
    _, (note,) = doubled(source, tmp_path / "out.mkv", codec="ffv1")
    assert note == "pixel format yuv444p10le: with yuv440p10le, NUT has no code for it"
    assert codecs(tmp_path / "out.mkv", "video") == ["ffv1"]


def test_pictures_that_an_encoder_refuses_go_to_another_of_the_codec(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text(
        f'#!/bin/sh\ncase "$*" in *"-c:v:0 libsvtav1"*) echo "too low" >&2; exit 1;; esac\n'
        f'exec {find_program()} "$@"\n'
    )
    program.chmod(0o755)
    write_video(tmp_path / "in.mp4", 3)
    _, notes = doubled(tmp_path / "in.mp4", tmp_path / "out.mkv", codec="av1", ffmpeg=str(program))
    assert notes == ("libaom-av1 encodes the pictures: libsvtav1 refuses them (too low)",)
    assert codecs(tmp_path / "out.mkv", "video") == ["av1"]
    section = ClipSection(codec="libsvtav1", ffmpeg=str(program))
    with pytest.raises(ConfigError, match=r"its encoder libsvtav1 refuses 64x48 .*\(too low\)"):
        prepare_output(open_clip([tmp_path / "in.mp4"], section), tmp_path / "o.mkv", section)
