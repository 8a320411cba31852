"""The FFmpeg program, which writes the videos: which one is used, and what it says it can do."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from animeinterp.configs.errors import ConfigError

OLDEST = (57, 28)  # libavutil of FFmpeg 5.1
FFMPEG_6 = (58, 2)
ENVIRONMENT = {"SVT_LOG": "1", "AV_LOG_FORCE_NOCOLOR": "1"}  # SVT-AV1 prints errors only
ANSWERS_WITHIN = 60  # s
PR_CAPBSET_DROP, CAP_SYS_NICE = 24, 23  # linux/prctl.h, linux/capability.h


@lru_cache
def find_program(setting: str = "") -> str:
    """Path of the program: the one set, else the system's from version 5.1 on, else imageio-ffmpeg's.

    Raises
    ------
    ConfigError
        There is none, or the one set does not run or is too old.
    """
    if setting:
        path = shutil.which(str(Path(setting).expanduser()))
        trouble = "no such program" if path is None else _unusable(path)
        if path is None or trouble:
            raise ConfigError(
                f"clip.ffmpeg = {setting!r}: {trouble}; expected FFmpeg 5.1 or later: name its program, or "
                "leave the setting empty"
            )
        return path
    system = shutil.which("ffmpeg")
    if system is not None and not _unusable(system):
        return system
    try:
        shipped: str = imageio_ffmpeg.get_ffmpeg_exe()
        trouble = _unusable(shipped)
    except RuntimeError:
        trouble = "imageio-ffmpeg has none for this system"
    if trouble:
        raise ConfigError(
            f"no FFmpeg program to write videos with ({trouble}); install FFmpeg 5.1 or later, name one: "
            "--set clip.ffmpeg=PATH, or write images: -o frames/"
        )
    return shipped


@lru_cache
def picture_encoders(program: str) -> dict[str, str]:
    """Codec of each of the program's encoders of pictures, by the encoder's name, in its order."""
    lines = re.findall(r"^ V\S{5} (\S+) +(.*)$", _ask(program, "-encoders"), re.MULTILINE)
    codecs = {name: re.search(r"\(codec (\S+)\)$", about) for name, about in lines if name != "="}
    return {name: name if codec is None else codec[1] for name, codec in codecs.items()}


@lru_cache
def pixel_formats(program: str, encoder: str) -> tuple[str, ...]:
    """Pixel formats that an encoder takes; empty for any."""
    found = re.search(r"Supported pixel formats: (.*)", _ask(program, "-h", f"encoder={encoder}"))
    return tuple(found[1].split()) if found else ()


def start_program(program: str, arguments: list[str], errors: IO[bytes]) -> subprocess.Popen[bytes]:
    """Start the program; it reads from a pipe, and Ctrl-C and a full disk reach it through us only."""

    def started() -> subprocess.Popen[bytes]:
        if sys.platform == "linux":  # else root's SVT-AV1 runs in real time, and starves all other programs
            ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, CAP_SYS_NICE, 0, 0, 0)
        return subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env=os.environ | ENVIRONMENT,
            start_new_session=True,
            restore_signals=False,  # a file that grows too large is an error then, not a signal
        )

    with ThreadPoolExecutor(1) as aside:  # Linux takes rights from a thread, and what it starts
        return aside.submit(started).result()


def _ask(program: str, *question: str) -> str:
    command = [program, "-hide_banner", *question]
    return subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, timeout=ANSWERS_WITHIN, check=True
    ).stdout.decode(errors="replace")


def _unusable(path: str) -> str | None:
    """Why a program is of no use; None if it is."""
    try:
        version = library_version(path)
    except (OSError, subprocess.SubprocessError) as error:
        return f"does not run ({getattr(error, 'strerror', None) or error})"
    return "is not FFmpeg, or older" if version < OLDEST else None


@lru_cache
def version(program: str) -> str:
    """What the program says of its version, how it was built and its libraries."""
    return _ask(program, "-version")


@lru_cache
def library_version(program: str) -> tuple[int, int]:
    """Version of the program's libavutil, which all builds tell alike; (0, 0) where there is none."""
    found = re.search(r"libavutil\s+(\d+)\.\s*(\d+)", version(program))
    return (0, 0) if found is None else (int(found[1]), int(found[2]))
