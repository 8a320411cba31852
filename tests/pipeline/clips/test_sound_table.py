"""Every kind of sound into every container: copied or encoded as it should be, in step, and said."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.drawn_videos import ffmpeg
from tests.pipeline.clip_probes import codecs, heard_after, packet_times
from tests.pipeline.clip_sources import doubled

# Codec: its encoder, and a container that holds it.
SOURCES = {
    "aac": ("aac", "mp4"),
    "mp3": ("libmp3lame", "mkv"),
    "mp2": ("mp2", "mkv"),
    "ac3": ("ac3", "mkv"),
    "eac3": ("eac3", "mkv"),
    "dts": ("dca", "mkv"),
    "truehd": ("truehd", "mkv"),
    "flac": ("flac", "mkv"),
    "alac": ("alac", "mov"),
    "opus": ("libopus", "webm"),
    "vorbis": ("libvorbis", "webm"),
    "wavpack": ("wavpack", "mkv"),
    "tta": ("tta", "mkv"),
    "wmav2": ("wmav2", "avi"),
    "amr_nb": ("libopencore_amrnb", "mov"),
    "adpcm_ms": ("adpcm_ms", "avi"),
    "adpcm_ima_qt": ("adpcm_ima_qt", "mov"),
    "pcm_s16le": ("pcm_s16le", "mkv"),
    "pcm_s16be": ("pcm_s16be", "mov"),
    "pcm_s24le": ("pcm_s24le", "mov"),
    "pcm_f32le": ("pcm_f32le", "mkv"),
    "pcm_u8": ("pcm_u8", "avi"),
}
PCM = {"pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_f32le", "pcm_u8"}
COPIED = {
    "mp4": {"aac", "mp3", "ac3", "eac3", "alac", "flac", "opus"},
    "mov": {"aac", "mp3", "ac3", "eac3", "alac", "adpcm_ima_qt", *PCM},
    "mkv": set(SOURCES) - {"adpcm_ima_qt", "tta"},
    "webm": {"opus", "vorbis"},
    "avi": {"mp3", "mp2", "ac3", "adpcm_ms", *PCM} - {"pcm_s16be"},
}
ENCODED = {"mp4": "aac", "mov": "aac", "mkv": "flac", "webm": "opus", "avi": "ac3"}
PICTURES = {"webm": "vp9", "avi": "mpeg4"}
USUAL = (
    ("aac", "mkv"),
    ("flac", "mov"),
    ("pcm_s16le", "mp4"),
    ("opus", "webm"),
    ("mp3", "avi"),
    ("dts", "avi"),
)
TABLE = [
    pytest.param(codec, container, marks=() if (codec, container) in USUAL else pytest.mark.slow)
    for codec in SOURCES
    for container in COPIED
]
HEARD = 0.2  # s after the first picture
LEAD_IN = 0.012  # s, of codecs that hear before they were told to


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("sounds")


def source_of(codec: str, folder: Path) -> Path:
    encoder, suffix = SOURCES[codec]
    path = folder / f"{codec}.{suffix}"
    if not path.exists():
        narrow = ("-ac", "1", "-ar", "8000") if codec == "amr_nb" else ("-ac", "2", "-ar", "48000")
        pictures = {"webm": "libvpx-vp9", "avi": "mpeg4"}.get(suffix, "libx264")
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=s=32x32:r=12:d=0.5", "-f", "lavfi", "-i"),
            f"sine=1000:d=0.5:r=48000,volume='8*gte(t,{HEARD})':eval=frame,asetnsamples=480",
            *("-c:v", pictures, "-bf", "0", "-pix_fmt", "yuv420p", "-c:a", encoder, *narrow),
            *("-sample_fmt", "s16") if codec == "flac" else (),
            *("-strict", "-2", path),
        )
    return path


@pytest.mark.parametrize(("codec", "container"), TABLE)
def test_sound(codec: str, container: str, sources: Path, tmp_path: Path) -> None:
    source, out = source_of(codec, sources), tmp_path / f"out.{container}"
    _, notes = doubled(source, out, codec=PICTURES.get(container, "h264"))
    is_copied = codec in COPIED[container]
    assert codecs(out, "audio") == [codec if is_copied else ENCODED[container]]
    assert bool([note for note in notes if note.startswith("sound")]) != is_copied
    if is_copied:
        before, tick = packet_times(source, "audio")
        after, tick_after = packet_times(out, "audio")
        if codec in PCM:  # which is cut into other packets
            before, after = before[:1], after[:1]
        if (codec, container) == ("mp3", "avi"):  # begins at 0, so that the lead-in has no place
            assert before.pop(0) < 0
        assert len(after) == len(before)
        assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= max(tick, tick_after)
    assert heard_after(out) == pytest.approx(heard_after(source), abs=LEAD_IN)
