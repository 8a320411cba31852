"""Repeats, cuts and fades of drawn clips: what is measured of them, and what each threshold makes of it."""

from __future__ import annotations

import time
from collections import defaultdict

import numpy as np

from animeinterp.configs.sections import ClipSection
from animeinterp.data.cartoon.triplet import draw_triplet
from animeinterp.data.clips.changes import scan_clip
from animeinterp.data.clips.clip_scan import ClipScan
from animeinterp.data.clips.likeness import unlikeness
from animeinterp.data.clips.sketch import difference, draw_sketch
from benchmarks.measuring import Frame, Pair
from tests.data.memory_clip import MemoryClip, encoded
from tests.drawn_clips.clip import DrawnFrame, draw_clip
from tests.drawn_clips.shots import EVERYTHING, STANDARD

SIZES = ((1080, 1920), (540, 960), (270, 480))
CODECS = ((None, 0), *(("libx264", crf) for crf in (0, 18, 23, 28, 32)), ("libx265", 23), ("libx265", 32))
REPEAT_THRESHOLDS = (3.0, 6.0, 9.0, 12.0, 16.0, 20.0, 24.0, 32.0)
CUT_THRESHOLDS = (0.4, 0.44, 0.48, 0.5, 0.52, 0.56, 0.6)
CUT_SEEDS = range(200, 400)  # none of those looked at while the measure was made
PLACES = 5  # seeds as far apart show the same kind of place


def main(pairs: list[Pair]) -> None:
    del pairs
    for size in SIZES:
        drawn = list(draw_clip(EVERYTHING, size))
        for codec, crf in CODECS if size != SIZES[0] else CODECS[3:6]:
            pictures = [frame.picture for frame in drawn]
            pictures = pictures if codec is None else encoded(pictures, codec, crf)
            name = "uncompressed" if codec is None else f"{codec} crf {crf}"
            print(f"{size[1]} x {size[0]}, {name}")
            _print_differences(drawn, pictures)
            _print_repeats(drawn, pictures)
    _print_cuts()
    _print_speed()


def _print_differences(drawn: list[DrawnFrame], pictures: list[Frame]) -> None:
    """Differences from the drawing before, by what is true of the frame."""
    found: dict[str, list[float]] = defaultdict(list)
    sketches = [draw_sketch(picture) for picture in pictures]
    first = 0
    for index, frame in enumerate(drawn[1:], 1):
        found[frame.truth.change].append(difference(sketches[first], sketches[index]))
        first = first if frame.truth.change == "repeat" else index
    texts = []
    for change in ("repeat", "motion", "fade"):
        low, middle, high, most = np.percentile(found[change], (0, 50, 99, 100))
        texts.append(f"{change} {low:.1f} least, {middle:.1f} median, {high:.1f} at 99 %, {most:.1f} most")
    print("    " + "; ".join(texts))


def _print_repeats(drawn: list[DrawnFrame], pictures: list[Frame]) -> None:
    texts = []
    for threshold in REPEAT_THRESHOLDS:
        scan = scan_clip(MemoryClip(pictures), ClipSection(repeat_threshold=threshold))
        texts.append(f"{threshold:g}: {_hits(drawn, scan, 'repeat')}")
        if threshold == ClipSection().repeat_threshold:
            others = ", ".join(f"{change}s {_hits(drawn, scan, change)}" for change in ("cut", "fade"))
    print("    precision and recall of repeats at " + ", ".join(texts))
    print("    at the default: " + others)


def _hits(drawn: list[DrawnFrame], scan: ClipScan, change: str) -> str:
    said = {index for index, found in enumerate(scan.changes) if found == change}
    true = {index for index, frame in enumerate(drawn) if frame.truth.change == change}
    right = len(said & true)
    return f"{right / max(len(said), 1):.3f} / {right / max(len(true), 1):.3f}"


def _print_cuts() -> None:
    """Triplets: frames 0 and 1 of one move up to 150 pixels; those of others have a cut between them."""
    shots = []
    for seed in CUT_SEEDS:
        triplet = draw_triplet(seed, (270, 480))
        shots.append((draw_sketch(triplet.frame0), draw_sketch(triplet.frame1)))
    same = [unlikeness(first, second) for first, second in shots]
    other, place = [], []
    for number, (first, _) in enumerate(shots):
        other.append(unlikeness(first, shots[(number + 1) % len(shots)][0]))
        place.append(unlikeness(first, shots[(number + PLACES) % len(shots)][0]))
    for name, values in (("one shot", same), ("cut within a place", place), ("other cut", other)):
        print(
            f"unlikeness, {name}: " + " ".join(f"{v:.2f}" for v in np.percentile(values, (0, 5, 50, 95, 100)))
        )
    for threshold in CUT_THRESHOLDS:
        wrong = sum(v >= threshold for v in same)
        missed = sum(v < threshold for v in place + other)
        cuts = len(place + other)
        print(f"    at {threshold:g}: {wrong} of {len(same)} taken for cuts, {missed} of {cuts} missed")


def _print_speed() -> None:
    for size in SIZES[:2]:
        clip = [frame.picture for frame in draw_clip(STANDARD, size)]
        for name, pictures in (("exact repeats", clip), ("h264", encoded(clip, "libx264", 23))):
            began, spent = time.perf_counter(), time.process_time()
            scan_clip(MemoryClip(pictures), ClipSection())
            seconds, spent = time.perf_counter() - began, time.process_time() - spent
            print(
                f"scan at {size[1]} x {size[0]}, {name}: {len(pictures) / seconds:.0f} frames a second, "
                f"{1000 * spent / len(pictures):.1f} ms of processor time a frame"
            )
