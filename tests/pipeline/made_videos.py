"""Short videos of test pictures and beeps, made by FFmpeg."""

from __future__ import annotations

from pathlib import Path

from tests.drawn_videos import ffmpeg

PICTURES = ("-f", "lavfi", "-i", "testsrc2=s=64x48:r=24:d=0.5")
BEEP = ("-f", "lavfi", "-i", "sine=1000:d=0.5:r=48000,volume='8*gte(t,0.25)':eval=frame,asetnsamples=240")


def make(path: Path, *arguments: str | Path) -> Path:
    """Make a video of test pictures and what else the arguments ask for."""
    ffmpeg(*PICTURES, *arguments, "-pix_fmt", "yuv420p", path)
    return path
