from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import pytest

from animeinterp.pipeline.clips.other_streams import OF_THE_FILE
from tests.drawn_videos import ffmpeg, onset, sound, write_video
from tests.pipeline.clip_sources import doubled, write_full_video


def streams(path: Path) -> dict[str, Any]:
    """Streams by kind, the first of each."""
    with av.open(str(path)) as source:
        return {
            stream.type: (
                stream.codec_context.codec.canonical_name if stream.codec_context else None,
                dict(stream.metadata),
            )
            for stream in reversed(source.streams)
        }


def sound_packets(path: Path) -> list[bytes]:
    with av.open(str(path)) as source:
        return [bytes(packet) for packet in source.demux(audio=0) if packet.size]


def words(path: Path) -> str:
    return ffmpeg("-i", path, "-map", "0:s:0", "-f", "srt", "-").decode()


WORDS = "1\n00:00:00,250 --> 00:00:00,750\nHello\n\n2\n00:00:01,000 --> 00:00:01,400\nWorld\n\n"


@pytest.mark.parametrize(
    ("source", "output"),
    [("in.mkv", "out.mkv"), ("in.mp4", "out.mp4"), ("in.mp4", "out.mkv"), ("in.mkv", "out.mp4")],
)
def test_everything_goes_along_in_step(tmp_path: Path, source: str, output: str) -> None:
    write_full_video(tmp_path / source, subtitle_codec="mov_text" if source == "in.mp4" else "srt")
    _, notes = doubled(tmp_path / source, tmp_path / output)
    out = tmp_path / output
    assert sound_packets(out) == sound_packets(tmp_path / source)
    assert onset(sound(out)) == pytest.approx(onset(sound(tmp_path / source)), abs=0.002)
    assert onset(sound(out)) == pytest.approx(0.75, abs=0.03)
    assert words(out) == WORDS
    kinds = streams(out)
    assert kinds["audio"][1]["language"] == "jpn"
    with av.open(str(out)) as opened:
        assert opened.metadata["title"] == "A film"
        assert {key.lower(): value for key, value in opened.metadata.items()}["artist"] == "Some one"
        chapters = [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"])
            for c in opened.chapters()
        ]
        assert chapters == [(0.0, 0.5, "One"), (0.5, 1.5, "Two")]
        assert opened.duration == pytest.approx(1_500_000, abs=30_000)
    converted = source[-4:] != output[-4:]
    assert any("is converted to" in note for note in notes) == converted
    if source == output == "in.mkv":
        assert kinds["attachment"][1]["filename"] == "letters.ttf"


def test_fonts_stay_in_matroska_and_are_missed_elsewhere(tmp_path: Path) -> None:
    write_full_video(tmp_path / "in.mkv")
    _, notes = doubled(tmp_path / "in.mkv", tmp_path / "out.mkv")
    assert notes == ()
    with av.open(str(tmp_path / "out.mkv")) as opened:
        (font,) = opened.streams.attachments
        assert (font.metadata["filename"], font.data) == ("letters.ttf", b"no real font")
    _, notes = doubled(tmp_path / "in.mkv", tmp_path / "out.mp4")
    assert any("attachment stream 3 (letters.ttf) is left out: only .mkv" in note for note in notes)


def test_sound_that_the_container_cannot_hold_is_encoded_again_in_step(tmp_path: Path) -> None:
    write_full_video(tmp_path / "in.mkv")
    _, notes = doubled(tmp_path / "in.mkv", tmp_path / "out.webm", codec="vp9")
    assert "sound stream 1, aac (jpn) is re-encoded as opus: .webm cannot hold it unchanged" in notes
    assert onset(sound(tmp_path / "out.webm")) == pytest.approx(onset(sound(tmp_path / "in.mkv")), abs=0.01)
    assert words(tmp_path / "out.webm") == WORDS
    assert streams(tmp_path / "out.webm")["audio"][0] == "opus"


