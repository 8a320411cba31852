"""Matching of n pieces with n: seconds beside the plain version's, and peak memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from animeinterp.configs.sections import MatchingSection
from animeinterp.stages.matching import Matching, match_pieces
from animeinterp.stages.segmentation import Pieces
from benchmarks.measuring import Pair, compare
from tests.plain import matching as plain

CHANNELS = 960  # of four VGG-19 layers
TIMED = (200, 500, 2000)
PLAIN_UP_TO = 500  # pieces; beyond, it takes too long
MEASURED = (2000, 14_025)  # for memory; a 6-pixel grid falls into 14,025 pieces

RESET = Path("/proc/self/clear_refs")  # Linux: a 5 written here resets the peak of resident memory

Matcher = Callable[..., Matching]


def draw(count: int, seed: int) -> tuple[np.ndarray, Pieces]:
    """Features and pieces of any size, anywhere in a frame of 540x960."""
    rng = np.random.default_rng(seed)
    features = rng.random((count, CHANNELS), np.float32)
    features /= features.sum(axis=1, keepdims=True)
    area = rng.integers(1, 3000, count, dtype=np.int32)
    centroid = rng.random((count, 2)) * (960, 540)
    return features, Pieces(np.zeros((540, 960), np.int32), area, centroid, np.zeros((count, 4), np.int32))


def match(count: int) -> dict[str, Callable[[], Matching]]:
    (features0, pieces0), (features1, pieces1) = draw(count, 0), draw(count, 1)
    arguments = (features0, features1, pieces0, pieces1, MatchingSection())
    functions: dict[str, Matcher] = {"stage": match_pieces}
    if count <= PLAIN_UP_TO:
        functions["plain"] = plain.match_pieces
    return {name: lambda function=function: function(*arguments) for name, function in functions.items()}


def added_memory(count: int) -> float:
    """Peak of resident memory above what the process had before, GB."""
    match(16)["stage"]()
    function = match(count)["stage"]
    RESET.write_text("5")
    before = _resident_peak()
    function()
    return _resident_peak() - before


def _resident_peak() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 2**20 for line in lines if line.startswith("VmHWM"))


def main(_pairs: list[Pair]) -> None:
    for count in TIMED:
        seconds = compare(match(count), repeats=20 if count <= PLAIN_UP_TO else 3)
        each = seconds["stage"] / count**2 / CHANNELS * 1e9
        ratio = (
            f", plain version {seconds['plain'] / seconds['stage']:.0f} times as long"
            if "plain" in seconds
            else ""
        )
        print(f"{count:6,} pieces: {seconds['stage']:.4f} s, {each:.3f} ns a candidate and channel{ratio}")
    if not RESET.exists():
        return
    for count in MEASURED:
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
            print(f"{count:6,} pieces: {process.submit(added_memory, count).result():.2f} GB at the most")
