"""Scans of clips, written as a word a frame."""

from __future__ import annotations

from fractions import Fraction

from animeinterp.data.clips.clip_scan import Change, ClipScan

LETTERS: dict[str, Change] = {"F": "first", "r": "repeat", "m": "motion", "f": "fade", "c": "cut"}


def scan_of(changes: str, starts: list[Fraction] | None = None, rate: int = 24) -> ClipScan:
    starts = starts or [Fraction(k, rate) for k in range(len(changes))]
    last = starts[-1] - starts[-2] if len(starts) > 1 else Fraction(1, rate)
    return ClipScan(
        (8, 8),
        tuple(starts),
        starts[-1] + last,
        tuple(LETTERS[c] for c in changes),
        (0.0,) * len(changes),
        (0, 0, 0, 0),
        (),
    )
