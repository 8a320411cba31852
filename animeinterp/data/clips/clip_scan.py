"""The scan of a clip: repeats of a drawing, cuts, fades and motion, and its black bars."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from animeinterp.data.images import write_file

Change = Literal["first", "repeat", "motion", "fade", "cut"]

SCAN_FORMAT = 2
"""Increased whenever the format or method of scans changes; older ones are then repeated."""


HEADER = b"animeinterp clip scan\n"
"""First line of a file; the second is the SHA-256 of all that follows, a compressed archive of arrays."""


def scan_key(clip_digest: str, repeat_threshold: float, cut_threshold: float) -> str:
    """SHA-256 of everything a scan depends on."""
    parts = [SCAN_FORMAT, clip_digest, float(repeat_threshold), float(cut_threshold)]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class ClipScan:
    """The classification of every frame of a clip."""

    size: tuple[int, int]
    """Height and width."""
    starts: tuple[Fraction, ...]
    """When each frame is shown, seconds from the first."""
    end: Fraction
    """When the last one ends."""
    changes: tuple[Change, ...]
    """Change from the drawing before each frame; `first` for frame 0."""
    differences: tuple[float, ...]
    """Difference of each frame from the drawing before it, as used by the repeat threshold; 0 for frame 0."""
    bars: tuple[int, int, int, int]
    """Rows above and below, columns left and right, that are black in every frame."""
    problems: tuple[str, ...]
    """Problems while reading, damage included."""
    damage: tuple[str, ...] = ()
    """What could not be read."""
    leading: int = 0
    """Unreadable frames at the beginning; nothing moves before the first readable one."""

    def drawings(self) -> tuple[int, ...]:
        """For each frame the first frame of its drawing."""
        found: list[int] = []
        for index, change in enumerate(self.changes):
            found.append(found[-1] if change == "repeat" else index)
        return tuple(found)

    def holds(self) -> tuple[tuple[int, int], ...]:
        """Each drawing's first frame and the number of frames it is shown for."""
        firsts = [index for index, change in enumerate(self.changes) if change != "repeat"]
        ends = [*firsts[1:], len(self.changes)]
        return tuple((first, end - first) for first, end in zip(firsts, ends, strict=True))

    def frames_of(self, change: Change) -> tuple[int, ...]:
        """Frames with this change."""
        return tuple(index for index, found in enumerate(self.changes) if found == change)

    def save(self, path: Path, key: str) -> None:
        """Write the scan to a file atomically.

        Raises
        ------
        configs.errors.DataError
            The file cannot be written.
        """
        kinds = get_args(Change)
        numbers = [*self.starts, self.end]
        told = {"problems": self.problems, "damage": self.damage, "leading": self.leading}
        about = {"key": key, "size": self.size, "bars": self.bars, **told}
        packed = io.BytesIO()
        np.savez_compressed(
            packed,
            about=np.array(json.dumps(about)),
            changes=np.array([kinds.index(change) for change in self.changes], np.uint8),
            differences=np.array(self.differences, np.float64),
            numerators=np.array([number.numerator for number in numbers], np.int64),
            denominators=np.array([number.denominator for number in numbers], np.int64),
        )
        content = packed.getvalue()
        write_file(path, HEADER + _line(content) + content)

    @classmethod
    def load(cls, path: Path, key: str) -> ClipScan | None:
        """The stored scan of this key; None if it is missing, damaged or of another key."""
        try:
            file = path.read_bytes()
        except OSError:
            return None
        start = len(HEADER) + len(_line(b""))
        content = file[start:]
        if file[:start] != HEADER + _line(content):
            return None
        with np.load(io.BytesIO(content), allow_pickle=False) as archive:
            about: dict[str, Any] = json.loads(str(archive["about"]))
            if about["key"] != key:
                return None
            arrays = {name: archive[name] for name in archive.files}
        kinds = get_args(Change)
        height, width = about["size"]
        above, below, left, right = about["bars"]
        times = [
            Fraction(int(n), int(d))
            for n, d in zip(arrays["numerators"], arrays["denominators"], strict=True)
        ]
        return cls(
            size=(height, width),
            starts=tuple(times[:-1]),
            end=times[-1],
            changes=tuple(kinds[code] for code in arrays["changes"]),
            differences=tuple(float(difference) for difference in arrays["differences"]),
            bars=(above, below, left, right),
            problems=tuple(about["problems"]),
            damage=tuple(about["damage"]),
            leading=about["leading"],
        )


def _line(content: bytes) -> bytes:
    return hashlib.sha256(content).hexdigest().encode() + b"\n"
