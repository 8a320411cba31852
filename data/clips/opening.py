"""Opens what the user named as a clip: a video, a folder, a glob or a list of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from configs.sections import ClipSection
from data.clips.clip import Clip


def open_clip(inputs: Sequence[str | Path], section: ClipSection) -> Clip:
    """Open a clip.

    Parameters
    ----------
    inputs
        One video, one folder of images, one glob of images, or two images and more in their order.
    section
        Gives the rate of images.

    Raises
    ------
    DataError
        There is no such file, or it is no clip.
    """
    raise NotImplementedError
