"""Writes clips as the command does: each original, then a frame drawn half-way to the next."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

from animeinterp.configs.sections import ClipSection
from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.opening import open_clip
from animeinterp.pipeline.clips.timeline import Cadence
from animeinterp.pipeline.clips.writers import prepare_output
from tests.drawn_videos import ffmpeg, write_video


def doubled(
    inputs: Path | Sequence[Path],
    output: Path,
    *,
    only_between: bool = False,
    overwrite: bool = False,
    **chosen: object,
) -> tuple[Clip, tuple[str, ...]]:
    """Write a clip with twice the frames; each drawn frame repeats the one before it."""
    section = ClipSection.model_validate(chosen)
    clip = open_clip([inputs] if isinstance(inputs, Path) else inputs, section)
    target = prepare_output(clip, output, section, overwrite=overwrite, only_between=only_between)
    with target.writer(Cadence.of(expected_times(clip))) as writer:
        for frame in clip.frames():
            part = frame.duration / 2
            writer.original(frame, frame.start, part)
            writer.drawn(frame.rgb(), frame.alpha(), frame.start + part, part)
        writer.finish()
    return clip, target.notes


def expected_times(clip: Clip) -> list[tuple[Fraction, Fraction]]:
    """Start and duration of each frame that `doubled` writes."""
    found = []
    for frame in clip.frames():
        part = frame.duration / 2
        found += [(frame.start, part), (frame.start + part, part)]
    return found


def write_full_video(path: Path, sound_codec: str = "aac", subtitle_codec: str = "srt") -> None:
    """A second and a half of pictures; a tone from 0.75 s on, subtitles, chapters, titles; a font in .mkv."""
    folder = path.parent
    write_video(folder / "pictures.mkv", 36)
    (folder / "words.srt").write_text(
        "1\n00:00:00,250 --> 00:00:00,750\nHello\n\n2\n00:00:01,000 --> 00:00:01,400\nWorld\n"
    )
    (folder / "about.txt").write_text(
        ";FFMETADATA1\ntitle=A film\nartist=Some one\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=500\ntitle=One\n"
        "[CHAPTER]\nTIMEBASE=1/1000\nSTART=500\nEND=1500\ntitle=Two\n"
    )
    (folder / "letters.ttf").write_bytes(b"no real font")
    fonts = ("-attach", folder / "letters.ttf", "-metadata:s:t", "mimetype=application/x-truetype-font")
    ffmpeg(
        *("-i", folder / "pictures.mkv", "-itsoffset", "0.75", "-f", "lavfi", "-t", "0.75"),
        *("-i", "sine=880:r=48000", "-i", folder / "words.srt", "-i", folder / "about.txt"),
        *("-map", "0:v", "-map", "1:a", "-map", "2:s", "-map_metadata", "3"),
        *("-c:v", "copy", "-c:a", sound_codec, "-c:s", subtitle_codec, "-metadata:s:a:0", "language=jpn"),
        *(fonts if path.suffix == ".mkv" else ()),
        path,
    )
