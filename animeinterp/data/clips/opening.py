"""Opens what the user named as a clip: a video, a folder, a pattern or a list of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from animeinterp.configs.errors import DataError
from animeinterp.configs.sections import ClipSection, read_rate
from animeinterp.data.clips.animation import AnimationClip
from animeinterp.data.clips.clip import Clip
from animeinterp.data.clips.image_sequence import ImageClip
from animeinterp.data.clips.video import VideoClip
from animeinterp.data.folder_content import is_image
from animeinterp.data.given_paths import GivenImages, read_given
from animeinterp.data.name_patterns import frame_numbers, numbers_in

LEAST = 2  # images of a clip


def open_clip(inputs: Sequence[str | Path], section: ClipSection) -> Clip:
    """Open a clip.

    Parameters
    ----------
    inputs
        One video, one folder of images, one pattern of images, or images in their order.
    section
        Gives the rate of images, and the order of images listed one by one.

    Raises
    ------
    DataError
        There is no such file, or it is not a clip; or it has no frames of the numbers asked for.
    """
    given = read_given(inputs, section.order)
    if isinstance(given, GivenImages):
        paths = _selected(given.paths, section.frames) if section.frames else given.paths
        return ImageClip(given.name, paths, read_rate(section.rate), given.notes)
    if section.frames:
        raise DataError(
            f"clip.frames = {section.frames!r}: numbers of images, and {given} is one file; leave it out"
        )
    if is_image(given):
        return AnimationClip(given, read_rate(section.rate))
    return VideoClip(given)


def _selected(paths: Sequence[Path], wanted: str) -> tuple[Path, ...]:
    """Images whose numbers are in a range."""
    numbers = frame_numbers(paths)
    if not numbers:
        raise DataError(
            f"clip.frames = {wanted!r}: the names of the images differ in more than one number "
            f"({paths[0].name}, {paths[-1].name}); name a pattern such as {paths[0].parent}/name.####.png"
        )
    found = [path for path, number in zip(paths, numbers, strict=True) if number in numbers_in(wanted)]
    if len(found) < LEAST:
        raise DataError(
            f"clip.frames = {wanted!r}: {len(found)} of the images have such numbers, and two are needed; "
            f"{paths[0].parent} has {min(numbers)} to {max(numbers)}"
        )
    return tuple(found)
