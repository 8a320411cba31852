"""Opens what the user named as a clip: a video, a folder, a pattern or a list of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.sections import ClipSection, read_rate
from data.clips.animation import AnimationClip
from data.clips.clip import Clip
from data.clips.image_sequence import ImageClip
from data.clips.video import VideoClip
from data.folder_content import is_image
from data.given_paths import GivenImages, read_given


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
        There is no such file, or it is not a clip.
    """
    given = read_given(inputs, section.order)
    if isinstance(given, GivenImages):
        return ImageClip(given.name, given.paths, read_rate(section.rate), given.notes)
    if is_image(given):
        return AnimationClip(given, read_rate(section.rate))
    return VideoClip(given)
