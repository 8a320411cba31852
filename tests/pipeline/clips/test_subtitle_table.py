"""Six kinds of subtitles into every container: copied, converted or left out, in step, and said."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from tests.drawn_videos import ffmpeg
from tests.pipeline.clip_probes import codecs, packet_times
from tests.pipeline.clip_sources import doubled

WORDS = "1\n00:00:00,100 --> 00:00:00,200\nHello\n\n2\n00:00:00,300 --> 00:00:00,450\nWorld\n\n"
# Kind: FFmpeg's encoder, and a container that holds it.
KINDS = {
    "subrip": ("srt", "mkv"),
    "ass": ("ass", "mkv"),
    "webvtt": ("webvtt", "webm"),
    "mov_text": ("mov_text", "mp4"),
    "hdmv_pgs_subtitle": ("copy", "mkv"),
    "dvd_subtitle": ("dvdsub", "mkv"),
}
PICTURES = ("hdmv_pgs_subtitle", "dvd_subtitle")
COPIED = {
    "mp4": ("mov_text",),
    "mov": ("mov_text",),
    "mkv": tuple(kind for kind in KINDS if kind != "mov_text"),
    "webm": ("webvtt",),
    "avi": (),
}
CONVERTED = {"mp4": "mov_text", "mov": "mov_text", "mkv": "subrip", "webm": "webvtt"}
CODECS = {"webm": "vp9", "avi": "mpeg4"}
USUAL = (("subrip", "mp4"), ("ass", "mkv"), ("mov_text", "webm"), ("dvd_subtitle", "mkv"), ("ass", "avi"))
TABLE = [
    pytest.param(kind, container, marks=() if (kind, container) in USUAL else pytest.mark.slow)
    for kind in KINDS
    for container in COPIED
]


def pgs(times: list[tuple[float, bool]]) -> bytes:
    """Blu-ray subtitles: a white box that is shown from a time on, or taken away."""
    width, height = 16, 8
    lines = b"\x01" * width + b"\x00\x00"

    def segment(time: float, kind: int, body: bytes) -> bytes:
        return b"PG" + struct.pack(">IIBH", int(time * 90000), 0, kind, len(body)) + body

    found = b""
    for number, (time, shown) in enumerate(times):
        composition = struct.pack(">HHBHBBBB", 64, 48, 0x10, number, 0x80 * shown, 0, 0, shown)
        found += segment(time, 0x16, composition + struct.pack(">HBBHH", 0, 0, 0, 20, 20) * shown)
        found += segment(time, 0x17, struct.pack(">BBHHHH", 1, 0, 20, 20, width, height))
        if shown:
            found += segment(time, 0x14, bytes([0, 0, 1, 235, 128, 128, 255]))
            size = (len(lines) * height + 4).to_bytes(3, "big") + struct.pack(">HH", width, height)
            found += segment(time, 0x15, struct.pack(">HBB", 0, 0, 0xC0) + size + lines * height)
        found += segment(time, 0x80, b"")
    return found


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("subtitles")
    (folder / "words.srt").write_text(WORDS)
    (folder / "words.sup").write_bytes(pgs([(0.1, True), (0.2, False), (0.3, True), (0.45, False)]))
    return folder


def source_of(kind: str, folder: Path) -> Path:
    encoder, suffix = KINDS[kind]
    path = folder / f"{kind}.{suffix}"
    if not path.exists():
        ffmpeg(
            *("-f", "lavfi", "-i", "testsrc2=s=64x48:r=12:d=0.5"),
            *(
                "-i",
                folder / ("words.sup" if kind in PICTURES else "words.srt"),
                "-map",
                "0:v",
                "-map",
                "1:s",
            ),
            *("-c:v", "libvpx-vp9" if suffix == "webm" else "libx264", "-pix_fmt", "yuv420p"),
            *("-c:s", encoder, path),
        )
    return path


@pytest.mark.parametrize(("kind", "container"), TABLE)
def test_subtitles(kind: str, container: str, sources: Path, tmp_path: Path) -> None:
    source, out = source_of(kind, sources), tmp_path / f"out.{container}"
    _, notes = doubled(source, out, codec=CODECS.get(container, "h264"))
    if kind in COPIED[container]:
        assert notes == ()
        assert codecs(out, "subtitle") == [kind]
    elif kind in PICTURES or container == "avi":
        assert notes == (f"subtitle stream 1, {kind} is left out: .{container} cannot hold it",)
        assert codecs(out, "subtitle") == []
        return
    else:
        assert [note.split(",")[1] for note in notes] == [f" {kind} is converted to {CONVERTED[container]}"]
        assert codecs(out, "subtitle") == [CONVERTED[container]]
    before, tick = packet_times(source, "subtitles")
    after, tick_after = packet_times(out, "subtitles")
    assert len(after) == len(before) >= 2
    assert max(abs(a - b) for a, b in zip(before, after, strict=True)) <= max(tick, tick_after)
