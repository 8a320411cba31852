"""Joins segments of a video: encoded once, they are copied, with all else in its source."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from animeinterp.pipeline.clips.program_run import ProgramRun
from animeinterp.pipeline.clips.recipe import MICROSECOND, Recipe
from animeinterp.pipeline.clips.timeline import Cadence


def join(segments: Sequence[Path], output: Path, recipe: Recipe, cadence: Cadence) -> None:
    """Join files made by a recipe's `segment` to its output.

    Raises
    ------
    DataError
        FFmpeg failed, or the output cannot be written.
    """
    starts = [_start(path) for path in segments]

    def arguments(path: Path, folder: Path) -> list[str]:
        lines = ["ffconcat version 1.0"]
        for number, (segment, start) in enumerate(zip(segments, starts, strict=True)):
            name = f"{number:06d}{segment.suffix}"
            (folder / name).symlink_to(segment.absolute())  # names as FFmpeg's lists can have them
            lines.append(f"file {name}")
            if number + 1 < len(starts):
                lines.append(f"duration {float(starts[number + 1] - start):.6f}")
        (folder / "segments.ffconcat").write_text("\n".join([*lines, ""]))
        return recipe.joining_arguments(cadence, folder / "segments.ffconcat", starts[0], path, str(folder))

    with ProgramRun(output, recipe, arguments) as run:
        run.finish()


def _start(path: Path) -> Fraction:
    """When a segment begins, in seconds, as FFmpeg has it."""
    with av.open(str(path)) as container:
        return (container.start_time or 0) * MICROSECOND
