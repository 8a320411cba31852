"""Drawn clips as files: a video with beeps, or a folder of PNGs, with the truth beside it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

from animeinterp.configs.errors import DataError
from animeinterp.data.images import write_file, write_image
from tests.drawn_clips.clip import DrawnFrame, FrameTruth, draw_clip, truth_json
from tests.drawn_clips.shots import STANDARD, Shot

RATE = 24
"""Default frames per second of drawn clips."""
SOUND_RATE = 48000
BEEP_SECONDS = 0.1
SECOND_HERTZ, CUT_HERTZ = 880.0, 1760.0
"""Pitch of the beep at each whole second, and of that at each cut."""
LOUDNESS = 0.4
TRUTH_SUFFIX = ".truth.json"

Codec = Literal["libx264", "libx265"]


def write_clip(
    path: Path,
    shots: tuple[Shot, ...] = STANDARD,
    size: tuple[int, int] = (540, 960),
    *,
    letterbox: int = 0,
    rate: int = RATE,
    codec: Codec = "libx264",
    crf: int = 18,
    sound: bool = True,
) -> list[FrameTruth]:
    """Draw a clip into a file, and its truth into a JSON file beside it.

    Parameters
    ----------
    path
        A file `.mp4`, `.mkv` or `.mov` becomes a video, any other name a folder of PNGs without sound. The
        truth goes to the same name with `.truth.json` added.
    shots, size, letterbox
        As for `draw_clip`; height and width of a video are even.
    rate
        Frames a second.
    codec, crf
        Encoder of the video, and its constant quality: 0 is the best.
    sound
        Whether an AAC track beeps at each whole second and, higher, at each cut.

    Raises
    ------
    configs.errors.DataError
        If an argument is out of range or the files cannot be written.
    """
    frames = draw_clip(shots, size, letterbox=letterbox)
    try:
        if path.suffix in (".mp4", ".mkv", ".mov"):
            if size[0] % 2 or size[1] % 2:
                raise DataError(f"size: found {size[0]}x{size[1]}, expected even numbers for a video")
            path.parent.mkdir(parents=True, exist_ok=True)
            truths = _write_video(path, frames, size, rate, codec, crf, sound)
        else:
            truths = _write_folder(path, frames)
    except OSError as error:
        raise DataError(f"{path}: cannot be written ({error}); choose a writable folder") from error
    truth = truth_json(truths, size, rate, letterbox) | {"beeps": beeps(truths, rate)}
    write_file(path.with_name(path.name + TRUTH_SUFFIX), json.dumps(truth).encode())
    return truths


def beeps(truths: list[FrameTruth], rate: int) -> list[tuple[float, float]]:
    """Beginning of each beep in seconds, and its pitch in Hz, in their order."""
    cuts = [index / rate for index, truth in enumerate(truths) if truth.change == "cut"]
    seconds = [float(second) for second in range(-(-len(truths) // rate))]
    return sorted((dict.fromkeys(seconds, SECOND_HERTZ) | dict.fromkeys(cuts, CUT_HERTZ)).items())


def _write_video(
    path: Path,
    frames: Iterator[DrawnFrame],
    size: tuple[int, int],
    rate: int,
    codec: Codec,
    crf: int,
    sound: bool,
) -> list[FrameTruth]:
    truths = []
    with av.open(path, "w") as container:
        video = container.add_stream(codec, rate=rate)
        video.height, video.width, video.pix_fmt = *size, "yuv420p"
        video.options = {"crf": str(crf)}
        if codec == "libx265":
            video.options |= {"x265-params": "log-level=error"}
        audio = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
        for frame in frames:
            truths.append(frame.truth)
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame.picture), format="rgb24")
            container.mux(video.encode(picture))
        container.mux(video.encode())
        if audio is not None:
            wave = tone(beeps(truths, rate), len(truths) / rate)
            chunk = av.AudioFrame.from_ndarray(wave[None], format="fltp", layout="mono")
            chunk.sample_rate, chunk.pts, chunk.time_base = SOUND_RATE, 0, Fraction(1, SOUND_RATE)
            container.mux(audio.encode(chunk))
            container.mux(audio.encode())
    return truths


def tone(beginnings: list[tuple[float, float]], seconds: float) -> NDArray[np.float32]:
    """Sound of beeps of these beginnings and pitches, at `SOUND_RATE`; silence between them."""
    wave = np.zeros(round(seconds * SOUND_RATE), np.float32)
    time = np.arange(round(BEEP_SECONDS * SOUND_RATE)) / SOUND_RATE
    for beginning, hertz in beginnings:
        start = round(beginning * SOUND_RATE)
        end = min(start + len(time), len(wave))
        wave[start:end] = LOUDNESS * np.sin(2 * np.pi * hertz * time[: end - start])
    return wave


def _write_folder(path: Path, frames: Iterator[DrawnFrame]) -> list[FrameTruth]:
    truths = []
    for index, frame in enumerate(frames):
        write_image(path / f"{index:06d}.png", frame.picture)
        truths.append(frame.truth)
    return truths
