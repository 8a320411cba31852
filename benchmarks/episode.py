"""What an episode takes: 24 minutes at 1080x1920 on threes, judged by a part that is really interpolated.

`python -m benchmarks episode` draws SECONDS of film; `python -m benchmarks.episode --seconds 120` more. The
command runs in a process of its own, in parts of few pairs, so that what grows with a clip's length shows.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from animeinterp.pipeline.cli.app import main as run_command
from animeinterp.pipeline.clips.clip_interpolation import ClipWork
from animeinterp.pipeline.clips.film import PREFIX, Film
from animeinterp.pipeline.clips.parts import PART_PIXELS
from animeinterp.pipeline.running.dask_cluster import DaskExecutor
from tests.drawn_clips.clip_files import RATE, write_clip
from tests.drawn_clips.shots import Shot

if TYPE_CHECKING:
    from benchmarks.measuring import Pair

SECONDS = 10
MINUTES = 24
SIZE = (1080, 1920)
WORKING = 540  # rows at which pieces are matched and flows are refined
SHOT = 2.5  # s, of a scene
SCENES = (17, 12, 28, 1)
PAIRS_PER_PART = 16
LOOK = 1.0  # s between looks at memory and cache


def main(_pairs: list[Pair], seconds: float = SECONDS) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        frames = round(SHOT * RATE)
        shots = round(seconds / SHOT)
        scenes = (SCENES[number % len(SCENES)] for number in range(shots))
        write_clip(root / "part.mp4", tuple(Shot(scene, frames, on=3, stride=0.12) for scene in scenes), SIZE)
        largest, spent = _watched(root)
        _print(spent, largest, shots * frames)


def _watched(root: Path) -> tuple[dict[str, float], dict[str, float]]:
    """Run the command; return the largest sizes seen, in GB, and the seconds of its steps."""
    from benchmarks.measuring import memory_of  # late: it imports Torch, which the command does not

    command = [sys.executable, "-m", "benchmarks.episode", "--interpolate", str(root)]
    largest = dict.fromkeys(("memory", "cache", "film", "part"), 0.0)
    with (root / "spent.json").open("w") as answer, subprocess.Popen(command, stdout=answer) as process:
        while process.poll() is None:
            film, cache = _size(root / "cache", PREFIX), _size(root / "cache")
            found = {
                "memory": memory_of(process.pid),
                "cache": cache,
                "film": film,
                "part": cache - film,
            }
            largest = {name: max(value, found[name] / 1e9) for name, value in largest.items()}
            time.sleep(LOOK)
    if process.returncode:
        raise RuntimeError(f"the command ended with exit code {process.returncode}")
    return largest, json.loads((root / "spent.json").read_text().splitlines()[-1])


def _size(folder: Path, prefix: str = "") -> int:
    """Bytes of the files whose names begin so."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with suppress(OSError):
                total += Path(path, name).stat().st_size if name.startswith(prefix) else 0
    return total


def _print(spent: dict[str, float], largest: dict[str, float], frames: int) -> None:
    pairs = spent["pairs"]
    whole = MINUTES * 60 * RATE
    share = whole / frames
    hours = {name: spent[name] * share / 3600 for name in ("scan", "compute", "assemble")}
    each = {name: spent[name] / frames for name in ("scan", "assemble")}
    print(f"{frames} frames, {pairs:.0f} pairs in parts of {PAIRS_PER_PART}:")
    print(f"  scan {each['scan']:.3f} s a frame, assembling {each['assemble']:.3f} s a frame")
    print(f"  stages {spent['compute'] / pairs:.2f} s a pair; {spent['start']:.1f} s starting workers")
    print(f"  {frames / (spent['scan'] + spent['compute'] + spent['assemble']):.2f} frames a second in all")
    print(f"  {spent['processor'] / frames:.2f} s of a core a frame")
    print("  largest: " + ", ".join(f"{name} {value:.2f} GB" for name, value in largest.items()))
    print(f"an episode of {whole} frames, {pairs * share:.0f} pairs:")
    print("  " + ", ".join(f"{name} {value:.1f} h" for name, value in hours.items()))
    part = int(PART_PIXELS / (SIZE[0] * SIZE[1])) / min(PAIRS_PER_PART, pairs)
    print(f"  cache: film {largest['film'] * share:.1f} GB, a part {largest['part'] * part:.1f} GB")


def interpolate(root: Path) -> None:
    """Run the command in this process; print the seconds of its steps as JSON."""
    spent = dict.fromkeys(("scan", "compute", "encode", "assemble", "start", "pairs"), 0.0)
    compute = ClipWork.compute

    def counted(self: ClipWork, *arguments: Any) -> Any:
        spent["pairs"] = len(arguments[1].plan.times)
        return compute(self, *arguments)

    with (
        patch.object(ClipWork, "compute", counted),
        _timed(ClipWork, "scan", spent, "scan"),
        _timed(ClipWork, "compute", spent, "compute"),
        _timed(Film, "write", spent, "encode"),
        _timed(ClipWork, "assemble", spent, "assemble"),
        _timed(DaskExecutor, "__init__", spent, "start"),
        patch.object(sys, "argv", _arguments(root)),
    ):
        try:
            run_command()
        except SystemExit as end:
            if end.code:
                raise
    spent["compute"] -= spent["encode"]
    spent["assemble"] += spent["encode"]
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    spent["processor"] = sum(one.ru_utime + one.ru_stime for one in used)
    print(json.dumps(spent))


def _arguments(root: Path) -> list[str]:
    settings = (f"store.cache='{root / 'cache'}'", f"refinement.height={WORKING}")
    settings += (f"clip.pairs_per_part={PAIRS_PER_PART}",)
    options = [word for setting in settings for word in ("--set", setting)]
    clip = [str(root / "part.mp4"), "-o", str(root / "out.mp4"), "--fps", str(RATE)]
    return ["animeinterp", "interpolate", *clip, *options]


@contextmanager
def _timed(owner: type, name: str, spent: dict[str, float], step: str) -> Iterator[None]:
    real: Callable[..., Any] = getattr(owner, name)

    def timed(*arguments: Any, **more: Any) -> Any:
        started = time.perf_counter()
        try:
            return real(*arguments, **more)
        finally:
            spent[step] += time.perf_counter() - started

    with patch.object(owner, name, timed):
        yield


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.episode")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of film, really interpolated")
    parser.add_argument("--interpolate", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.interpolate:
        interpolate(chosen.interpolate)
    else:
        main([], chosen.seconds)