def test_containers_without_subtitles_say_so(tmp_path: Path) -> None:
    write_full_video(tmp_path / "in.mkv", "libmp3lame")
    _, notes = doubled(tmp_path / "in.mkv", tmp_path / "out.avi", codec="mpeg4")
    assert any(
        note.startswith("subtitle stream 2, subrip is left out: .avi cannot hold it") for note in notes
    )
    assert "sound stream 1, mp3 (jpn) is re-encoded as ac3: .avi cannot hold it unchanged" in notes
    assert onset(sound(tmp_path / "out.avi")) == pytest.approx(0.75, abs=0.01)


def test_clocks_that_do_not_start_at_0_are_set_back_alike(tmp_path: Path) -> None:
    write_full_video(tmp_path / "in.mkv")
    ffmpeg("-i", tmp_path / "in.mkv", "-map", "0:v", "-map", "0:a", "-c", "copy", tmp_path / "in.ts")
    with av.open(str(tmp_path / "in.ts")) as source:
        assert source.start_time > 1_000_000
    doubled(tmp_path / "in.ts", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as opened:
        assert opened.streams.video[0].start_time == 0
    assert onset(sound(tmp_path / "out.mp4")) == pytest.approx(0.75, abs=0.03)


def test_pictures_that_begin_after_the_sound_still_do(tmp_path: Path) -> None:
    write_video(tmp_path / "pictures.mkv", 12)
    ffmpeg(
        *("-f", "lavfi", "-t", "1", "-i", "sine=880:r=48000", "-itsoffset", "0.5"),
        *("-i", tmp_path / "pictures.mkv", "-map", "1:v", "-map", "0:a", "-c:v", "copy", "-c:a", "flac"),
        tmp_path / "in.mkv",
    )
    doubled(tmp_path / "in.mkv", tmp_path / "out.mkv")
    with av.open(str(tmp_path / "out.mkv")) as opened:
        assert float(opened.streams.video[0].start_time * opened.streams.video[0].time_base) == 0.5
    assert onset(sound(tmp_path / "out.mkv")) < 0.01


def test_sound_can_be_left_out(tmp_path: Path) -> None:
    write_full_video(tmp_path / "in.mkv")
    doubled(tmp_path / "in.mkv", tmp_path / "out.mkv", sound=False)
    with av.open(str(tmp_path / "out.mkv")) as opened:
        assert [stream.type for stream in opened.streams] == ["video"]
        assert opened.chapters() == []
        assert "title" not in opened.metadata


def test_cover_art_goes_along_in_mp4(tmp_path: Path) -> None:
    write_video(tmp_path / "movie.mp4", 4)
    write_video(tmp_path / "cover.png", 1, (20, 20), "png", "rgb24", options={"update": "1"})
    ffmpeg(
        *("-i", tmp_path / "movie.mp4", "-i", tmp_path / "cover.png", "-map", "0", "-map", "1", "-c", "copy"),
        *("-disposition:v:1", "attached_pic", tmp_path / "in.mp4"),
    )
    doubled(tmp_path / "in.mp4", tmp_path / "out.mp4")
    with av.open(str(tmp_path / "out.mp4")) as opened:
        assert [stream.codec_context.name for stream in opened.streams.video] == ["h264", "png"]
        assert opened.streams.video[1].disposition & av.stream.Disposition.attached_pic


def test_sound_of_a_truncated_video_goes_as_far_as_it_is_there(tmp_path: Path) -> None:
    write_full_video(tmp_path / "in.mkv", "flac")
    content = (tmp_path / "in.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(content[: len(content) * 8 // 10])
    clip, _ = doubled(tmp_path / "cut.mkv", tmp_path / "out.mkv")
    assert clip.problems
    assert 0 < len(sound_packets(tmp_path / "out.mkv")) <= len(sound_packets(tmp_path / "in.mkv"))


def test_metadata_without_what_says_how_a_file_was_made() -> None:
    dropped = [
        key for key in ("title", "encoder", "DURATION", "BPS-eng", "language") if OF_THE_FILE.fullmatch(key)
    ]
    assert dropped == ["encoder", "DURATION", "BPS-eng"]
