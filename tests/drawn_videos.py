"""Small videos drawn by the tests, and the ffmpeg command to look at videos with other eyes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt

from animeinterp.data.images import Frame


def ffmpeg(*arguments: str | Path, fails: bool = False) -> bytes:
    """What the command writes to its standard output."""
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, check=False)
    assert fails or done.returncode == 0, done.stderr.decode()
    return done.stdout


def drawing(index: int, size: tuple[int, int] = (48, 64)) -> Frame:
    """A disc of flat colour that moves over a patterned background."""
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = np.random.default_rng(1).integers(60, 180, (*size, 3), np.uint8)
    image[(rows - size[0] / 2) ** 2 + (columns - 10 - 3 * index) ** 2 < 100] = (230, 40, 20)
    return image


def write_video(
    path: Path,
    count: int = 12,
    size: tuple[int, int] = (48, 64),
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    rate: int = 24,
    ticks: Sequence[int] | None = None,
    pictures: Sequence[av.VideoFrame] | None = None,
    options: dict[str, str] | None = None,
    **attributes: object,
) -> None:
    """Write `drawing`s at `ticks` of 1/rate seconds, or `pictures` in their own pixel format."""
    with av.open(str(path), "w", container_options={"movflags": "+faststart"}) as out:
        stream = out.add_stream(codec, rate=rate, options=options or {})
        stream.height, stream.width = size
        stream.pix_fmt = pixel_format
        for name, value in attributes.items():
            setattr(stream.codec_context, name, value)
        for index in range(count):
            picture = (
                pictures[index] if pictures else av.VideoFrame.from_ndarray(drawing(index, size), "rgb24")
            )
            picture.pts = index if ticks is None else ticks[index]
            picture.time_base = Fraction(1, rate)
            out.mux(stream.encode(picture))
        out.mux(stream.encode(None))


def planes(picture: av.VideoFrame) -> list[bytes]:
    """Visible bytes of each plane."""
    found = []
    for plane in picture.planes:
        rows = np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)
        wide = plane.width * (2 if picture.format.components[0].bits > 8 else 1)
        if not picture.format.is_planar or len(picture.planes) == 1:
            wide = plane.width * picture.format.padded_bits_per_pixel // 8
        found.append(rows[: plane.height, :wide].tobytes())
    return found


def decoded(path: Path) -> list[av.VideoFrame]:
    """Pictures of a video, by PyAV itself."""
    with av.open(str(path)) as source:
        return list(source.decode(video=0))


def shown_times(path: Path) -> list[tuple[float, float]]:
    """Start and duration of each frame, in seconds, as the ffmpeg command reads them."""
    listing = ffmpeg(
        "-copyts", "-i", path, "-map", "0:v:0", "-fps_mode", "passthrough", "-f", "framemd5", "-"
    )
    text = listing.decode()
    found = re.search(r"#tb 0: (\d+)/(\d+)", text)
    assert found is not None
    tick = int(found[1]) / int(found[2])
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [(int(row[2]) * tick, int(row[3]) * tick) for row in rows]


def sound(path: Path, rate: int = 8000) -> npt.NDArray[np.float32]:
    """Sound as mono samples from time 0 on, silence where there is none, as the ffmpeg command decodes it."""
    filters = "aresample=async=1:first_pts=0"
    data = ffmpeg(
        "-i", path, "-map", "0:a:0", "-af", filters, "-ac", "1", "-ar", str(rate), "-f", "f32le", "-"
    )
    return np.frombuffer(data, np.float32)


def onset(samples: npt.NDArray[np.float32], rate: int = 8000) -> float:
    """Second at which sound begins."""
    return float(np.argmax(np.abs(samples) > 0.02)) / rate
